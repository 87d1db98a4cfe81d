"""The commands: files as the data model says, receipts, messages."""

import hashlib
import json

import numpy as np
import pytest
import yaml
from astropy.coordinates import SkyCoord
from astropy.io import fits

from skymill.__main__ import main
from skymill.config import read_yaml
from skymill.errors import InputError
from skymill.io.fits import read_images
from skymill.io.json import read_json
from skymill.io.parquet import read_table
from skymill.paths import CONFIG
from skymill.references.source_file import read_source
from skymill.simulate.commands import merge
from skymill.simulate.headers import sexagesimal

GOOD, TRUNCATED = "kmtc.20250920.061023", "kmtc.20250920.061021"


@pytest.fixture(scope="module")
def micro(tmp_path_factory):
    """The micro release's configuration as one file, with few sources; and its sky."""
    folder = tmp_path_factory.mktemp("simulate")
    content = read_yaml(CONFIG / "config.yaml")
    merge(content, read_yaml(CONFIG / "micro.yaml"))
    content["camera"] = str(CONFIG / "cameras/mini.yaml")
    content["simulate"]["density"] = 0.1
    content["simulate"]["dust"]["size"] = 64
    (folder / "config.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    run(folder, "sky", "--data", folder / "data/micro")
    return folder


def run(folder, step, *arguments):
    words = [str(a) for a in arguments]
    common = ["--config", str(folder / "config.yaml"), "--receipt", str(folder / f"{step}.json")]
    return main(["simulate", step, *common, *words])


def expose(folder, name, out):
    sources = folder / "data/micro/truth/sources.parquet"
    paths = {k: out / f"{name}.{k}" for k in ("raw", "truth", "artefacts")}
    options = [word for k, path in paths.items() for word in (f"--{k}", path)]
    code = run(folder, "exposure", "--exposure", name, "--sources", sources, *options)
    return code, paths


@pytest.fixture(scope="module")
def frame(micro):
    code, paths = expose(micro, GOOD, micro / "data/micro/raw")
    assert code == 0
    return paths


def test_sky_writes_truth_catalogues_and_dust(micro):
    data = micro / "data/micro"
    written = {str(p.relative_to(data)) for p in data.rglob("*.*") if "raw" not in p.parts}
    catalogues = {"gaia_dr3", "gaia_xp", "apass_dr9", "skymapper_dr3", "pool"}
    expected = {f"reference/external/{name}.fits" for name in catalogues}
    expected |= {f"reference/external/sfd/SFD_dust_4096_{pole}.fits" for pole in ("ngp", "sgp")}
    assert written == expected | {"truth/sources.parquet"}
    receipt = json.loads((micro / "sky.json").read_text())
    assert set(receipt["outputs"]) == written
    for name in catalogues:
        table = read_source(data / f"reference/external/{name}.fits")
        assert len(table) > 50
        assert any(column.lower() in ("ra", "raj2000") for column in table.colnames)
    assert {"mag_b", "mag_v", "mag_r", "mag_i"} <= set(
        read_table(data / "truth/sources.parquet").colnames
    )


def test_raw_frames_are_laid_out_as_the_data_model_says(frame, mini_camera):
    images = read_images(frame["raw"])
    assert images[0].data is None
    assert [i.name for i in images[1:]] == [a.name for a in mini_camera.amplifiers()]
    for image in images[1:]:
        assert image.data.dtype == np.uint16
        assert image.data.shape == (1152, 27 + 144 + 32)
        cards = {key: value for key, value, _ in image.cards}
        assert cards["DATASEC"] == "[28:171,1:1152]"
        assert cards["BIASSEC"] == "[172:203,1:1152]"
    with fits.open(frame["raw"]) as hdus:
        assert hdus[1]._orig_bzero == 32768
    primary = {key: value for key, value, _ in images[0].cards}
    assert (primary["OBSERVAT"], primary["FILTER"]) == ("CTIO", "I")
    assert primary["OBJECT"] == "0000.000-30"
    pointing = SkyCoord(primary["RA"], primary["DEC"], unit=("hourangle", "deg"))
    planned = SkyCoord(359.87, -30.0, unit="deg")
    assert 0 < pointing.separation(planned).arcsec < 90  # the header's pointing errs
    assert primary["DATE-OBS"] == "2025-09-20T04:26:00.000"
    assert primary["EXPTIME"] == 120


def test_the_levels_are_those_of_the_truth(frame, mini_camera):
    truth = read_json(frame["truth"])
    for image in read_images(frame["raw"])[1:]:
        sky = np.median(image.data[:, 27:-32]) - np.median(image.data[:, -32:])
        known = truth["chips"][image.name[0]]["amplifiers"][image.name]
        if known["dead"]:
            assert abs(sky) < 12
        else:
            assert sky * known["gain"] == pytest.approx(truth["sky"], rel=0.2)


def test_artefacts_are_of_known_kinds_and_on_the_chip(frame):
    table = read_table(frame["artefacts"])
    kinds = set(table["kind"])
    assert {"cosmic_ray", "hot_column"} <= kinds
    assert table["x"].max() < 1152
    assert table["y"].min() >= 0


def test_a_rerun_gives_the_same_bytes(micro, frame, tmp_path):
    _, again = expose(micro, GOOD, tmp_path)
    for kind in ("raw", "artefacts"):
        digests = [hashlib.sha256(p[kind].read_bytes()).hexdigest() for p in (frame, again)]
        assert digests[0] == digests[1]


def test_a_truncated_frame_is_cut_and_its_receipt_knows(micro, tmp_path):
    code, paths = expose(micro, TRUNCATED, tmp_path)
    assert code == 0
    with pytest.raises(InputError, match="HDU"):
        read_images(paths["raw"])
    receipt = json.loads((micro / "exposure.json").read_text())
    noted = next(v for k, v in receipt["outputs"].items() if k.endswith(".raw"))
    assert noted["size"] == paths["raw"].stat().st_size
    assert noted["sha256"] == hashlib.sha256(paths["raw"].read_bytes()).hexdigest()
    assert read_json(paths["truth"])["status"] == "truncated"


def test_calibration_frames(micro, tmp_path):
    levels = {}
    for kind in ("bias.1", "flat_V.1"):
        path = tmp_path / f"{kind}.fits"
        assert run(micro, "calibration", "--frame", f"kmtc.202509.{kind}", "--raw", path) == 0
        images = read_images(path)
        assert {k: v for k, v, _ in images[0].cards}["IMAGETYP"] == kind.split(".")[0].split("_")[
            0
        ].upper()
        levels[kind] = np.median(images[1].data[:, 27:-32]) - np.median(images[1].data[:, -32:])
    assert abs(levels["bias.1"]) < 10
    assert 18000 < levels["flat_V.1"] < 32000


def test_unknown_frames_are_named(micro, tmp_path, capsys):
    code, paths = expose(micro, "kmtx.1", tmp_path)
    assert code == 1
    assert "kmtx.1" in capsys.readouterr().err
    assert not any(path.exists() for path in paths.values())
    assert run(micro, "calibration", "--frame", "bias", "--raw", tmp_path / "b.fits") == 1
    assert "skymill simulate plan" in capsys.readouterr().err


def test_a_release_from_real_frames_has_nothing_to_simulate(micro, tmp_path, capsys):
    content = yaml.safe_load((micro / "config.yaml").read_text())
    del content["simulate"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    assert run(tmp_path, "sky", "--data", tmp_path) == 1
    assert "expected a section 'simulate'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("degrees", "unit", "signed", "text"),
    [
        (359.87, 15, False, "23:59:28.80"),
        (359.9999999, 15, False, "00:00:00.00"),
        (-30.0, 1, True, "-30:00:00.0"),
        (-0.5, 1, True, "-00:30:00.0"),
        (12.999999, 1, True, "+13:00:00.0"),
    ],
)
def test_sexagesimal(degrees, unit, signed, text):
    assert sexagesimal(degrees, unit, signed) == text
