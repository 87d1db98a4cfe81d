"""The zero points of an exposure: matched stars, KS4's cuts, a fit per amplifier, a judgement."""

from collections.abc import Mapping

import numpy as np
from astropy.table import Table

from ..bits import MaskBit
from ..camera import Amplifier
from . import tpv
from .astrometry import Astrometry
from .matching import pairs
from .measured_chip import MeasuredChip
from .places import on_chip, placed_rows
from .zero_point import ZeroPoint, fit_amplifier, middle_row, settle

Chips = Mapping[str, MeasuredChip]
LOG_ERROR = 2.5 / np.log(10)
"""Error of a magnitude over the relative error of its flux."""


def zero_points(
    chips: Chips, solution: Astrometry, photometry: Table, settings: Mapping
) -> dict[str, list[ZeroPoint]]:
    """The zero point of every amplifier of every chip.

    Parameters
    ----------
    chips : Mapping
        Chip → its measurement.
    solution : Astrometry
        Without a recognised field nothing is matched, and no amplifier has a zero point.
    photometry : Table
        ``ra``, ``dec``, ``mag``, ``magerr``.
    settings : Mapping
        ``frames.photometry``.
    """
    fits, faults = {}, {}
    for name, chip in chips.items():
        if solution.pointing is None:
            fits[name] = [None for _ in chip.chip.amplifiers]
            faults[name] = [_mask_fault(chip, amplifier) for amplifier in chip.chip.amplifiers]
        else:
            fits[name], faults[name] = _chip_zero_points(
                chip, solution.chips[name].cards, photometry, settings
            )
    return settle(fits, faults, settings)


def _chip_zero_points(
    chip: MeasuredChip,
    cards: Mapping[str, float | str],
    photometry: Table,
    settings: Mapping,
) -> tuple[list[ZeroPoint | None], list[str]]:
    """Fit and fault of every amplifier of a chip."""
    table, placed = chip.sources, placed_rows(chip)
    x, y, near = on_chip(cards, chip, np.asarray(photometry["ra"]), np.asarray(photometry["dec"]))
    star = photometry[near]
    sources = tpv.plane_of_pixels(
        cards, np.asarray(table["x"])[placed], np.asarray(table["y"])[placed]
    )
    first, second, _ = pairs(*sources, *tpv.plane_of_pixels(cards, x, y), settings["match_radius"])
    rows = placed[first]
    seen = np.zeros(len(star), dtype=bool)
    seen[second] = True
    usable = _usable(chip, rows, settings)
    error = np.asarray(star["magerr"], dtype=float)[second]
    usable &= np.asarray(error <= settings["reference_magerr"])
    rows, second, error = rows[usable], second[usable], error[usable]
    flux = np.asarray(table["flux_auto"])[rows]
    own = LOG_ERROR / chip.snr[rows]
    difference = np.asarray(star["mag"], dtype=float)[second] + 2.5 * np.log10(flux)
    sigma = np.sqrt(own**2 + error**2 + settings["floor"] ** 2)
    place, height = chip.amplifier_of(x, y), np.asarray(table["y"])[rows]
    reader = chip.amplifier_of(np.asarray(table["x"])[rows], height)
    shown = chip.is_good(x, y)
    fits, faults = [], []
    for amplifier in chip.chip.amplifiers:
        mine = reader == amplifier.index
        t = height[mine] - middle_row(amplifier.rows)
        fits.append(fit_amplifier(t, difference[mine], sigma[mine], settings))
        expected = shown & (place == amplifier.index)
        faults.append(
            _mask_fault(chip, amplifier)
            or _blind_fault(int(expected.sum()), int((expected & seen).sum()), settings)
        )
    return fits, faults


def _usable(chip: MeasuredChip, rows: np.ndarray, settings: Mapping) -> np.ndarray:
    """KS4's cuts: flags, mask bits, error, and stellarity above the amplifier's median."""
    table = chip.sources
    stellarity = np.asarray(table["class_star"], dtype=float)
    reader = chip.amplifier_of(np.asarray(table["x"]), np.asarray(table["y"]))
    least = np.full(len(table), np.nan)
    for amplifier in chip.chip.amplifiers:
        mine = (reader == amplifier.index) & np.isfinite(stellarity)
        if mine.any():
            least[reader == amplifier.index] = np.quantile(
                stellarity[mine], settings["stellarity_quantile"]
            )
    flags = np.asarray(table["flags"])[rows]
    good = (flags < settings["flags_below"]) & (np.asarray(table["imaflags_iso"])[rows] == 0)
    good &= chip.snr[rows] * settings["magerr"] >= LOG_ERROR
    return good & (stellarity[rows] >= least[rows])


def _mask_fault(chip: MeasuredChip, amplifier: Amplifier) -> str:
    bits = chip.mask[amplifier.rows, amplifier.columns]
    masked = np.mean((bits & np.uint8(MaskBit.AMPLIFIER)) != 0)
    return "masked as a bad amplifier" if masked > 0.5 else ""


def _blind_fault(expected: int, seen: int, settings: Mapping) -> str:
    """An amplifier that shows hardly any of the stars that lie on it is dead."""
    if expected >= settings["least_stars_slope"] and seen < settings["seen_fraction"] * expected:
        return f"shows {seen} of {expected} reference stars"
    return ""
