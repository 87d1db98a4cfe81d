import json

import numpy as np
import pytest
import yaml
from astropy.wcs import WCS

from skymill.__main__ import main
from skymill.io.fits import read_header, read_images
from skymill.paths import CONFIG
from skymill.tiles.stack import PLANES


@pytest.fixture
def release(sky, tmp_path):
    """Frames of a small camera and tile, and the command's arguments."""
    config = yaml.safe_load((CONFIG / "config.yaml").read_text())
    camera = yaml.safe_load((CONFIG / "cameras" / "mini.yaml").read_text())
    chip = camera["chips"]["M"]
    chip["shape"] = list(sky.shape)
    chip["amplifiers"] = chip["amplifiers"][: len(sky.chip.amplifiers)]
    for amplifier in chip["amplifiers"]:
        amplifier.pop("columns", None)
        amplifier.pop("rows", None)
    camera["chips"] = {"M": chip}
    for site in camera["sites"].values():
        site["bad_amplifiers"] = []
        site.pop("wcs", None)
    config["camera"] = str(tmp_path / "camera.yaml")
    config["tables"]["tiles"] = str(tmp_path / "tiles.csv")
    config["tiles"]["size"] = 400
    (tmp_path / "camera.yaml").write_text(yaml.safe_dump(camera))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    ra, dec = sky.centre
    (tmp_path / "tiles.csv").write_text(f"tile,ra,dec\n0000.000-30,{ra % 360},{dec}\n")
    return tmp_path


def run(folder, frames, name="out"):
    out = folder / name
    arguments = ["tiles", "combine", "--config", str(folder / "config.yaml")]
    arguments += ["--tile", "0000.000-30", "--band", "R"]
    for number, option in enumerate(("images", "masks", "verdicts")):
        arguments += [f"--{option}", *(str(paths[number]) for paths in frames)]
    for plane in PLANES:
        arguments += [f"--out-{plane}", str(out / f"{plane}.fits")]
    arguments += ["--out-mjd", str(out / "mjd.fits")]
    return main([*arguments, "--receipt", str(out / "receipt.json")]), out


def test_the_planes_of_a_stack(sky, release):
    image = np.full(sky.shape, 5.0)
    good = sky.write(release, "a", image, sky.cards())
    bad = sky.write(release, "b", image * 100, sky.cards(), verdict="fail")
    status, out = run(release, [bad, good])
    assert status == 0
    planes = {plane: read_images(out / f"{plane}.fits")[0] for plane in PLANES}
    assert {plane: str(image.data.dtype) for plane, image in planes.items()} == PLANES
    assert {image.data.shape for image in planes.values()} == {(400, 400)}
    assert planes["nexp"].data.max() == 1
    assert np.nanmedian(planes["image"].data) == pytest.approx(5, rel=0.02)
    for plane in PLANES:
        header = read_header(out / f"{plane}.fits")
        assert (header["NUMEXP"], header["IMAGE000"]) == (1, "a")
        assert (header["CTYPE1"], header["MAGZERO"]) == ("RA---TAN", 30)
    assert len(json.loads((out / "receipt.json").read_text())["outputs"]) == len(PLANES) + 1


def test_epochs_lie_on_a_coarse_grid_with_the_centre_of_the_tile(sky, release):
    frames = [
        sky.write(release, "a", np.ones(sky.shape), sky.cards(), mjd=60000.25),
        sky.write(release, "b", np.ones(sky.shape), sky.cards(dx=70.0), mjd=60003.75),
    ]
    _, out = run(release, frames)
    primary, *maps = read_images(out / "mjd.fits")
    assert {k: v for k, v, _ in primary.cards}["IMAGE001"] == "b"
    assert [image.name for image in maps] == ["MIN", "MEAN", "MAX"]
    low, mean, high = (image.data for image in maps)
    assert low.shape == (7, 7)
    epoch = read_images(out / "epoch.fits")[0].data[2 * 64 : 3 * 64]
    for block in range(7):
        inside = epoch[:, block * 64 : (block + 1) * 64]
        if np.isfinite(inside).any():
            assert low[2, block] <= np.nanmin(inside) <= np.nanmax(inside) <= high[2, block]
    assert {*low[np.isfinite(low)], *high[np.isfinite(high)]} == {60000.25, 60003.75}
    np.testing.assert_array_equal(np.isnan(low), np.isnan(mean))
    grid = WCS(maps[0].header())
    fine = WCS(read_header(out / "image.fits"))
    np.testing.assert_allclose(
        grid.wcs_pix2world(1, 2, 0), fine.wcs_pix2world(64 + 31.5, 2 * 64 + 31.5, 0), atol=1e-10
    )


def test_the_same_frames_give_the_same_bytes_in_any_order(sky, release):
    random = np.random.default_rng(1)
    frames = [
        sky.write(release, name, random.normal(size=sky.shape), sky.cards(dx=3.3 * number))
        for number, name in enumerate("abc")
    ]
    (_, first), (_, second) = run(release, frames, "one"), run(release, frames[::-1], "two")
    for plane in (*PLANES, "mjd"):
        assert (first / f"{plane}.fits").read_bytes() == (second / f"{plane}.fits").read_bytes()


def test_a_tile_without_a_usable_frame_still_has_its_planes(sky, release):
    broken = sky.write(release, "a", np.zeros(sky.shape), sky.cards(), verdict="fail", fwhm=None)
    broken[0].write_bytes(b"")
    status, out = run(release, [broken])
    assert status == 0
    (image,) = read_images(out / "image.fits")
    assert np.isnan(image.data).all()
    assert {k: v for k, v, _ in image.cards}["NUMEXP"] == 0


def test_a_tile_without_any_frame_has_the_same_planes(sky, release):
    broken = sky.write(release, "a", np.zeros(sky.shape), sky.cards(), verdict="fail", fwhm=None)
    (_, rejected), (status, none) = run(release, [broken], "rejected"), run(release, [], "none")
    assert status == 0
    for plane in PLANES:
        first, second = (read_images(out / f"{plane}.fits")[0] for out in (rejected, none))
        np.testing.assert_array_equal(first.data, second.data)


def test_a_truncated_frame_is_one_message_and_leaves_no_half_written_plane(sky, release, capsys):
    good = sky.write(release, "a", np.zeros(sky.shape), sky.cards())
    good[0].write_bytes(good[0].read_bytes()[:-30000])
    status, out = run(release, [good])
    assert status == 1
    assert "a.fits: HDU 1 can't be read (the file is truncated" in capsys.readouterr().err
    assert not list(out.glob("*")) if out.exists() else True
