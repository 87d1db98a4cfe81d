"""The reference catalogues of a simulated sky, as their archives would give them.

Column names are the archives' own. Each catalogue has its limits, errors and system; none knows
which star varies, and only the pool holds galaxies. None of the photometric ones lists every star
within its limits.
"""

from collections.abc import Mapping

import numpy as np
from astropy.table import Table

from ..healpix import healpy
from . import photometric_systems as systems
from .proper_motion import at_epoch

BITS_BELOW_CELL = 35
"""A Gaia source_id is the HEALPix cell of order 12 times 2^35, plus a running number."""


def _mags(sky: Table) -> dict[str, np.ndarray]:
    return {band: np.asarray(sky[f"mag_{band.lower()}"]) for band in systems.REFERENCE_BANDS}


def _is_star(sky: Table) -> np.ndarray:
    return np.isin(np.asarray(sky["kind"], str), ("star", "variable"))


def _shifted(rng, ra, dec, error) -> tuple[np.ndarray, np.ndarray]:
    """Positions with errors (arcsec, per axis)."""
    east, north = rng.normal(0, 1, (2, np.size(ra))) * error / 3600
    return (ra + east / np.cos(np.radians(dec))) % 360, dec + north


def magnitude_error(mag: np.ndarray, floor: float, faint: float, at: float) -> np.ndarray:
    """Error of a magnitude: `floor`, and photon noise that is `faint` at magnitude `at`."""
    return np.hypot(floor, faint * 10 ** (0.3 * (mag - at)))


def _noisy(rng, mag: np.ndarray, error: np.ndarray) -> np.ndarray:
    return mag + rng.normal(0, 1, mag.size) * error


def _listed(rng, sky: Table, completeness: float) -> np.ndarray:
    """A random share of the sources."""
    return rng.uniform(size=len(sky)) < completeness


