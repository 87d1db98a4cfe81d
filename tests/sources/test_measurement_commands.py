"""``sources extract`` and ``sources forced`` as the rules call them."""

import json
from pathlib import Path

import numpy as np
import pytest

from skymill.__main__ import main
from skymill.bits import Flag, MaskBit
from skymill.geometry import separation, tile_cards
from skymill.io.fits import Image, write_images
from skymill.io.parquet import read_fact, read_table, table_schema
from skymill.paths import CONFIG
from skymill.sources.stellarity_model import shipped_model

CONFIG_FILE = str(CONFIG / "config.yaml")
SIZE = 400
CENTRE = (0.001, -30.0)  # RA 0 runs through the tile
PLANES = ("image", "variance", "mask")


@pytest.fixture
def write_stack(tmp_path, record, add_moffat):
    """A function that writes the planes of a stack and gives their paths."""

    def write(band, flux=1.0, empty=False, cards=(("GAIN", 5.0, ""), ("SATURATE", 1e6, ""))):
        rng = np.random.default_rng(ord(band))
        image = rng.normal(scale=5, size=(SIZE, SIZE))
        for y in range(50, 400, 75):
            for x in range(50, 400, 75):
                add_moffat(image, x + 0.25, y - 0.25, flux * (1e4 + 100 * x), 5.0)
        image[: SIZE if empty else 20] = np.nan
        data = {
            "image": image,
            "variance": np.full((SIZE, SIZE), 25.0),
            "mask": np.zeros((SIZE, SIZE), np.uint8),
        }
        paths = []
        for name in PLANES:
            paths.append(tmp_path / band / f"{name}.fits")
            pixels = data[name].astype(np.float32) if name in PLANES[:2] else data[name]
            header = [*tile_cards(*CENTRE, SIZE, 0.4), *cards]
            write_images(paths[-1], [Image(pixels, header)], record)
        return [str(path) for path in paths]

    return write


def extract(paths, tmp_path, band="R", *more):
    options = [word for k, p in zip(PLANES, paths, strict=True) for word in (f"--{k}", p)]
    out = str(tmp_path / f"single_{band}.parquet")
    command = ["sources", "extract", "--config", CONFIG_FILE, "--tile", "0001.000-30"]
    command += ["--band", band, *options, "--catalogue", out]
    command += ["--receipt", str(tmp_path / "receipt.json"), *more]
    return main(command), out


def forced(stacks, tmp_path, *more):
    bands = list(stacks)
    command = ["sources", "forced", "--config", CONFIG_FILE, "--tile", "0001.000-30"]
    command += ["--bands", *bands]
    for k, name in enumerate(PLANES):
        command += [f"--{name}s", *(stacks[band][k] for band in bands)]
    out = str(tmp_path / "Idual.parquet")
    return main([*command, "--catalogue", out, *more]), out


def test_extract(write_stack, tmp_path):
    status, out = extract(write_stack("R"), tmp_path)
    table = read_table(out)
    assert status == 0
    assert read_fact(out, "stellarity") == shipped_model().name
    assert table.colnames == table_schema("single_instrumental").names
    np.testing.assert_array_equal(table["number"], np.arange(1, len(table) + 1))
    assert len(table) == 25
    assert table["y_image"].min() > 20
    # 1-based pixels of a TAN grid about the tile's centre
    middle = table[np.argmin(np.hypot(table["x_image"] - 201.25, table["y_image"] - 200.75))]
    off = separation(middle["ra"], middle["dec"], *CENTRE)
    assert off == pytest.approx(0.4 * np.hypot(0.75, 0.25), abs=0.03)
    assert ((table["ra"] >= 0) & (table["ra"] < 360)).all()
    assert table["ra"].max() > 359.9
    assert table["ra"].min() < 0.1
    assert 1e-4 < np.median(table["ra_error"]) < 0.02
    assert (tmp_path / "receipt.json").is_file()


def test_extract_repeats_byte_for_byte(write_stack, tmp_path):
    paths = write_stack("R")
    _, first = extract(paths, tmp_path, "R")
    _, second = extract(paths, tmp_path, "V")
    assert Path(first).read_bytes() == Path(second).read_bytes()


