"""The sections of every chip, judged by the reference stars that the exposure should show."""

from collections.abc import Mapping

import numpy as np

from .astrometry import Astrometry, References
from .expected import expected_flux, outshone
from .measured_chip import MeasuredChip
from .places import on_chip, separations
from .quality import Sections, judge_sections
from .tpv import plane_of_sky

Chips = Mapping[str, MeasuredChip]


def chip_sections(
    chips: Chips,
    solution: Astrometry,
    references: References,
    color: np.ndarray,
    matched: Mapping[str, tuple[np.ndarray, np.ndarray]],
    settings: Mapping,
) -> dict[str, Sections]:
    """The sections of every chip, judged by the stars that the exposure should show."""
    flux = _expected_fluxes(chips, references, color, matched, settings)
    result = {}
    for name, chip in chips.items():
        cards = solution.chips[name].cards
        x, y, near = on_chip(cards, chip, references.ra, references.dec)
        error = np.asarray(chip.sources["fluxerr_auto"])[chip.snr < settings["bright_snr"]]
        error = error[np.isfinite(error)]
        least = settings["expected_snr"] * float(np.median(error)) if error.size else np.inf
        shown = chip.is_good(x, y) & (flux[near] >= least)
        ra, dec = references.ra[near], references.dec[near]
        xi, eta = plane_of_sky(ra, dec, cards["CRVAL1"], cards["CRVAL2"])
        hidden = outshone(3600 * xi, 3600 * eta, references.mag[near], settings["isolation"])
        shown &= ~hidden
        distance = separations(cards, ra[shown], dec[shown], chip, settings["radius"])
        result[name] = judge_sections(x[shown], y[shown], distance, chip.chip.shape, settings)
    return result


def _expected_fluxes(
    chips: Chips,
    references: References,
    color: np.ndarray,
    matched: Mapping[str, tuple[np.ndarray, np.ndarray]],
    settings: Mapping,
) -> np.ndarray:
    second, flux = [], []
    for name, chip in chips.items():
        rows, stars = matched[name]
        bright = chip.snr[rows] >= settings["bright_snr"]
        second.append(stars[bright])
        flux.append(np.asarray(chip.sources["flux_auto"])[rows[bright]])
    return expected_flux(references.mag, color, np.concatenate(second), np.concatenate(flux))
