import json

import numpy as np
import pytest
from astropy.wcs import WCS

from skymill.io.fits import read_header, read_images
from skymill.tiles.stack import PLANES


def test_the_planes_of_a_stack(sky, release, run):
    image = np.full(sky.shape, 5.0)
    good = sky.write(release, "a", image, sky.cards())
    bad = sky.write(release, "b", image * 100, sky.cards(), verdict="fail")
    status, out = run([bad, good])
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


def test_epochs_lie_on_a_coarse_grid_with_the_centre_of_the_tile(sky, release, run):
    frames = [
        sky.write(release, "a", np.ones(sky.shape), sky.cards(), mjd=60000.25),
        sky.write(release, "b", np.ones(sky.shape), sky.cards(dx=70.0), mjd=60003.75),
    ]
    _, out = run(frames)
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


def test_the_same_frames_give_the_same_bytes_in_any_order(sky, release, run):
    random = np.random.default_rng(1)
    frames = [
        sky.write(release, name, random.normal(size=sky.shape), sky.cards(dx=3.3 * number))
        for number, name in enumerate("abc")
    ]
    (_, first), (_, second) = run(frames, "one"), run(frames[::-1], "two")
    for plane in (*PLANES, "mjd"):
        assert (first / f"{plane}.fits").read_bytes() == (second / f"{plane}.fits").read_bytes()


def test_a_tile_without_a_usable_frame_still_has_its_planes(sky, release, run):
    broken = sky.write(release, "a", np.zeros(sky.shape), sky.cards(), verdict="fail", fwhm=None)
    broken[0].write_bytes(b"")
    status, out = run([broken])
    assert status == 0
    (image,) = read_images(out / "image.fits")
    assert np.isnan(image.data).all()
    assert {k: v for k, v, _ in image.cards}["NUMEXP"] == 0


def test_a_tile_without_any_frame_has_the_same_planes(sky, release, run):
    broken = sky.write(release, "a", np.zeros(sky.shape), sky.cards(), verdict="fail", fwhm=None)
    (_, rejected), (status, none) = run([broken], "rejected"), run([], "none")
    assert status == 0
    for plane in PLANES:
        first, second = (read_images(out / f"{plane}.fits")[0] for out in (rejected, none))
        np.testing.assert_array_equal(first.data, second.data)


def test_a_truncated_frame_is_one_message_and_leaves_no_half_written_plane(
    sky, release, run, capsys
):
    good = sky.write(release, "a", np.zeros(sky.shape), sky.cards())
    good[0].write_bytes(good[0].read_bytes()[:-30000])
    status, out = run([good])
    assert status == 1
    assert "a.fits: HDU 1 can't be read (the file is truncated" in capsys.readouterr().err
    assert not list(out.glob("*")) if out.exists() else True
