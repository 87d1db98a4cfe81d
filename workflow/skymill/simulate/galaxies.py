"""Galaxies: counts, sizes, shapes, colours."""

from collections.abc import Mapping

import numpy as np

from .photometric_systems import REFERENCE_BANDS


def galaxy_magnitudes(
    rng: np.random.Generator, count: int, brightest: float, faintest: float, slope: float
) -> np.ndarray:
    """V magnitudes with log N rising by `slope` per magnitude."""
    low, high = 10 ** (slope * brightest), 10 ** (slope * faintest)
    return np.log10(rng.uniform(low, high, count)) / slope


def galaxy_shapes(rng: np.random.Generator, v: np.ndarray, settings: Mapping) -> dict:
    """Half-light radius (arcsec), Sérsic index, axis ratio and position angle (degrees).

    Fainter galaxies are smaller: log r falls by 0.09 per magnitude, with 0.15 dex scatter.
    """
    size = v.size
    disc = rng.uniform(size=size) < settings["discs"]
    log_radius = -0.09 * (v - 20) + rng.normal(0, 0.15, size)
    return {
        "half_light_radius": settings["radius"] * 10**log_radius,
        "sersic": np.where(disc, 1.0, 4.0),
        "axis_ratio": np.where(disc, rng.uniform(0.25, 1, size), rng.uniform(0.6, 1, size)),
        "position_angle": rng.uniform(0, 180, size),
    }


def galaxy_colors(rng: np.random.Generator, v: np.ndarray, sersic: np.ndarray) -> dict:
    """B V R I (AB) of galaxies of given V: discs bluer than spheroids."""
    old = sersic > 2
    b_v = np.where(old, 0.8, 0.45) + rng.normal(0, 0.12, v.size)
    v_r = 0.12 + 0.45 * b_v + rng.normal(0, 0.04, v.size)
    r_i = 0.05 + 0.35 * b_v + rng.normal(0, 0.04, v.size)
    mags = {"B": v + b_v, "V": v, "R": v - v_r, "I": v - v_r - r_i}
    return {band: mags[band] for band in REFERENCE_BANDS}
