"""Synthetic tile catalogues for the masters room."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import Table

from skymill.io.parquet import table_schema, to_arrow, vo_metadata, write_arrow
from skymill.io.provenance import recording

ROOT = Path(__file__).resolve().parents[2]
BANDS = ("B", "V", "R", "I")
APERTURES = ("auto", "aper3", "aper5", "aper10")
DEFAULTS = {
    "ra_error": 0.02,
    "dec_error": 0.03,
    "fwhm_image": 5.0,
    "flux_radius": 3.0,
    "kron_radius": 3.5,
    "flux_max": 100.0,
    "theta_image": 10.0,
    "ellipticity": 0.1,
    "a_image": 2.0,
    "b_image": 1.8,
    "class_star": 0.9,
    "flags": 0,
    "imaflags_iso": 0,
    "background": 1.0,
    "isoarea": 30,
    "ssflag": 0,
    "sscount_30": 0,
    "ndith": 4,
    "edge": False,
    "min_mjd": 59000.0,
    "max_mjd": 59002.0,
    "mean_mjd": 59001.0,
}


def band_columns(count, flux, error):
    """The columns of one band with default values and given µJy fluxes in every aperture."""
    columns = {name: np.full(count, value) for name, value in DEFAULTS.items()}
    flux, error = np.broadcast_to(flux, count), np.broadcast_to(error, count)
    for name in APERTURES:
        columns[f"flux_{name}"], columns[f"fluxerr_{name}"] = flux + 0.0, error + 0.0
        positive = np.where(flux > 0, flux, np.nan)
        columns[f"mag_{name}"] = 23.9 - 2.5 * np.log10(positive)
        columns[f"magerr_{name}"] = 1.0857 * error / positive
        columns[f"zp_{name}"], columns[f"zperr_{name}"] = np.full(count, 30.0), np.full(count, 0.01)
    return columns


def complete(schema, ra, columns):
    """A table of a schema; columns not given are filled."""
    table = Table()
    for column in schema.columns:
        values = columns.get(column.name)
        if values is None:
            values = np.arange(1, ra.size + 1) if column.name == "number" else np.zeros(ra.size)
        table[column.name] = values if np.ma.isMaskedArray(values) else np.asarray(values)
    return table


def single_table(ra, dec, flux=100.0, error=1.0, **changes):
    """A table `single`."""
    ra, dec = np.atleast_1d(np.asarray(ra, float)), np.atleast_1d(np.asarray(dec, float))
    columns = {"ra": ra, "dec": dec, **band_columns(ra.size, flux, error), **changes}
    return complete(table_schema("single"), ra, columns)


def idual_table(ra, dec, flux=100.0, error=1.0, bands=BANDS, **changes):
    """A table `idual`; `changes` name columns with their band, such as flags_b."""
    ra, dec = np.atleast_1d(np.asarray(ra, float)), np.atleast_1d(np.asarray(dec, float))
    columns = {"ra": ra, "dec": dec}
    columns |= {name: np.full(ra.size, DEFAULTS[name]) for name in ("ra_error", "dec_error")}
    for band in bands:
        values = band_columns(ra.size, flux, error).items()
        columns |= {f"{name}_{band.lower()}": value for name, value in values}
    return complete(table_schema("idual", tuple(bands)), ra, columns | changes)


def store(path, table, name, bands=()):
    """Write a table as the release has it, whatever its values are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = table_schema(name, tuple(bands))
    with recording("test", {}, [], None) as record:
        arrow = to_arrow(table, schema).replace_schema_metadata(vo_metadata(schema, record))
        write_arrow(path, arrow, record)
    return path


def jittered(ra, dec, sigma, generator):
    """Positions scattered by sigma arcsec in each direction."""
    step = generator.normal(0, sigma / 3600, (2, np.size(ra)))
    return (ra + step[0] / np.cos(np.radians(dec))) % 360, dec + step[1]


class Synthetic:
    """The helpers above, handed to tests by the fixture `synthetic`."""

    bands = BANDS
    band_columns = staticmethod(band_columns)
    single = staticmethod(single_table)
    idual = staticmethod(idual_table)
    store = staticmethod(store)
    jittered = staticmethod(jittered)


@pytest.fixture
def synthetic():
    return Synthetic


@pytest.fixture
def config(tmp_path):
    """A configuration file of the mini release with its own exposure table, and its content."""
    content = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    table = tmp_path / "exposures.csv"
    header = "exposure,site,run,path,tile,band,mjd,exptime,sha256\n"
    rows = [
        f"e{k},CTIO,run1,raw/e{k}.fits,0000.000-30,{b},{59000 + k},120,\n"
        for k, b in enumerate("BVRI")
    ]
    table.write_text(header + "".join(rows))
    content["tables"]["exposures"] = str(table)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def dust(tmp_path):
    """Two small maps in the format of the SFD maps: (folder, value at galactic l, b in degrees)."""
    folder = tmp_path / "sfd"
    folder.mkdir()
    for pole, sign in (("ngp", 1), ("sgp", -1)):
        y, x = np.mgrid[0:64, 0:64]
        image = fits.PrimaryHDU((0.01 * x + 0.001 * y + (pole == "sgp")).astype(np.float32))
        image.header.update(
            CTYPE1="GLON-ZEA",
            CTYPE2="GLAT-ZEA",
            CRVAL1=90.0,
            CRVAL2=90.0 * sign,
            CRPIX1=32.5,
            CRPIX2=32.5,
            CD1_1=-2.6,
            CD1_2=0.0,
            CD2_1=0.0,
            CD2_2=2.6,
            LONPOLE=180.0,
        )
        image.writeto(folder / f"SFD_dust_4096_{pole}.fits")
    return folder