def test_the_epochs_of_pixels_tell_sets_of_exposures_apart(write_stack, tmp_path, record, capsys):
    """Of a plane that says nothing new the classes stay; a missing one is named."""
    paths, epoch = write_stack("R"), tmp_path / "epoch.fits"
    write_images(epoch, [Image(np.full((SIZE, SIZE), 60000.5))], record)
    _, first = extract(paths, tmp_path, "R")
    _, second = extract(paths, tmp_path, "V", "--epoch", str(epoch))
    np.testing.assert_allclose(
        read_table(second)["class_star"], read_table(first)["class_star"], atol=0.05
    )
    assert "epoch.fits" in " ".join(json.loads((tmp_path / "receipt.json").read_text())["inputs"])
    assert extract(paths, tmp_path, "V", "--epoch", str(tmp_path / "nowhere.fits"))[0] == 1
    assert "nowhere.fits" in capsys.readouterr().err
    stacks = {"V": paths, "I": write_stack("I")}
    assert forced(stacks, tmp_path, "--epochs", str(epoch), str(epoch))[0] == 0
    assert forced(stacks, tmp_path, "--epochs", str(epoch))[0] == 1
    assert "1 epochs" in capsys.readouterr().err


def test_extract_of_a_stack_without_frames(write_stack, tmp_path):
    status, out = extract(write_stack("R", empty=True, cards=()), tmp_path)
    table = read_table(out)
    assert status == 0
    assert len(table) == 0
    assert table.colnames == table_schema("single_instrumental").names


def test_variance_that_holds_the_photons_is_not_counted_twice(write_stack, tmp_path):
    gain = (("GAIN", 0.1, ""), ("SATURATE", 1e6, ""))
    errors = {}
    for holds in (False, True):
        _, out = extract(write_stack("R", cards=(*gain, ("VARSRC", holds, ""))), tmp_path)
        errors[holds] = np.median(read_table(out)["fluxerr_aper5"])
    assert errors[True] < 0.5 * errors[False]


def test_the_mask_tells_what_is_saturated(write_stack, tmp_path, record):
    paths = write_stack("R", cards=(("GAIN", 5.0, ""), ("SATURATE", 10.0, "")))
    assert extract(paths, tmp_path)[0] == 0
    assert (read_table(tmp_path / "single_R.parquet")["flags"] & Flag.SATURATED == 0).all()
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[198:203, 198:203] = MaskBit.BLEED
    write_images(Path(paths[2]), [Image(mask, [*tile_cards(*CENTRE, SIZE, 0.4)])], record)
    assert extract(paths, tmp_path)[0] == 0
    table = read_table(tmp_path / "single_R.parquet")
    saturated = table[table["flags"] & Flag.SATURATED != 0]
    assert len(saturated) == 1
    assert np.hypot(saturated["x_image"] - 201.25, saturated["y_image"] - 200.75)[0] < 1


def test_extract_without_a_wcs(write_stack, tmp_path, record, capsys):
    paths = write_stack("R")
    write_images(paths[0], [Image(np.zeros((SIZE, SIZE), np.float32))], record)
    status, _ = extract(paths, tmp_path)
    assert status == 1
    assert "celestial WCS" in capsys.readouterr().err


def test_extract_of_a_missing_file(write_stack, tmp_path, capsys):
    paths = write_stack("R")
    paths[1] = str(tmp_path / "nowhere.fits")
    status, _ = extract(paths, tmp_path)
    assert status == 1
    assert "nowhere.fits" in capsys.readouterr().err


def test_forced(write_stack, tmp_path):
    stacks = {"V": write_stack("V", 0.5), "I": write_stack("I"), "B": write_stack("B", empty=True)}
    status, out = forced(stacks, tmp_path)
    dual = read_table(out)
    assert status == 0
    assert dual.colnames == table_schema("idual_instrumental", ("V", "I", "B")).names
    single = read_table(extract(stacks["I"], tmp_path, "I")[1])
    assert len(dual) == len(single) == 25
    for name in single.colnames:
        same = name if name in dual.colnames else f"{name}_i"
        np.testing.assert_array_equal(dual[same], single[name], err_msg=name)
    np.testing.assert_allclose(dual["flux_aper5_v"] / dual["flux_aper5_i"], 0.5, rtol=0.08)
    assert np.isnan(dual["flux_auto_b"]).all()


def test_forced_needs_the_detection_band(write_stack, tmp_path, capsys):
    assert forced({"V": write_stack("V")}, tmp_path)[0] == 1
    assert "detection_band is I" in capsys.readouterr().err


def test_forced_needs_a_file_per_band(write_stack, tmp_path, capsys):
    command = ["sources", "forced", "--config", CONFIG_FILE, "--tile", "t", "--bands", "V", "I"]
    for name in PLANES:
        command += [f"--{name}s", "one.fits"]
    assert main([*command, "--catalogue", str(tmp_path / "x.parquet")]) == 1
    assert "2 bands, but 1 images" in capsys.readouterr().err
