"""Zero points per amplifier against the Cramér–Rao bound of the stars at hand."""

from collections.abc import Iterator, Mapping

import numpy as np
from figure import Figure

from skymill.config import load_camera, load_config
from skymill.frames.zero_point import AmplifierStars, fit_exposure
from skymill.paths import CONFIG

EXPOSURES = 60
"""Of 32 amplifiers each: a ratio of errors is then known to 1.6 %."""
MAGNITUDES = (10.5, 17.0)
"""Of calibrators: the mini release's APASS, in V."""
STARS = (45, 400)
"""Calibrators of an amplifier of the mini camera and of KMTNet, at the mini release's density."""


def figures() -> Iterator[Figure]:
    """Errors of zero points and slopes, and whether the errors that are given are true."""
    settings = load_config(CONFIG / "config.yaml")["frames"]["photometry"]
    for camera, count in zip(("mini", "kmtnet"), STARS, strict=True):
        yield from against_bound(camera, count, settings)


def against_bound(name: str, count: int, settings: Mapping) -> Iterator[Figure]:
    """Fit simulated stars of known zero points and slopes.

    Errors of the stars are Gaussian and as large as the fit is told, so that the bound is exact.
    """
    camera, rng = load_camera(CONFIG / "cameras" / f"{name}.yaml"), np.random.default_rng(1)
    faults = {chip: [""] * len(each.amplifiers) for chip, each in camera.chips.items()}
    offsets, slopes, pulls = [], [], []
    for _ in range(EXPOSURES):
        stars, truth, bound = {}, [], []
        for chip, each in camera.chips.items():
            stars[chip] = []
            for _ in each.amplifiers:
                zp, slope = 28.5 + rng.normal(0, 0.02), rng.normal(0, 0.1) / each.shape[0]
                own = draw_stars(rng, rng.poisson(count), each.shape[0], (zp, slope), settings)
                stars[chip].append(own)
                truth.append((zp, slope))
                bound.append(cramer_rao(own))
        points = [p for own in fit_exposure(stars, faults, settings).values() for p in own]
        found = np.array([(point.zp, point.slope) for point in points])
        error = found - np.array(truth)
        offsets.append(error[:, 0] / np.array(bound)[:, 0])
        slopes.append(error[:, 1] / np.array(bound)[:, 1])
        pulls.append(error[:, 0] / [point.error for point in points])
    what = f"{count} stars an amplifier"
    yield Figure(f"zero point, error ÷ bound, {what}", rms(offsets), 1.1, "")
    yield Figure(f"slope, error ÷ bound, {what}", rms(slopes), 1.1, "")
    width = abs(rms(pulls) - 1)
    yield Figure(f"zero point, |width of pulls − 1|, {what}", width, 0.1, "")


def draw_stars(
    rng: np.random.Generator, count: int, rows: int, truth: tuple[float, float], settings: Mapping
) -> AmplifierStars:
    """Calibrators of one amplifier: bright ones are few and limited by the floor."""
    t = rng.uniform(-rows / 2, rows / 2, count)
    low, high = MAGNITUDES
    magnitude = high + np.log10(rng.uniform(10 ** (-0.3 * (high - low)), 1, count)) / 0.3
    sigma = np.hypot(0.03 * 10 ** (0.3 * (magnitude - high)), settings["floor"])
    difference = truth[0] + truth[1] * t + rng.normal(0, sigma)
    return AmplifierStars(t, difference, sigma)


def cramer_rao(stars: AmplifierStars) -> tuple[float, float]:
    """The least errors of zero point and slope that an unbiased fit of both can have."""
    design = np.column_stack([np.ones(stars.t.size), stars.t / np.ptp(stars.t)])
    covariance = np.linalg.inv(design.T @ (design / stars.sigma[:, None] ** 2))
    return float(np.sqrt(covariance[0, 0])), float(np.sqrt(covariance[1, 1]) / np.ptp(stars.t))


def rms(values: list[np.ndarray]) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.concatenate(values) ** 2)))
