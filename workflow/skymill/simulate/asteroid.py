"""Asteroids: sources that are elsewhere in each exposure."""

import numpy as np

OFFSET = 60.0
"""Largest distance (arcsec, each way) from the tile's centre at the mean time of its exposures."""


def draw_asteroid(rng: np.random.Generator, centre: tuple[float, float], rate: float) -> dict:
    """Position (degrees) and rates (arcsec/h, in ra · cos dec and dec) of an asteroid.

    Parameters
    ----------
    rng : Generator
    centre : (ra, dec)
        Of its tile, degrees.
    rate : float
        Speed, arcsec/h.
    """
    angle = np.radians(rng.uniform(-30, 30))
    east, north = rng.uniform(-OFFSET, OFFSET, 2)
    return {
        "ra": (centre[0] + east / 3600 / np.cos(np.radians(centre[1]))) % 360,
        "dec": centre[1] + north / 3600,
        "rate_ra": -rate * np.cos(angle),
        "rate_dec": rate * np.sin(angle),
    }


def moved(
    ra: np.ndarray,
    dec: np.ndarray,
    rate_ra: np.ndarray,
    rate_dec: np.ndarray,
    hours: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Positions after some hours of motion at arcsec/h; ra in [0, 360)."""
    moved_dec = dec + rate_dec * hours / 3600
    return (ra + rate_ra * hours / 3600 / np.cos(np.radians(dec))) % 360, moved_dec
