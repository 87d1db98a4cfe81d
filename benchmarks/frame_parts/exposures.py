"""Exposures of the mini camera through the room's commands: positions and zero points."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table
from figure import Figure
from scipy.spatial import cKDTree

from skymill.bits import Flag, MaskBit
from skymill.geometry import unit_vectors
from skymill.io.parquet import read_table
from skymill.simulate.apparent import apparent
from skymill.simulate.conditions import conditions
from skymill.simulate.plan import Exposure
from skymill.simulate.psf import moffat_width

from .catalogue import corners, separations, sky_of
from .survey import Survey, calibrate, expose, make_masters, pixels, start_survey

DITHERS = ((0.0, 0.0), (30.0, 0.0), (0.0, 52.5), (30.0, 52.5))
"""Arcsec: the mini release's, all at one site."""
FIELDS = 3
"""Tiles of the run: over one alone an amplifier would see the same calibrators again and again, and
the errors of their catalogue wouldn't be pooled."""
BRIGHT = 100.0
"""S/N of the stars whose positions count."""
MATCH = 0.5
"""Arcsec between a detection and its true star."""
APART, DIM = 2.0, 0.01
"""A star is alone if nothing within so many FWHM has so large a part of its light."""
RMS = "rms, worse axis"
LOG_ERROR = 2.5 / np.log(10)


def figures(folder: Path) -> Iterator[Figure]:
    """rms of positions, errors of zero points, each against truth."""
    dithers = [{"site": "CTIO", "ra": f"{x} arcsec", "dec": f"{y} arcsec"} for x, y in DITHERS]
    tiles = [{"number": n, "ra": f"{n / 2} deg", "dec": "-30 deg"} for n in range(FIELDS)]
    nights = {"CTIO": [f"2025-09-{20 + n}T04:20:00" for n in range(FIELDS)]}
    plan = {"tiles": tiles, "dithers": dithers, "nights": nights}
    survey = start_survey(folder, "mini", {"simulate": {"plan": plan}})
    if not survey.master("crosstalk").exists():
        make_masters(survey)
    verdicts, truths, parts, edges = [], [], [], []
    for exposure in survey.planned:
        if not survey.path(exposure.name, "json").exists():
            expose(survey, exposure.name)
            pixels(survey, exposure.name)
            calibrate(survey, exposure.name)
        verdicts.append(json.loads(survey.path(exposure.name, "json").read_text()))
        truths.append(json.loads(survey.path(exposure.name, "truth.json").read_text()))
        parts.append(positions(survey, exposure))
        edges.append(corner_errors(survey, exposure.name, truths[-1]))
    stars = Table({name: np.concatenate([p[name] for p in parts]) for name in parts[0].colnames})
    yield from position_figures(stars)
    yield Figure(f"chip corners, {RMS}", rms(np.concatenate(edges)), 0.02, "arcsec")
    yield from zero_point_figures(verdicts, truths)


def position_figures(stars: Table) -> Iterator[Figure]:
    """All stars of `positions`, and what of their errors blends and borders are to blame for."""
    errors, alone = np.asarray(stars["error"]), np.asarray(stars["alone"])
    for what, kept in (
        ("unsaturated stars of S/N ≥ 100", np.ones(len(stars), bool)),
        ("those without any flag", np.asarray(stars["clean"])),
        ("those alone within 2 FWHM", alone),
        ("those alone and without any flag", alone & np.asarray(stars["clean"])),
    ):
        yield Figure(f"{what}, {RMS}, {kept.sum()}", rms(errors[kept]), 0.015, "arcsec")
    pulls = (
        errors[alone & stars["clean"]] / np.asarray(stars["bound"])[alone & stars["clean"], None]
    )
    yield Figure("the last ones' median |error| ÷ Cramér–Rao bound", robust(pulls), 1.5, "")


def rms(errors: np.ndarray) -> float:
    """Root mean square of errors (n, 2) along the worse axis."""
    return float(np.sqrt(np.mean(errors**2, axis=0)).max())


def robust(errors: np.ndarray) -> float:
    """σ that the median of |errors| (n, 2) tells along the worse axis."""
    return float(1.4826 * np.median(np.abs(errors), axis=0).max())


