"""The ``properties`` of a HiPS: what HiPS 1.0 (§4.4) requires and Hipsgen's LINT recommends."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..io.hips import WIDTH
from ..io.provenance import SOFTWARE
from ..tree import COLOR
from .grid import pixel_solid_angle
from .stretch import color_bands

HIPS_VERSION = "1.4"

MOST_CELLS = 500_000
"""Cells into which a MOC is cut to find its middle."""


@dataclass(frozen=True)
class Extent:
    """Where a map has data.

    Attributes
    ----------
    ra, dec : float
        A place with data, near the middle; degrees.
    radius : float
        Of a circle about it that holds all data, degrees.
    fraction : float
        Share of the sky with data.
    """

    ra: float
    dec: float
    radius: float
    fraction: float


def extent_of(moc: "object") -> Extent:
    """The extent of a `mocpy.MOC`; an empty one has its place at 0, 0 and no radius."""
    if moc.empty():
        return Extent(0.0, 0.0, 0.0, 0.0)
    from ..healpix import healpy

    fraction = float(moc.sky_fraction)
    deepest = int(np.log(MOST_CELLS / (12 * fraction)) / np.log(4))
    coarse = moc if deepest >= moc.max_order else moc.degrade_to_order(deepest)
    order = coarse.max_order
    cells = np.sort(coarse.flatten().astype(np.int64))
    vectors = np.stack(healpy.pix2vec(1 << order, cells, nest=True), axis=-1)
    centre = vectors.mean(axis=0)
    nearest = vectors[np.argmax(vectors @ centre)]
    radius = np.degrees(np.arccos(np.clip(vectors @ nearest, -1, 1).min()))
    ra = float(np.degrees(np.arctan2(nearest[1], nearest[0])) % 360)
    dec = float(np.degrees(np.arcsin(nearest[2])))
    cell = float(np.degrees(np.sqrt(4 * np.pi / 12) / (1 << order)))
    return Extent(ra, dec, float(radius) + cell, fraction)


def properties_of(
    name: str,
    release: Mapping,
    settings: Mapping,
    extent: Extent,
    times: tuple[float, float],
    size: int,
) -> dict[str, object]:
    """The properties of one map, in order.

    Parameters
    ----------
    name : str
        A band, or ``color``.
    release, settings : Mapping
        The config's sections ``release`` and ``sky``.
    extent : Extent
    times : (float, float)
        First and last MJD; 0 without data.
    size : int
        Bytes of its tiles.
    """
    is_colour = name == COLOR
    channels = color_bands(settings)
    passbands = [settings["passbands"][band] for band in (channels if is_colour else [name])]
    what = f"{release['title']}, {'colour ' + ', '.join(channels) if is_colour else name}"
    date = f"{release['date']}T00:00Z"
    scale = np.sqrt(pixel_solid_angle(settings["order"])) / 3600
    stretch = settings["color"] if is_colour else settings["stretch"][name]
    found = {
        "creator_did": f"{settings['identifier']}/{name}",
        "hips_creator": release["creator"],
        "obs_title": what,
        "obs_collection": release["title"],
        "obs_description": _description(is_colour, name, channels),
        "prov_progenitor": f"{release['title']}: stacks of calibrated exposures",
        "obs_regime": "Optical",
        "obs_bandpass": "-".join(channels) if is_colour else name,
        "em_min": f"{min(band['min'] for band in passbands):.4e}",
        "em_max": f"{max(band['max'] for band in passbands):.4e}",
        "t_min": f"{times[0]:.5f}",
        "t_max": f"{times[1]:.5f}",
        "hips_builder": SOFTWARE,
        "hips_version": HIPS_VERSION,
        "hips_release_date": date,
        "hips_creation_date": date,
        "hips_status": "public master clonable",
        "hips_frame": "equatorial",
        "hips_order": settings["order"],
        "hips_order_min": 0,
        "hips_tile_width": WIDTH,
        "hips_tile_format": "png" if is_colour else "png fits",
        "dataproduct_type": "image",
        "hips_pixel_scale": f"{scale:.10f}",
        "s_pixel_scale": f"{scale:.10f}",
        "hips_estsize": max(1, size // 1024),
        "hips_initial_ra": f"{extent.ra:.5f}",
        "hips_initial_dec": f"{extent.dec:.5f}",
        "hips_initial_fov": f"{min(max(2 * extent.radius, 0.1), 60):.4f}",
        "moc_sky_fraction": f"{extent.fraction:.6g}",
    }
    if is_colour:
        found["dataproduct_subtype"] = "color"
    else:
        found["hips_pixel_bitpix"] = -32
        found["hips_pixel_cut"] = f"{stretch['low']:g} {stretch['high']:g}"
        found["hips_hierarchy"] = "mean"
    return found


def _description(is_colour: bool, name: str, channels: list[str]) -> str:
    if is_colour:
        red, green, blue = channels
        return f"Colour composite with an asinh stretch: red {red}, green {green}, blue {blue}."
    return (
        f"Sky-subtracted stacks in {name}. FITS tiles: flux per pixel of the deepest order, "
        "AB zero point in MAGZERO; sums over pixels of the deepest order are fluxes, shallower "
        "orders are means."
    )
