"""The true sky as an exposure sees it: where its sources are then, and how bright."""

import numpy as np
from astropy.table import Table, vstack

from . import light
from .asteroid import moved
from .conditions import Conditions
from .photometric_systems import REFERENCE_BANDS
from .plan import Exposure
from .proper_motion import at_epoch, epoch_of
from .variables import brightening

STREAK = 5
"""Points that stand for an asteroid's motion during an exposure."""


def apparent(sky: Table, exposure: Exposure, now: Conditions) -> Table:
    """Sources as they appear in an exposure: ra, dec (degrees), flux (e⁻) and shape columns.

    An asteroid becomes a few points along its way. Rows keep the sky's order otherwise.
    """
    mags = {band: np.asarray(sky[f"mag_{band.lower()}"]) for band in REFERENCE_BANDS}
    natural = light.natural_magnitude(mags, exposure.band, now.color_term)
    natural = natural + brightening(
        *(np.asarray(sky[name]) for name in ("amplitude", "period", "phase")), exposure.mjd
    )
    ra, dec = at_epoch(
        *(np.asarray(sky[name]) for name in ("ra", "dec", "pmra", "pmdec")), epoch_of(exposure.mjd)
    )
    names = ("half_light_radius", "sersic", "axis_ratio", "position_angle")
    seen = Table({"ra": ra, "dec": dec, "flux": light.electrons(natural, now.zero_point)})
    for name in names:
        seen[name] = np.asarray(sky[name], float)
    moving = np.isfinite(np.asarray(sky["epoch"], float))
    if not moving.any():
        return seen
    return _with_streaks(seen, sky, moving, exposure)


def _with_streaks(seen: Table, sky: Table, moving: np.ndarray, exposure: Exposure) -> Table:
    parts = [seen[~moving]]
    body = sky[moving]
    for point in range(STREAK):
        during = ((point + 0.5) / STREAK - 0.5) * exposure.exptime / 3600
        hours = (exposure.mjd - np.asarray(body["epoch"])) * 24 + during
        place = moved(*(np.asarray(body[n]) for n in ("ra", "dec", "rate_ra", "rate_dec")), hours)
        part = seen[moving]
        part["ra"], part["dec"] = place
        part["flux"] /= STREAK
        parts.append(part)
    return vstack(parts)
