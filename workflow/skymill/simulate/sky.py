"""The true sky: every source of a survey, in one table."""

from collections.abc import Mapping, Sequence

import numpy as np
from astropy.table import Table, vstack

from ..seeding import generator
from . import asteroid, galaxies, plan, stars, variables
from .photometric_systems import REFERENCE_BANDS
from .region import scatter

MARGIN = 60.0
"""Arcsec around each tile, for pointing errors and the wings of stars outside."""


def true_sky(settings: Mapping, side: float, observed: Sequence[plan.Exposure]) -> Table:
    """Every source of the survey.

    Parameters
    ----------
    settings : Mapping
        The configuration's ``simulate``.
    side : float
        Of a tile, arcsec.
    observed : sequence of Exposure
        The plan; asteroids cross a tile when it is observed.

    Returns
    -------
    Table
        The columns of ``truth_sources`` for all reference bands, by source_id from 1.
    """
    centres = plan.tiles(settings["plan"])
    area = list(centres.values()), (side + 2 * MARGIN) / 3600
    parts = [_stars(settings, *area)]
    if settings["effects"]["galaxies"]:
        parts.append(_galaxies(settings, *area))
    if settings["effects"]["asteroids"]:
        parts += [
            _asteroid(settings, tile, centre, number, observed)
            for tile, centre in centres.items()
            for number in range(settings["asteroids"]["per_tile"])
        ]
    table = vstack(parts)
    table["source_id"] = np.arange(1, len(table) + 1, dtype=np.int64)
    return table


def _table(kind: np.ndarray, **columns: np.ndarray) -> Table:
    """A table with every column of the truth; those not given say 'nothing special'."""
    size = len(kind)
    resting = {"pmra": 0, "pmdec": 0, "half_light_radius": 0, "sersic": 0, "axis_ratio": 1}
    resting |= {"position_angle": 0, "amplitude": 0, "period": np.nan, "phase": 0}
    resting |= {"rate_ra": 0, "rate_dec": 0, "epoch": np.nan}
    filled = {name: np.full(size, float(value)) for name, value in resting.items()}
    return Table({"kind": np.asarray(kind, dtype=object), **filled, **columns})


def _magnitudes(mags: Mapping[str, np.ndarray]) -> dict:
    return {f"mag_{band.lower()}": mags[band] for band in REFERENCE_BANDS}


def _stars(settings: Mapping, centres: list, side: float) -> Table:
    rng, given = generator("simulate", settings["seed"], "stars"), settings["stars"]
    density = settings["density"] * given["counts"][-1]["density"]
    ra, dec = scatter(rng, density, centres, side)
    keep = stars.kept_in_corner(rng, ra, dec, given["poor_corner"])
    ra, dec = ra[keep], dec[keep]
    v = stars.star_magnitudes(rng, ra.size, given["brightest"], given["counts"])
    mags = stars.locus_magnitudes(rng, v, stars.star_colors(rng, v))
    motion = rng.normal(0, given["proper_motion"], (2, ra.size))
    if not settings["effects"]["proper_motions"]:
        motion[:] = 0
    changes = {}
    if settings["effects"]["variables"]:
        changes = variables.choose_variables(rng, v, settings["variables"])
    varies = changes.get("amplitude", np.zeros(ra.size)) > 0
    return _table(
        np.where(varies, "variable", "star"),
        ra=ra,
        dec=dec,
        pmra=motion[0],
        pmdec=motion[1],
        **changes,
        **_magnitudes(mags),
    )


def _galaxies(settings: Mapping, centres: list, side: float) -> Table:
    rng, given = generator("simulate", settings["seed"], "galaxies"), settings["galaxies"]
    ra, dec = scatter(rng, settings["density"] * given["density"], centres, side)
    v = galaxies.galaxy_magnitudes(
        rng, ra.size, given["brightest"], given["faintest"], given["slope"]
    )
    shapes = galaxies.galaxy_shapes(rng, v, given)
    mags = galaxies.galaxy_colors(rng, v, shapes["sersic"])
    return _table(np.full(ra.size, "galaxy"), ra=ra, dec=dec, **shapes, **_magnitudes(mags))


def _asteroid(settings: Mapping, tile: str, centre: tuple, number: int, observed) -> Table:
    rng = generator("simulate", settings["seed"], "asteroid", tile, number)
    given = settings["asteroids"]
    orbit = asteroid.draw_asteroid(rng, centre, given["rate"])
    epoch = np.mean([e.mjd for e in observed if e.tile == tile])
    v = np.array([given["magnitude"]])
    mags = {"B": v + 0.55, "V": v, "R": v - 0.2, "I": v - 0.3}  # sunlight, slightly reddened
    columns = {name: np.array([value]) for name, value in orbit.items()}
    return _table(np.array(["asteroid"]), epoch=np.array([epoch]), **columns, **_magnitudes(mags))
