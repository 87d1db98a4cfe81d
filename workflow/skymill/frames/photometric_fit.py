"""The zero points of an exposure: matched stars, KS4's cuts, a fit per amplifier, a judgement."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from ..bits import MaskBit
from ..camera import Amplifier
from . import tpv
from .astrometry import Astrometry
from .color_term import ColorTerm, color_term, without_color
from .matching import pairs
from .measured_chip import MeasuredChip
from .places import on_chip, placed_rows
from .zero_point import AmplifierStars, ZeroPoint, fit_exposure, middle_row

Chips = Mapping[str, MeasuredChip]
LOG_ERROR = 2.5 / np.log(10)
"""Error of a magnitude over the relative error of its flux."""


@dataclass(frozen=True)
class Census:
    """How many reference stars should and do show on an amplifier."""

    expected: int
    seen: int


def zero_points(
    chips: Chips, solution: Astrometry, photometry: Table, settings: Mapping
) -> tuple[dict[str, list[ZeroPoint]], ColorTerm]:
    """The zero point of every amplifier of every chip, and the exposure's colour term.

    Parameters
    ----------
    chips : Mapping
        Chip → its measurement.
    solution : Astrometry
        Without a recognised field nothing is matched, and no amplifier has a zero point.
    photometry : Table
        ``ra``, ``dec``, ``mag``, ``magerr``; ``color``.
    settings : Mapping
        ``frames.photometry``.
    """
    reference = photometry if solution.pointing is not None else photometry[:0]
    stars, counts = {}, {}
    for name, chip in chips.items():
        stars[name], counts[name] = _amplifier_stars(
            chip, solution.chips[name].cards, reference, settings
        )
    expected = sum(census.expected for own in counts.values() for census in own)
    seen = sum(census.seen for own in counts.values() for census in own)
    usual = seen / expected if expected else 0.0
    faults = {
        name: [
            _mask_fault(chip, amplifier) or _blind_fault(census, usual, settings)
            for amplifier, census in zip(chip.chip.amplifiers, counts[name], strict=True)
        ]
        for name, chip in chips.items()
    }
    term = color_term(stars, fit_exposure(stars, faults, settings), settings)
    return fit_exposure(without_color(stars, term), faults, settings), term


def _amplifier_stars(
    chip: MeasuredChip,
    cards: Mapping[str, float | str],
    reference: Table,
    settings: Mapping,
) -> tuple[list[AmplifierStars], list[Census]]:
    """For every amplifier of a chip: the stars of its fit, and its census."""
    table, placed = chip.sources, placed_rows(chip)
    x, y, near = on_chip(cards, chip, np.asarray(reference["ra"]), np.asarray(reference["dec"]))
    star = reference[near]
    own = (np.asarray(table[name])[placed] for name in ("x", "y"))
    first, second, _ = pairs(
        *tpv.plane_of_pixels(cards, *own),
        *tpv.plane_of_pixels(cards, x, y),
        settings["match_radius"],
    )
    seen = np.isin(np.arange(len(star)), second)
    rows = placed[first]
    error = np.asarray(star["magerr"], dtype=float)[second]
    usable = _usable(chip, rows, settings) & (error <= settings["reference_magerr"])
    rows, second, error = rows[usable], second[usable], error[usable]
    flux, height = (np.asarray(table[name])[rows] for name in ("flux_auto", "y"))
    color = np.asarray(star["color"], dtype=float)[second]
    difference = np.asarray(star["mag"], dtype=float)[second] + 2.5 * np.log10(flux)
    sigma = np.sqrt((LOG_ERROR / chip.snr[rows]) ** 2 + error**2 + settings["floor"] ** 2)
    reader = chip.amplifier_of(np.asarray(table["x"])[rows], height)
    place, shown = chip.amplifier_of(x, y), chip.is_good(x, y)
    stars, counts = [], []
    for amplifier in chip.chip.amplifiers:
        mine = reader == amplifier.index
        t = height[mine] - middle_row(amplifier.rows)
        stars.append(AmplifierStars(t, difference[mine], sigma[mine], color[mine]))
        here = shown & (place == amplifier.index)
        counts.append(Census(int(here.sum()), int((here & seen).sum())))
    return stars, counts


def _usable(chip: MeasuredChip, rows: np.ndarray, settings: Mapping) -> np.ndarray:
    """KS4's cuts on sources: flags, mask bits, error, stellarity."""
    table = chip.sources
    good = np.asarray(table["flags"])[rows] < settings["flags_below"]
    good &= np.asarray(table["imaflags_iso"])[rows] == 0
    good &= chip.snr[rows] * settings["magerr"] >= LOG_ERROR
    return good & (np.asarray(table["class_star"], dtype=float)[rows] >= settings["stellarity"])


def _mask_fault(chip: MeasuredChip, amplifier: Amplifier) -> str:
    """An amplifier is bad if most of its area is masked as such."""
    bits = chip.mask[amplifier.rows, amplifier.columns]
    masked = np.mean((bits & np.uint8(MaskBit.AMPLIFIER)) != 0)
    return "masked as a bad amplifier" if masked > 0.5 else ""


def _blind_fault(census: Census, usual: float, settings: Mapping) -> str:
    """An amplifier that shows hardly any of the stars that lie on it is dead.

    `usual` is the fraction that the whole exposure shows: in bad seeing no amplifier shows all.
    """
    least = settings["seen_fraction"] * usual * census.expected
    if census.expected >= settings["least_stars_slope"] and census.seen < least:
        return f"shows {census.seen} of {census.expected} reference stars"
    return ""