def positions(survey: Survey, exposure: Exposure) -> Table:
    """Unsaturated detections of true stars.

    Returns
    -------
    Table
        ``error`` (n, 2), arcsec; ``clean``: no flag; ``alone``: nothing truly within `APART` that
        has `DIM` of its light, and whole; ``bound``: the least error of any estimate, arcsec.
    """
    now = conditions(exposure, survey.settings["simulate"], survey.camera)
    sky = read_table(survey.sources)
    sky = sky[~np.isfinite(np.asarray(sky["epoch"], float))]  # an asteroid is many rows
    seen = apparent(sky, exposure, now)
    every = unit_vectors(np.asarray(seen["ra"]), np.asarray(seen["dec"]))
    light, scale = np.asarray(seen["flux"]), survey.camera.pixel_scale
    stars = np.flatnonzero(np.isin(np.asarray(sky["kind"], str), ("star", "variable")))
    table = read_table(survey.path(exposure.name, "cat.parquet"))
    bright = np.asarray(table["magerr_auto"]) <= LOG_ERROR / BRIGHT
    bright &= (np.asarray(table["flags"]) & int(Flag.SATURATED)) == 0
    spoilt = int(MaskBit.BLEED | MaskBit.SATURATED)
    table = table[bright & ((np.asarray(table["imaflags_iso"]) & spoilt) == 0)]
    found = np.column_stack([np.asarray(table["ra"]), np.asarray(table["dec"])])
    distance, row = cKDTree(every[stars]).query(unit_vectors(*found.T))
    near = distance < np.radians(MATCH / 3600)
    table, found, row = table[near], found[near], stars[row[near]]
    around = cKDTree(every).query_ball_point(
        every[row], np.radians(APART * now.psf.fwhm * scale / 3600)
    )
    rivals = [
        np.sum(light[others] > DIM * light[own]) for others, own in zip(around, row, strict=True)
    ]
    flags = np.asarray(table["flags"])
    whole = (flags & int(Flag.TRUNCATED | Flag.APERTURE_INCOMPLETE)) == 0
    noise = now.sky + np.mean([a.read_noise for a in survey.camera.amplifiers()]) ** 2
    return Table(
        {
            "error": separations(found, np.column_stack([seen["ra"], seen["dec"]])[row]),
            "clean": (flags == 0) & (np.asarray(table["imaflags_iso"]) == 0),
            "alone": (np.array(rivals) == 1) & whole,
            "bound": scale * centroid_bound(light[row], noise, now.psf.fwhm, now.psf.beta),
        }
    )


def centroid_bound(flux: np.ndarray, noise: float, fwhm: float, beta: float) -> np.ndarray:
    """Cramér–Rao bound of a Moffat star's position along an axis, pixels.

    Parameters
    ----------
    flux : ndarray
        Electrons.
    noise : float
        Variance of a pixel without the star, electrons².
    fwhm : float
        Pixels.
    beta : float
    """
    radius, step = np.linspace(0, 8 * fwhm, 2000, retstep=True)
    alpha = fwhm / moffat_width(beta)
    base = 1 + (radius / alpha) ** 2
    profile = (beta - 1) / (np.pi * alpha**2) * base**-beta
    slope = -2 * beta * radius / alpha**2 * profile / base
    information = [
        np.pi * step * np.sum(radius * (own * slope) ** 2 / (noise + own * profile)) for own in flux
    ]
    return 1 / np.sqrt(information)


def corner_errors(survey: Survey, name: str, truth: Mapping) -> np.ndarray:
    """Errors (n, 2) of the solution at the corners of every chip, arcsec."""
    errors = []
    with fits.open(survey.path(name, "fits")) as hdus:
        for chip, own in survey.camera.chips.items():
            x, y = corners(own.shape)
            cards = {key: hdus[chip].header[key] for key in truth["chips"][chip]["wcs"]}
            true = sky_of(truth["chips"][chip]["wcs"], x, y)
            errors.append(separations(sky_of(cards, x, y), true))
    return np.concatenate(errors)


def zero_point_figures(verdicts: list[dict], truths: list[dict]) -> Iterator[Figure]:
    """Steps between amplifiers and chips, pooled over the exposures; the width of the pulls.

    Each exposure's mean error is left out: it is the colour term of its calibrators and no step.
    """
    errors, pulls = [], []
    for verdict, truth in zip(verdicts, truths, strict=True):
        found = _amplifiers(verdict, truth)
        step = found[..., 0] - np.nanmean(found[..., 0])
        errors.append(step)
        pulls.append(step / found[..., 1])
    known = np.isfinite(errors).any(axis=0)
    pooled = np.full(known.shape, np.nan)
    pooled[known] = np.nanmean(np.array(errors)[:, known], axis=0)
    width = np.sqrt(np.nanmean(np.square(pulls)))
    what = f"pooled over {len(errors)} exposures"
    chips = np.nanmean(pooled, axis=1)
    rms = float(np.sqrt(np.mean(pooled[known] ** 2)))
    yield Figure(f"amplifier steps, rms, {what}", rms, 0.003, "mag")
    yield Figure(f"amplifier steps, worst, {what}", np.abs(pooled[known]).max(), 0.003, "mag")
    yield Figure(f"chip to chip, worst, {what}", float(np.abs(chips).max()), 0.003, "mag")
    yield Figure("zero points of exposures, |width of pulls − 1|", abs(float(width) - 1), 0.1, "")


def _amplifiers(verdict: Mapping, truth: Mapping) -> np.ndarray:
    """Error of zero point, and the error given; (chips, amplifiers, 2), NaN where bad."""
    rows = []
    for chip, own in truth["chips"].items():
        rows.append([])
        for name, true in own["amplifiers"].items():
            point = verdict["chips"][chip]["amplifiers"][name] if verdict["chips"] else None
            usable = point is not None and not point["bad"] and not true["dead"]
            values = (point["zp"] - true["zp"], point["zp_error"]) if usable else (np.nan, np.nan)
            rows[-1].append(values)
    return np.array(rows, dtype=float)
