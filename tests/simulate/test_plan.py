"""The tables of the mini and micro releases are what the plan says."""

import copy
import subprocess
import sys

import numpy as np
import pytest

from skymill.config import load_rows, read_yaml
from skymill.errors import ConfigError
from skymill.geometry import separation
from skymill.paths import CONFIG
from skymill.simulate import plan
from skymill.simulate.commands import merge
from skymill.simulate.headers import airmass

TABLES = {"tiles": "tiles_table", "exposures": "exposures", "calibrations": "calibrations_table"}


def tables(simulate, bands, camera):
    return {
        "tiles": plan.tile_rows(simulate["plan"]),
        "exposures": plan.exposure_rows(simulate["plan"], bands, camera),
        "calibrations": plan.calibration_rows(simulate["plan"], bands, camera),
    }


@pytest.fixture(scope="module")
def micro():
    from skymill.config import check_config

    content = read_yaml(CONFIG / "config.yaml")
    merge(content, read_yaml(CONFIG / "micro.yaml"))
    return check_config(content, "micro")


def test_committed_tables_equal_a_fresh_plan(mini, micro, mini_camera):
    for release, config in (("mini", mini), ("micro", micro)):
        made = tables(config["simulate"], config["bands"], mini_camera)
        for name, rows in made.items():
            committed = (CONFIG / release / f"{name}.csv").read_text()
            assert committed == plan.table_text(rows), f"{release}/{name}.csv"


def test_committed_tables_pass_their_schemas():
    for release in ("mini", "micro"):
        for name, schema in TABLES.items():
            assert load_rows(CONFIG / release / f"{name}.csv", schema)


def test_mini_has_four_dithers_of_each_tile_and_band_from_two_sites(planned, settings):
    bad = {name for names in settings["status"].values() for name in names}
    good = [e for e in planned if e.name not in bad]
    assert (len(planned), len(good)) == (35, 32)
    for tile in {e.tile for e in good}:
        for band in "BVRI":
            chosen = [e for e in good if (e.tile, e.band) == (tile, band)]
            assert len({(e.ra, e.dec) for e in chosen}) == 4
            assert sorted(e.site for e in chosen) == ["CTIO", "CTIO", "SAAO", "SAAO"]


def test_bad_exposures_are_planned_and_each_is_repeated(planned, settings):
    by_name = {e.name: e for e in planned}
    for status, names in settings["status"].items():
        assert len(names) == 1, status
        bad = by_name[names[0]]
        same = [e for e in planned if (e.ra, e.dec, e.band) == (bad.ra, bad.dec, bad.band)]
        assert len(same) == 2


def test_the_field_stands_high_when_it_is_observed(planned, mini_camera):
    for e in planned:
        assert airmass(mini_camera.sites[e.site], e.ra, e.dec, e.mjd) < 1.1


def test_exposures_follow_one_another_with_the_read_out_between(planned, settings):
    gap = (settings["plan"]["exptime"] + settings["plan"]["overhead"]) / 86400
    for site in ("CTIO", "SAAO"):
        mjd = np.array([e.mjd for e in planned if e.site == site])
        assert np.all(np.diff(mjd) > gap * 0.999)


def test_neighbouring_fields_overlap_by_two_arcminutes(mini, mini_camera):
    from astropy.wcs import WCS

    from skymill.io.fits import make_header

    edges = {}
    for side, chip in (("east", "M"), ("west", "K")):
        cards = mini_camera.prior("CTIO", chip) | {"CRVAL1": 0.0, "CRVAL2": -30.0}
        wcs = WCS(make_header([(key, value, "") for key, value in cards.items()]))
        x = 0 if side == "east" else mini_camera.chips[chip].shape[1] - 1
        edges[side] = float(wcs.wcs_pix2world(x, 600, 0)[0])
    (east, _), (west, _) = ((t["ra"], t["dec"]) for t in mini["simulate"]["plan"]["tiles"][::-1])
    width = (edges["east"] - (edges["west"] - 360)) * np.cos(np.radians(30)) * 60
    apart = separation(east, -30.0, west, -30.0) / 60
    assert 2.0 < width - apart < 2.5


@pytest.mark.parametrize(
    ("number", "ra", "dec", "name"),
    [
        (0, 359.87, -30, "0000.000-30"),
        (12, 10.5, -62.49, "0012.011-62"),
        (7, 1.2, 3.5, "0007.001+04"),
    ],
)
def test_tile_names_round_half_up(number, ra, dec, name):
    assert plan.tile_name(number, ra, dec) == name


def test_a_site_without_nights_is_named(settings, mini_camera):
    broken = copy.deepcopy(settings["plan"])
    broken["dithers"][0]["site"] = "SSO"
    with pytest.raises(ConfigError, match="SSO"):
        plan.exposures(broken, ["V"], mini_camera)


def test_command_merges_overrides(tmp_path):
    command = [sys.executable, "-m", "skymill", "simulate", "plan"]
    command += ["--config", str(CONFIG / "config.yaml"), "--folder", str(tmp_path)]
    root = CONFIG.parent
    subprocess.run(
        [*command, "--override", str(CONFIG / "micro.yaml")],
        cwd=root,
        env={"PYTHONPATH": str(root / "workflow"), "PATH": "/usr/bin:/bin"},
        check=True,
    )
    for name in TABLES:
        committed = (CONFIG / "micro" / f"{name}.csv").read_bytes()
        assert (tmp_path / f"{name}.csv").read_bytes() == committed
