"""What the references room's tests share: archives' tables, a service that has them, a config."""

import numpy as np
import pytest
import yaml
from astropy.table import Table

from skymill.__main__ import main
from skymill.geometry import cells_of_positions
from skymill.paths import CONFIG

from .tap_server import TapServer

GAIA = {
    "ra_error": "mas",
    "dec_error": "mas",
    "pmra": "mas / yr",
    "pmdec": "mas / yr",
    "ref_epoch": "yr",
    "phot_g_mean_mag": "mag",
    "bp_rp": "mag",
}
ROWS = 400


def sky(rows=ROWS, seed=3):
    """Positions on either side of RA 0, in four cells of order 5."""
    rng = np.random.default_rng(seed)
    return (359.5 + rng.uniform(0, 1, rows)) % 360, rng.uniform(-30.5, -29.5, rows)


def with_units(table, **units):
    """A table whose columns have units."""
    for name, unit in units.items():
        table[name].unit = unit
    return table


def gaia_source(rows=ROWS):
    """gaiadr3.gaia_source."""
    ra, dec = sky(rows)
    identifier = np.random.default_rng(5).permutation(rows) + 4_000_000_000_000_000_000
    rest = {name: k + np.arange(rows) / 7 for k, name in enumerate(GAIA)}
    table = Table({"source_id": identifier, "ra": ra, "dec": dec, **rest})
    return with_units(table, ra="deg", dec="deg", **GAIA)


def gspc():
    """gaiadr3.synthetic_photometry_gspc, joined with the positions."""
    ra, dec = sky()
    table = Table({"source_id": np.arange(ROWS), "ra": ra, "dec": dec, "c_star": np.zeros(ROWS)})
    for k, band in enumerate("bvri"):
        table[f"{band}_jkc_mag"] = 15.0 + k + np.arange(ROWS) / 1000
        table[f"{band}_jkc_flux"] = np.full(ROWS, 2e-16)
        table[f"{band}_jkc_flux_error"] = np.full(ROWS, 2e-18)
        table[f"{band}_jkc_flag"] = np.ones(ROWS, np.int16)
        table[f"{band}_jkc_mag"].unit = "mag"
        table[f"{band}_jkc_flux"].unit = "W / (m2 nm)"
    return with_units(table, ra="deg", dec="deg")


def apass():
    """II/336/apass9 at VizieR."""
    ra, dec = sky()
    table = Table({"recno": np.arange(1, ROWS + 1), "RAJ2000": ra, "DEJ2000": dec})
    for k, name in enumerate(("Bmag", "Vmag", "r'mag", "i'mag")):
        table[name] = np.float32(15 + k / 10 + np.arange(ROWS) / 1000)
        table[f"e_{name}"] = np.full(ROWS, 0.02, np.float32)
        table[name].unit = table[f"e_{name}"].unit = "mag"
    return with_units(table, RAJ2000="deg", DEJ2000="deg")


def skymapper():
    """dr3.master, dr4.master."""
    ra, dec = sky()
    table = Table({"object_id": np.arange(ROWS) + 400, "raj2000": ra, "dej2000": dec})
    for name in "iz":
        table[f"{name}_psf"] = 15 + np.arange(ROWS) / 1000
        table[f"e_{name}_psf"] = np.full(ROWS, 0.02)
    return table


def nsc():
    """nsc_dr2.object: identifiers are text."""
    ra, dec = sky(seed=8)
    table = Table({"id": [f"{k}_7" for k in range(ROWS)], "ra": ra, "dec": dec})
    return with_units(table, ra="degrees", dec="degrees")


GSPC_TABLE = (
    "gaiadr3.synthetic_photometry_gspc AS p JOIN gaiadr3.gaia_source AS g "
    "ON g.source_id = p.source_id"
)


@pytest.fixture(scope="session")
def tables():
    """The archives' tables, by the names that queries give them."""
    return {
        "gaiadr3.gaia_source": gaia_source(),
        GSPC_TABLE: gspc(),
        '"II/336/apass9"': apass(),
        "dr3.master": skymapper(),
        "dr4.master": skymapper(),
        "nsc_dr2.object": nsc(),
    }


@pytest.fixture
def server(tables):
    """A TAP service that has them."""
    with TapServer(dict(tables)) as running:
        yield running


@pytest.fixture
def cells():
    """The cells that hold the positions."""
    return sorted({int(cell) for cell in cells_of_positions(*sky(), 5)})


@pytest.fixture
def importing(tmp_path):
    """Run `skymill references import`; gives the exit code."""
    config = yaml.safe_load((CONFIG / "config.yaml").read_text())

    def run(*arguments, **references):
        config["references"].update(references)
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        line = ["references", "import", "--config", tmp_path / "config.yaml", *arguments]
        return main([str(word) for word in line])

    return run
