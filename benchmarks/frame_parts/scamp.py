"""SCAMP on the same catalogue, with the same prior and the same references."""

import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from figure import Used, run

from skymill.frames.tpv import plane_of_sky
from skymill.io.fits import make_header

from .catalogue import Cards, Field

OPTIONS = {
    "ASTREF_CATALOG": "FILE",
    "ASTREFCAT_NAME": "gaia.ldac",
    "ASTREFERR_KEYS": "ERRA_WORLD,ERRB_WORLD,ERRTHETA_WORLD",
    "PROJECTION_TYPE": "TPV",
    "DISTORT_DEGREES": "3",  # as KS4
    "STABILITY_TYPE": "INSTRUMENT",  # as KS4
    "CROSSID_RADIUS": "2.0",  # frames.astrometry.match_radius
    "POSITION_MAXERR": "1.0",  # the range in which a pointing must be found: 60″ …
    "POSANGLE_MAXERR": "0.5",  # … 0.5° …
    "PIXSCALE_MAXERR": "1.02",  # … 2 %
    "SN_THRESHOLDS": "10.0,100.0",
    "SOLVE_PHOTOM": "N",
    "CHECKPLOT_TYPE": "NONE",
    "CHECKPLOT_DEV": "NULL",
    "WRITE_XML": "N",
    "NTHREADS": "1",
    "VERBOSE_TYPE": "QUIET",
}
REACH = 1.6
"""Degrees around the pointing from which references are given to it."""


def solve(
    folder: Path, field: Field, start: tuple[float, float]
) -> tuple[Used, dict[str, fits.Header]]:
    """Run SCAMP; what it took, and each chip's solution.

    Raises
    ------
    SystemExit
        If it is missing or gives no solution for a chip.
    """
    if shutil.which("scamp") is None:
        raise SystemExit("SCAMP is missing: install the Debian package scamp.")
    write_catalogue(folder / "found.ldac", field, start)
    write_references(folder / "gaia.ldac", field, start)
    words = [word for key, value in OPTIONS.items() for word in (f"-{key}", value)]
    # It would wait for the network if it didn't find its reference catalogue.
    used = run(["timeout", "900", "scamp", "found.ldac", *words], folder)
    text = (folder / "found.head").read_text(encoding="latin-1")
    parts = [part for part in text.split("\nEND") if "CRVAL1" in part]
    if len(parts) != len(field.stars):
        raise SystemExit(f"SCAMP solved {len(parts)} of {len(field.stars)} chips.")
    return used, {
        name: fits.Header.fromstring(_ascii(part), sep="\n")
        for name, part in zip(field.stars, parts, strict=True)
    }


def _ascii(text: str) -> str:
    """The lines of a header that aren't comments: SCAMP's own are in no encoding of FITS."""
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and line[:7] not in ("HISTORY", "COMMENT"))


def sky_of(cards: fits.Header, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """ra, dec (n, 2) of 0-based pixels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.column_stack(WCS(cards).wcs_pix2world(x, y, 0))


def write_catalogue(path: Path, field: Field, start: tuple[float, float]) -> None:
    """Every chip's detections and its header: the prior about the header's pointing."""
    hdus: list[fits.hdu.base.ExtensionHDU] = [fits.PrimaryHDU()]
    for name, stars in field.stars.items():
        ny, nx = field.shapes[name]
        cards: dict[str, object] = {"NAXIS": 2, "NAXIS1": nx, "NAXIS2": ny}
        cards |= {**field.priors[name], "CRVAL1": start[0], "CRVAL2": start[1]}
        cards |= {"EQUINOX": 2000.0, "EXPTIME": 120.0, "MJD-OBS": field.mjd, "FILTER": "V"}
        hdus.append(header_table(cards))
        error = stars.sigma / 0.4
        columns = {
            "XWIN_IMAGE": stars.x + 1,
            "YWIN_IMAGE": stars.y + 1,
            "ERRAWIN_IMAGE": error,
            "ERRBWIN_IMAGE": error,
            "ERRTHETAWIN_IMAGE": np.zeros_like(error),
            "FLUX_AUTO": stars.flux,
            "FLUXERR_AUTO": stars.flux / field.snr[name],
            "FLUX_RADIUS": np.full_like(error, 3.0),
            "ELONGATION": np.ones_like(error),
        }
        hdus.append(object_table(columns))
    fits.HDUList(hdus).writeto(path, overwrite=True)


def write_references(path: Path, field: Field, start: tuple[float, float]) -> None:
    """The references around the pointing, at the exposure's epoch."""
    sky = field.references
    near = np.hypot(*plane_of_sky(sky.ra, sky.dec, *start)) < REACH
    error = np.full(int(near.sum()), 1e-3 / 3600)
    columns = {
        "X_WORLD": sky.ra[near],
        "Y_WORLD": sky.dec[near],
        "ERRA_WORLD": error,
        "ERRB_WORLD": error,
        "ERRTHETA_WORLD": np.zeros_like(error),
        "MAG": sky.mag[near],
        "MAGERR": np.full_like(error, 0.01),
        "OBSDATE": np.full_like(error, 2000.0 + (field.mjd - 51544.5) / 365.25),
    }
    header = header_table({"NAXIS": 0, "EQUINOX": 2000.0})
    fits.HDUList([fits.PrimaryHDU(), header, object_table(columns)]).writeto(path, overwrite=True)


def header_table(cards: Cards | Mapping[str, object]) -> fits.BinTableHDU:
    """A header as LDAC keeps it: text in a table of one row."""
    first = {"SIMPLE": True, "BITPIX": -32}
    header = make_header([(key, value, "") for key, value in {**first, **cards}.items()])
    text = header.tostring(padding=False)
    # Given as text, astropy would strip the blanks behind END, without which SCAMP crashes.
    raw = np.frombuffer(text.encode("ascii"), np.uint8)[None, :]
    column = fits.Column("Field Header Card", f"{len(text)}B", array=raw)
    table = fits.BinTableHDU.from_columns([column], name="LDAC_IMHEAD")
    table.header["TDIM1"] = f"(80, {len(text) // 80})"
    return table


def object_table(columns: Mapping[str, np.ndarray]) -> fits.BinTableHDU:
    """Sources as LDAC keeps them; flags say that all are clean."""
    made = [
        fits.Column(key, "1D" if key[:2] in ("XW", "YW", "X_", "Y_") else "1E", array=value)
        for key, value in columns.items()
    ]
    clean = np.zeros(len(next(iter(columns.values()))), np.int16)
    made.append(fits.Column("FLAGS", "1I", array=clean))
    return fits.BinTableHDU.from_columns(made, name="LDAC_OBJECTS")
