"""A frame is taken over only if it is the one that this release would make."""

import pytest

from skymill.config import load_config
from skymill.errors import InputError
from skymill.frames import share
from skymill.frames.shared import shared_exposures, steps_of
from skymill.io.link import write_link
from skymill.io.provenance import SOFTWARE, file_sha256, settings_hash
from skymill.paths import CONFIG

ROW = {"exposure": "x", "site": "CTIO", "run": "r", "tile": "t", "band": "V", "mjd": 60000.5}
ROW |= {"exptime": 120.0, "path": "raw/x.fits", "sha256": "a" * 64}
VERDICT = {key: ROW[key] for key in share.SAME}


def test_the_steps_of_a_frame_and_what_they_read():
    raw = steps_of(load_config(CONFIG / "config.yaml"))
    assert list(raw) == ["pixels", "calibrate"]
    assert "screening" in raw["calibrate"]
    assert list(steps_of(load_config(CONFIG / "decam_demo.yaml"))) == ["ingest"]


@pytest.mark.parametrize("changed", [{"settings": "other"}, {"software": "skymill 0"}])
def test_other_settings_and_other_software_are_refused(tmp_path, changed):
    receipt = {"settings": settings_hash({"limit": 5}), "software": SOFTWARE}
    share.check_receipt(tmp_path, receipt, {"limit": 5})
    with pytest.raises(InputError, match=r"expected .*so this frame can't be taken over"):
        share.check_receipt(tmp_path, receipt | changed, {"limit": 5})


@pytest.mark.parametrize("key", share.SAME)
def test_a_row_that_says_something_else_is_refused(tmp_path, key):
    share.check_row(tmp_path, VERDICT, ROW)
    with pytest.raises(InputError, match=rf"{key}: expected .*, got other"):
        share.check_row(tmp_path, VERDICT | {key: "other"}, ROW)


def test_another_raw_file_and_another_product_are_refused(tmp_path):
    share.check_raw(tmp_path, {"raw/x.fits": "a" * 64}, ROW)
    share.check_raw(tmp_path, {"raw/x.fits": "b" * 64}, ROW | {"sha256": None})
    with pytest.raises(InputError, match="SHA-256"):
        share.check_raw(tmp_path, {"raw/x.fits": "b" * 64, "calib/x.json": "a" * 64}, ROW)
    (tmp_path / "x.fits").write_text("a frame")
    share.check_product(tmp_path / "x.fits", {"sha256": file_sha256(tmp_path / "x.fits")})
    with pytest.raises(InputError, match="SHA-256"):
        share.check_product(tmp_path / "x.fits", {})


def test_a_release_that_is_not_there_is_named(tmp_path):
    config = load_config(CONFIG / "config.yaml")
    with pytest.raises(InputError, match="dr1: expected a release that was built here"):
        shared_exposures(config, tmp_path / "dr1", ["x"])


def test_a_link_is_relative_and_replaces_what_was_there(tmp_path):
    (tmp_path / "dr1").mkdir()
    (tmp_path / "dr1/x").write_text("first")
    (tmp_path / "dr2").mkdir()
    (tmp_path / "dr2/x").write_text("second")
    write_link(tmp_path / "dr2/x", tmp_path / "dr1/x")
    assert (tmp_path / "dr2/x").readlink().as_posix() == "../dr1/x"
    assert (tmp_path / "dr2/x").read_text() == "first"
