"""The sections of every chip, judged by the reference stars that the exposure should show."""

from collections.abc import Mapping

import numpy as np

from .astrometry import Astrometry, References
from .expected import expected_flux, outshone, peak_share
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
    peak = _expected_peaks(chips, references, color, matched, settings)
    result = {}
    for name, chip in chips.items():
        cards = solution.chips[name].cards
        x, y, near = on_chip(cards, chip, references.ra, references.dec)
        least = settings["expected_peak"] * _sky_noise(chip, x, y)
        shown = chip.is_good(x, y) & (peak[near] >= least)
        ra, dec = references.ra[near], references.dec[near]
        xi, eta = plane_of_sky(ra, dec, cards["CRVAL1"], cards["CRVAL2"])
        hidden = outshone(3600 * xi, 3600 * eta, references.mag[near], settings["isolation"])
        shown &= ~hidden
        distance = separations(cards, ra[shown], dec[shown], chip, settings["radius"])
        result[name] = judge_sections(x[shown], y[shown], distance, chip.chip.shape, settings)
    return result


def _expected_peaks(
    chips: Chips,
    references: References,
    color: np.ndarray,
    matched: Mapping[str, tuple[np.ndarray, np.ndarray]],
    settings: Mapping,
) -> np.ndarray:
    """ADU in the brightest pixel of each reference star, as well measured stars show it."""
    second, flux, peak = [], [], []
    for name, chip in chips.items():
        rows, stars = matched[name]
        bright = chip.snr[rows] >= settings["bright_snr"]
        second.append(stars[bright])
        flux.append(np.asarray(chip.sources["flux_auto"])[rows[bright]])
        peak.append(np.asarray(chip.sources["flux_max"])[rows[bright]])
    fluxes = np.concatenate(flux)
    expected = expected_flux(references.mag, color, np.concatenate(second), fluxes)
    return expected * peak_share(np.concatenate(peak), fluxes)


def _sky_noise(chip: MeasuredChip, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rms of the sky per pixel (ADU) at 0-based positions; NaN where its amplifier has none."""
    reader = chip.amplifier_of(x, y)
    noise = np.append(chip.sky.noise, np.nan)  # −1, outside, is the last
    return noise[reader]
