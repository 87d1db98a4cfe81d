"""Stars: counts, colours on a stellar locus, proper motions."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..geometry import separation
from .photometric_systems import REFERENCE_BANDS, VEGA_TO_AB

LOCUS = {
    "B-V": (0.0, 0.3, 0.45, 0.58, 0.68, 0.8, 1.0, 1.2, 1.4, 1.5, 1.65),
    "V-R": (0.0, 0.17, 0.26, 0.33, 0.37, 0.44, 0.57, 0.74, 0.9, 1.0, 1.25),
    "R-I": (0.0, 0.18, 0.26, 0.32, 0.35, 0.39, 0.48, 0.64, 0.85, 1.1, 1.5),
}
"""Vega colours of dwarfs, Johnson–Cousins (Bessell 1990, rounded)."""

LOCUS_SCATTER = 0.01
"""Scatter about the locus, mag: metallicity and gravity."""


def star_magnitudes(
    rng: np.random.Generator, count: int, brightest: float, counts: Sequence[Mapping]
) -> np.ndarray:
    """V magnitudes that follow cumulative counts, log N linear in magnitude between their limits.

    Parameters
    ----------
    rng : Generator
    count : int
        How many to draw.
    brightest : float
        No star is brighter.
    counts : sequence of Mapping
        ``below`` (mag) and ``density`` (cumulative), both ascending.
    """
    limits = [brightest] + [knot["below"] for knot in counts]
    first = counts[0]["density"] * 10 ** (-0.5 * (limits[1] - limits[0]))
    logs = np.log([first] + [knot["density"] for knot in counts])
    drawn = np.log(rng.uniform(0, counts[-1]["density"], count))
    return np.interp(drawn, logs, limits)


def star_colors(rng: np.random.Generator, v: np.ndarray) -> np.ndarray:
    """B − V (Vega) of stars at high galactic latitude: a turn-off peak and a red peak.

    The red peak (M dwarfs of the disc) grows towards faint magnitudes.
    """
    red = rng.uniform(size=v.size) < np.clip(0.2 + 0.06 * (v - 14), 0.2, 0.6)
    blue_peak = rng.normal(0.64, 0.13, v.size) + rng.exponential(0.08, v.size)
    return np.clip(np.where(red, rng.normal(1.42, 0.1, v.size), blue_peak), 0.2, 1.64)


def locus_magnitudes(rng: np.random.Generator, v: np.ndarray, color: np.ndarray) -> dict:
    """B V R I (AB) of stars of given V (AB) and B − V (Vega)."""
    v_r = np.interp(color, LOCUS["B-V"], LOCUS["V-R"]) + rng.normal(0, LOCUS_SCATTER, v.size)
    r_i = np.interp(color, LOCUS["B-V"], LOCUS["R-I"]) + rng.normal(0, LOCUS_SCATTER, v.size)
    vega = v - VEGA_TO_AB["V"]
    mags = {"B": vega + color, "V": vega, "R": vega - v_r, "I": vega - v_r - r_i}
    return {band: mags[band] + VEGA_TO_AB[band] for band in REFERENCE_BANDS}


def kept_in_corner(
    rng: np.random.Generator, ra: np.ndarray, dec: np.ndarray, corner: Mapping
) -> np.ndarray:
    """Which stars remain when a region is made poor in stars: bool, all outside it."""
    inside = separation(ra, dec, corner["ra"], corner["dec"]) < corner["radius"] * 60
    return ~inside | (rng.uniform(size=ra.size) < corner["kept"])