def gaia_ids(ra: np.ndarray, dec: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Identifiers built as Gaia's are: HEALPix cell of order 12 (nested) and a running number."""
    cell = healpy.ang2pix(1 << 12, ra, dec, nest=True, lonlat=True).astype(np.int64)
    return (cell << BITS_BELOW_CELL) + np.asarray(number, np.int64)


def gaia_dr3(rng: np.random.Generator, sky: Table, faintest: float) -> Table:
    """Gaia DR3: positions at 2016.0, proper motions, G, BP − RP.

    Parameters
    ----------
    rng : Generator
    sky : Table
        The true sky.
    faintest : float
        Limit in G.
    """
    color = systems.gaia_from_reference(_mags(sky))
    chosen = _is_star(sky) & (color["G"] < faintest)
    star, g = sky[chosen], color["G"][chosen]
    # Lindegren et al. 2021, table 4: 0.02 mas for bright stars, 0.5 mas at G = 20
    error = np.hypot(0.02, 0.5 * 10 ** (0.24 * (g - 20)))
    ra, dec = _shifted(rng, star["ra"], star["dec"], error / 1000)
    motion_error = 1.03 * error
    return Table(
        {
            "source_id": gaia_ids(star["ra"], star["dec"], star["source_id"]),
            "ra": ra,
            "dec": dec,
            "ra_error": error.astype(np.float32),
            "dec_error": error.astype(np.float32),
            "pmra": _noisy(rng, np.asarray(star["pmra"]), motion_error),
            "pmdec": _noisy(rng, np.asarray(star["pmdec"]), motion_error),
            "ref_epoch": np.full(g.size, 2016.0),
            "phot_g_mean_mag": _noisy(rng, g, np.full(g.size, 0.003)).astype(np.float32),
            "bp_rp": _noisy(rng, color["BP-RP"][chosen], np.full(g.size, 0.01)).astype(np.float32),
        }
    )


XP_ERROR_AT_17 = {"B": 0.010, "V": 0.006, "R": 0.005, "I": 0.004}
XP_LEAST_RATIO = 30
"""A band is published (flag 1) where flux / error exceeds this (GSPC)."""


def gaia_xp(rng: np.random.Generator, sky: Table, faintest: float, completeness: float) -> Table:
    """Gaia XP synthetic photometry in B V R I, AB, in the layout of KS4's local files.

    Parameters
    ----------
    rng, sky
        As for `gaia_dr3`.
    faintest : float
        Limit in V.
    completeness : float
        The share of the stars within its limit that it holds.
    """
    chosen = _is_star(sky) & (np.asarray(sky["mag_v"]) < faintest)
    star = sky[chosen & _listed(rng, sky, completeness)]
    size = len(star)
    cstar = np.where(rng.uniform(size=size) < 0.01, rng.uniform(0.1, 1, size), 0)
    table = Table(
        {
            "source_id": gaia_ids(star["ra"], star["dec"], star["source_id"]),
            "RA": np.asarray(star["ra"]),
            "DEC": np.asarray(star["dec"]),
            "cstar": (cstar + rng.normal(0, 0.015, size)).astype(np.float32),
        }
    )
    for band, mag in _mags(star).items():
        error = magnitude_error(mag, 0.002, XP_ERROR_AT_17[band], 17)
        # the blue end is too noisy for some faint stars: no value at all, or one that isn't usable
        absent = rng.uniform(size=size) < (0.035 if band == "B" else 0)
        value = np.where(absent, np.nan, _noisy(rng, mag, error))
        flag = np.where(error * XP_LEAST_RATIO < 2.5 / np.log(10), 1, 0)
        table[f"XP_{band}"] = value
        table[f"XP_e{band}"] = np.where(absent, np.nan, error)
        table[f"XP_{band}flag"] = np.where(absent, 255, flag).astype(np.uint8)
    return table


def apass_dr9(
    rng: np.random.Generator, sky: Table, limits: tuple[float, float], completeness: float
) -> Table:
    """APASS DR9 as VizieR gives it (II/336): B V in Vega, g r i in AB; no proper motions.

    Parameters
    ----------
    rng, sky, completeness
        As for `gaia_xp`.
    limits : (float, float)
        Brightest and faintest V.
    """
    v = np.asarray(sky["mag_v"])
    chosen = _is_star(sky) & (v > limits[0]) & (v < limits[1])
    star = sky[chosen & _listed(rng, sky, completeness)]
    size = len(star)
    at_2012 = at_epoch(star["ra"], star["dec"], star["pmra"], star["pmdec"], 2012.0)
    ra, dec = _shifted(rng, *at_2012, 0.15)
    table = Table({"recno": np.arange(1, size + 1), "RAJ2000": ra, "DEJ2000": dec})
    for name, mag in systems.apass_from_reference(_mags(star)).items():
        error = magnitude_error(mag, 0.01, 0.06, 17)
        column = f"{name}mag" if name in "BV" else f"{name}_mag"
        absent = rng.uniform(size=size) < 0.02
        table[column] = np.where(absent, np.nan, _noisy(rng, mag, error)).astype(np.float32)
        table[f"e_{column}"] = np.where(absent, np.nan, error).astype(np.float32)
    return table


def skymapper_dr3(
    rng: np.random.Generator, sky: Table, limits: tuple[float, float], completeness: float
) -> Table:
    """SkyMapper DR3's master table: PSF magnitudes g r i z, AB.

    Parameters
    ----------
    rng, sky, completeness
        As for `gaia_xp`.
    limits : (float, float)
        Brightest and faintest i.
    """
    mags = systems.skymapper_from_reference(_mags(sky))
    chosen = _is_star(sky) & (mags["i"] > limits[0]) & (mags["i"] < limits[1])
    chosen &= _listed(rng, sky, completeness)
    star = sky[chosen]
    at_2017 = at_epoch(star["ra"], star["dec"], star["pmra"], star["pmdec"], 2017.0)
    ra, dec = _shifted(rng, *at_2017, 0.1)
    table = Table({"object_id": 400000000 + np.asarray(star["source_id"], np.int64)})
    table["raj2000"], table["dej2000"] = ra, dec
    for name, mag in mags.items():
        error = magnitude_error(mag[chosen], 0.008, 0.03, 18.5)
        table[f"{name}_psf"] = _noisy(rng, mag[chosen], error).astype(np.float32)
        table[f"e_{name}_psf"] = error.astype(np.float32)
    return table


def pool(rng: np.random.Generator, sky: Table, faintest: float, completeness: float) -> Table:
    """A deeper catalogue of stars and galaxies (DELVE's place in KS4), without moving sources.

    Parameters
    ----------
    rng, sky
        As for `gaia_dr3`.
    faintest : float
        Limit in V.
    completeness : float
        The share of the sources that it holds.
    """
    found = (np.asarray(sky["kind"], str) != "asteroid") & (np.asarray(sky["mag_v"]) < faintest)
    source = sky[found & _listed(rng, sky, completeness)]
    at_2018 = at_epoch(source["ra"], source["dec"], source["pmra"], source["pmdec"], 2018.0)
    ra, dec = _shifted(rng, *at_2018, 0.03)
    table = Table({"source_id": np.asarray(source["source_id"], np.int64), "ra": ra, "dec": dec})
    for band, mag in _mags(source).items():
        error = magnitude_error(mag, 0.005, 0.05, 23)
        table[f"mag_{band.lower()}"] = _noisy(rng, mag, error).astype(np.float32)
        table[f"magerr_{band.lower()}"] = error.astype(np.float32)
    return table


def catalogues(generators, sky: Table, limits: Mapping) -> dict[str, Table]:
    """All five catalogues, by the names that the configuration gives them.

    Parameters
    ----------
    generators : callable
        Catalogue name → Generator.
    sky : Table
        The true sky.
    limits : Mapping
        The configuration's ``simulate.catalogues``.
    """
    share = limits["photometric_completeness"]
    return {
        "gaia": gaia_dr3(generators("gaia"), sky, limits["gaia_faintest"]),
        "gaiaxp": gaia_xp(generators("gaiaxp"), sky, limits["xp_faintest"], share),
        "apass": apass_dr9(generators("apass"), sky, limits["apass"], share),
        "skymapper": skymapper_dr3(generators("skymapper"), sky, limits["skymapper"], share),
        "pool": pool(generators("pool"), sky, limits["pool_faintest"], limits["pool_completeness"]),
    }
