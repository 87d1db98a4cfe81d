"""Stars told from galaxies: areas under ROC curves against source-extractor's CLASS_STAR.

On a PSF that no training has seen, a core with wide wings (no Moffat function), in other seeings
and from other seeds than the training's. Sources that both tools find are compared.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
from figure import Figure
from scipy.stats import rankdata

from skymill.simulate.psf import moffat_mixture, moffat_width
from skymill.sources.measure import measure
from skymill.sources.stellarity_model import MODELS
from skymill.sources.stellarity_training import (
    Stack,
    read_training,
    simulate_stack,
    true_sources,
)

from .extractor import source_extractor, write_planes
from .settings import default, ks4

BINS = np.arange(16, 22.1, 0.5)
WIDER, WINGS = 1.8, 0.25
"""The wings' FWHM in that of the core, and their share of the light."""
STACKS = [
    {"seed": 1000 + k, "seeing": seeing, "rise": rise, "ellipticity": 0.07, "density": density}
    for k, (seeing, rise, density) in enumerate(
        [
            (1.2, 0.12, 20.0), (1.4, 0.08, 12.0), (1.8, 0.15, 15.0), (1.8, 0.10, 15.0),
            (2.1, 0.12, 12.0), (2.3, 0.12, 12.0), (2.3, 0.05, 20.0), (2.7, 0.15, 12.0),
        ]
    )
]  # fmt: skip
FAINT = 20.0
"""Magnitude from which on the spread model has to work."""
FEWEST = 3
"""Stars and galaxies that a stack needs in a bin to count there."""


def figures(folder: Path) -> Iterator[Figure]:
    """The ratios of the areas in each bin; the spread model's for faint sources."""
    _, training = read_training(MODELS / "training.yaml")
    training = {**training, "hits": 0.0}
    modes = {"default": default(), "ks4": ks4()}
    found: dict[tuple[str, str], list] = {}
    for row in STACKS:
        stack = simulate_stack(
            training, {**row, "beta": 3.0, "sky_rms": 15.0, "saturation": 1e9}, core_and_wings()
        )
        theirs = _theirs(folder, stack, row["seeing"] * (1 + row["rise"] / 3), training["gain"])
        for mode, settings in modes.items():
            ours = _ours(stack, settings, training)
            for name, values in ours.items():
                found.setdefault((mode, name), []).append((stack.truth, values, theirs))
    for (mode, name), stacks in found.items():
        for low, high in pairwise(BINS if name == "class_star" else BINS[BINS >= FAINT]):
            area, other = areas(stacks, low, high)
            yield Figure(
                f"ROC area ÷ source-extractor's, {name}, {mode}, {low:.1f} mag ({area:.4f})",
                area / other, 1.0, "", True,
            )  # fmt: skip


def core_and_wings() -> tuple[np.ndarray, np.ndarray]:
    """A PSF as a sum of Gaussians: shares, variances in units of the squared FWHM."""
    shares, variances = [], []
    for beta, width, share in ((4.5, 1.0, 1 - WINGS), (2.5, WIDER, WINGS)):
        part, variance = moffat_mixture(beta)
        shares.append(share * part)
        variances.append(variance * (width / moffat_width(beta)) ** 2)
    share, variance = np.concatenate(shares), np.concatenate(variances)
    radius = np.linspace(0, 2, 4001)
    profile = (share / variance * np.exp(-0.5 * radius[:, None] ** 2 / variance)).sum(axis=1)
    fwhm = 2 * np.interp(-0.5 * profile[0], -profile, radius)
    return share, variance / fwhm**2


def _ours(stack: Stack, settings: Mapping, training: Mapping) -> dict[str, np.ndarray]:
    planes = (stack.image, stack.variance, stack.mask)
    table = measure(*planes, settings, training["pixel_scale"], training["gain"], float("inf"))
    place = np.asarray(table["x"]), np.asarray(table["y"])
    return {
        "class_star": _by_truth(stack, *place, np.asarray(table["class_star"], float)),
        "spread_model": _by_truth(stack, *place, -np.asarray(table["spread_model"], float)),
    }


def _theirs(folder: Path, stack: Stack, seeing: float, gain: float) -> np.ndarray:
    write_planes(folder, stack.image, stack.variance, stack.mask.astype(np.int16))
    table, _ = source_extractor(folder, gain, seeing)
    place = np.asarray(table["XWIN_IMAGE"]) - 1, np.asarray(table["YWIN_IMAGE"]) - 1
    return _by_truth(stack, *place, np.asarray(table["CLASS_STAR"], float))


def _by_truth(stack: Stack, x: np.ndarray, y: np.ndarray, score: np.ndarray) -> np.ndarray:
    index = true_sources(stack.truth, x, y)
    values = np.full(len(stack.truth), np.nan)
    values[index[index >= 0]] = score[index >= 0]
    return values


def areas(stacks: list, low: float, high: float) -> tuple[float, float]:
    """Ours and source-extractor's, means over stacks, each weighed by its sources."""
    ours, theirs, weights = [], [], []
    for truth, mine, other in stacks:
        mag, star = np.asarray(truth["mag"]), np.asarray(truth["star"])
        used = (mag >= low) & (mag < high) & np.isfinite(mine) & np.isfinite(other)
        if min(star[used].sum(), (~star)[used].sum()) >= FEWEST:
            ours.append(_area(mine[used], star[used]))
            theirs.append(_area(other[used], star[used]))
            weights.append(used.sum())
    if not weights:
        return float("nan"), float("nan")
    return float(np.average(ours, weights=weights)), float(np.average(theirs, weights=weights))


def _area(score: np.ndarray, star: np.ndarray) -> float:
    """The chance that a star scores above a galaxy (half of it where they tie)."""
    stars, others = star.sum(), (~star).sum()
    return (rankdata(score)[star].sum() - stars * (stars + 1) / 2) / (stars * others)
