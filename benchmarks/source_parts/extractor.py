"""source-extractor on a simulated stack, with KS4's settings."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table
from figure import Used, run

from .field import SCALE

SHARED = Path("/usr/share/source-extractor")
COLUMNS = """
X_IMAGE Y_IMAGE XWIN_IMAGE YWIN_IMAGE FLUX_AUTO FLUXERR_AUTO FLUX_APER(3) FLUXERR_APER(3)
FLUX_RADIUS KRON_RADIUS FLUX_MAX FWHM_IMAGE A_IMAGE B_IMAGE THETA_IMAGE ELLIPTICITY
CLASS_STAR FLAGS IMAFLAGS_ISO BACKGROUND ISOAREA_IMAGE ERRX2WIN_IMAGE ERRY2WIN_IMAGE
"""
"""What Skymill's table holds too."""


def write_planes(folder: Path, image: np.ndarray, variance: np.ndarray, mask: np.ndarray) -> None:
    """Write what both tools read: image.fits, variance.fits, mask.fits."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, plane in (("image", image), ("variance", variance), ("mask", mask)):
        fits.writeto(folder / f"{name}.fits", plane, overwrite=True)


def source_extractor(
    folder: Path, gain: float, seeing: float, saturation: float = 1e9, options: Sequence[str] = ()
) -> tuple[Table, Used]:
    """Detect and measure a folder's image.fits; its mask.fits gives IMAFLAGS_ISO.

    Parameters
    ----------
    folder : Path
        As `write_planes` makes it.
    gain : float
        e⁻ per image unit.
    seeing : float
        FWHM, arcsec, which CLASS_STAR needs.
    saturation : float
        SATUR_LEVEL.
    options : sequence of str
        More of them, which win.

    Raises
    ------
    SystemExit
        If it isn't installed.
    """
    if shutil.which("source-extractor") is None:
        raise SystemExit("source-extractor isn't there: apt-get install source-extractor")
    (folder / "columns").write_text(COLUMNS.replace(" ", "\n"))
    kernel = "CONV NORM\n1 2 1\n2 4 2\n1 2 1\n"
    (folder / "all_ground.conv").write_text(kernel)
    settings = {
        "PARAMETERS_NAME": "columns", "FILTER_NAME": "all_ground.conv",
        "STARNNW_NAME": SHARED / "default.nnw", "CATALOG_NAME": "out.fits",
        "CATALOG_TYPE": "FITS_1.0", "DETECT_THRESH": 1.5, "ANALYSIS_THRESH": 1.5,
        "DETECT_MINAREA": 9, "DEBLEND_NTHRESH": 32, "DEBLEND_MINCONT": 5e-5,
        "BACK_SIZE": 256, "BACK_FILTERSIZE": 3, "PHOT_APERTURES": "7.5,12.5,25",
        "MASK_TYPE": "CORRECT", "GAIN": gain, "SATUR_LEVEL": saturation, "PIXEL_SCALE": SCALE,
        "SEEING_FWHM": seeing, "FLAG_IMAGE": "mask.fits", "FLAG_TYPE": "OR",
        "MEMORY_OBJSTACK": 60000, "MEMORY_PIXSTACK": 30000000, "MEMORY_BUFSIZE": 4096,
        "NTHREADS": 1, "WRITE_XML": "N", "VERBOSE_TYPE": "QUIET",
    }  # fmt: skip
    words = [str(word) for key, value in settings.items() for word in (f"-{key}", value)]
    command = ["source-extractor", "image.fits", "-c", str(SHARED / "default.sex"), *words]
    used = run([*command, *options], folder)
    return Table(fits.getdata(folder / "out.fits")), used
