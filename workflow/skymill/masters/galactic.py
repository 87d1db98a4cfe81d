"""Galactic coordinates."""

import numpy as np


def galactic(ra: np.ndarray, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Galactic longitude and latitude, degrees, of positions in degrees ICRS (Paper III §4.2.3)."""
    from astropy.coordinates import SkyCoord

    position = SkyCoord(ra, dec, unit="deg", frame="icrs").galactic
    return position.l.deg, position.b.deg
