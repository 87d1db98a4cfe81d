"""Exposures of the mini camera through the room's commands: positions and zero points."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from astropy.io import fits
from figure import Figure
from scipy.spatial import cKDTree

from skymill.bits import Flag, MaskBit
from skymill.geometry import unit_vectors
from skymill.io.parquet import read_table
from skymill.simulate.apparent import apparent
from skymill.simulate.conditions import conditions
from skymill.simulate.plan import Exposure

from .catalogue import corners, separations, sky_of
from .survey import Survey, calibrate, expose, make_masters, pixels, start_survey

DITHERS = ((0.0, 0.0), (30.0, 0.0), (0.0, 52.5), (30.0, 52.5))
"""Arcsec: the mini release's, all at one site."""
BRIGHT = 100.0
"""S/N of the stars whose positions count."""
MATCH = 0.5
"""Arcsec between a detection and its true star."""
LOG_ERROR = 2.5 / np.log(10)


def figures(folder: Path) -> Iterator[Figure]:
    """rms of positions, errors of zero points, each against truth."""
    dithers = [{"site": "CTIO", "ra": f"{x} arcsec", "dec": f"{y} arcsec"} for x, y in DITHERS]
    survey = start_survey(folder, "mini", {"simulate": {"plan": {"dithers": dithers}}})
    if not survey.master("crosstalk").exists():
        make_masters(survey)
    verdicts, truths, stars, cleans, edges = [], [], [], [], []
    for exposure in survey.planned:
        if not survey.path(exposure.name, "json").exists():
            expose(survey, exposure.name)
            pixels(survey, exposure.name)
            calibrate(survey, exposure.name)
        verdicts.append(json.loads(survey.path(exposure.name, "json").read_text()))
        truths.append(json.loads(survey.path(exposure.name, "truth.json").read_text()))
        places, is_clean = positions(survey, exposure)
        stars.append(places)
        cleans.append(is_clean)
        edges.append(corner_errors(survey, exposure.name, truths[-1]))
    places, clean, edges = (np.concatenate(parts) for parts in (stars, cleans, edges))
    for what, errors, target in (
        ("unsaturated stars of S/N ≥ 100", places, 0.015),
        ("those without any flag", places[clean], 0.015),
        ("chip corners", edges, 0.02),
    ):
        rms = float(np.sqrt(np.mean(errors**2, axis=0)).max())
        yield Figure(f"{what}, rms, worse axis, {len(errors)}", rms, target, "arcsec")
    yield from zero_point_figures(verdicts, truths)


def positions(survey: Survey, exposure: Exposure) -> tuple[np.ndarray, np.ndarray]:
    """Errors (n, 2) of unsaturated detections of true stars, arcsec, and which have no flag."""
    now = conditions(exposure, survey.settings["simulate"], survey.camera)
    sky = read_table(survey.sources)
    sky = sky[np.isin(np.asarray(sky["kind"], str), ("star", "variable"))]
    seen = apparent(sky, exposure, now)
    table = read_table(survey.path(exposure.name, "cat.parquet"))
    bright = np.asarray(table["magerr_auto"]) <= LOG_ERROR / BRIGHT
    bright &= (np.asarray(table["flags"]) & int(Flag.SATURATED)) == 0
    spoilt = int(MaskBit.BLEED | MaskBit.SATURATED)
    table = table[bright & ((np.asarray(table["imaflags_iso"]) & spoilt) == 0)]
    found = np.column_stack([np.asarray(table["ra"]), np.asarray(table["dec"])])
    true = np.column_stack([np.asarray(seen["ra"]), np.asarray(seen["dec"])])
    distance, row = cKDTree(unit_vectors(*true.T)).query(unit_vectors(*found.T))
    near = distance < np.radians(MATCH / 3600)
    clean = (np.asarray(table["flags"]) == 0) & (np.asarray(table["imaflags_iso"]) == 0)
    return separations(found[near], true[row[near]]), clean[near]


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
