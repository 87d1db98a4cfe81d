"""Where a stack's pixels lie on the sky, and whether its other planes' lie there too."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from ..errors import InputError
from ..io.fits import read_header

SAME = 0.1
"""Pixels: planes whose corners lie farther apart have other grids."""
SCALE = 0.001
"""Relative: apertures in arcsec are right to this."""


def stack_wcs(
    image: Path | str, planes: Iterable[Path | str], shape: tuple[int, int], scale: float
) -> WCS:
    """The WCS of a stack's image.

    Parameters
    ----------
    image : Path or str
        FITS file with a celestial WCS in HDU 0, north up (as `skymill.geometry.tile_cards` makes
        it).
    planes : iterable of Path or str
        Other files, which have its WCS, or none.
    shape : (int, int)
        (ny, nx) of them all.
    scale : float
        Arcsec per pixel that it should have.

    Raises
    ------
    InputError
        If the image has no such WCS, or a plane has another.
    """
    wcs = _wcs(read_header(image), image)
    if not wcs.has_celestial:
        raise InputError(
            f"{image}: HDU 0: expected a celestial WCS (CTYPE1, CTYPE2 name no projection)."
        )
    own = np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))) * 3600
    if (wcs.wcs.lngtyp, wcs.wcs.lattyp) != ("RA", "DEC") or not abs(own / scale - 1) < SCALE:
        raise InputError(
            f"{image}: HDU 0: expected RA, Dec and {scale:g} arcsec per pixel "
            f"(tiles.pixel_scale); its WCS says {wcs.wcs.lngtyp}, {wcs.wcs.lattyp} and {own:.6g}."
        )
    x, y = np.array([0, shape[1] - 1, 0, shape[1] - 1]), np.repeat([0, shape[0] - 1], 2)
    sky = wcs.all_pix2world(x, y, 0)
    if not np.hypot(*(wcs.all_world2pix(*sky, 0, quiet=True) - np.stack([x, y]))).max() <= SAME:
        raise InputError(f"{image}: HDU 0: by its WCS a corner lies nowhere on the sky.")
    for path in planes:
        other = _wcs(read_header(path), path)
        if other.has_celestial:
            off = np.hypot(*(other.all_world2pix(*sky, 0, quiet=True) - np.stack([x, y])))
            if not off.max() <= SAME:
                raise InputError(
                    f"{path}: HDU 0: its grid isn't that of {image}: by their WCS a corner's "
                    f"pixels lie {off.max():.6g} pixels apart. Stack both on one grid."
                )
    return wcs


def _wcs(header: fits.Header, path: Path | str) -> WCS:
    """The WCS of a header; an InputError if it is none."""
    import warnings

    from astropy.wcs import FITSFixedWarning, WcsError

    for key in (f"{name}{axis}" for name in ("CRVAL", "CRPIX", "CDELT") for axis in (1, 2)):
        if isinstance(header.get(key, 0.0), str):
            raise InputError(f"{path}: HDU 0: {key}: expected a number, got {header[key]!r}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FITSFixedWarning)
            return WCS(header)
    except (WcsError, ValueError) as error:
        said = str(error).strip().splitlines()[-1]
        raise InputError(f"{path}: HDU 0: expected a celestial WCS ({said}).") from error
