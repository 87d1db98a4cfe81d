"""A warp is the stack of one exposure alone, of the part of the tile that it covers."""

import numpy as np
import pytest
from astropy.wcs import WCS

from skymill.bits import MaskBit
from skymill.io.fits import read_header, read_images

DITHERS = {"a": {}, "b": {"dx": 20.3, "dy": -14.7, "turn": 0.02}, "c": {"dx": -60.0, "dy": 22.6}}
PLANES = ("image", "variance", "mask")


@pytest.fixture
def frames(sky, release):
    """Three dithered noisy frames with masked pixels, two of which reach beyond the tile."""
    random, written = np.random.default_rng(4), []
    for number, (name, dither) in enumerate(DITHERS.items()):
        bits = np.where(random.random(sky.shape) < 0.02, MaskBit.DEFECT, 0).astype(np.uint8)
        bits[100:130, 100:130] = MaskBit.BLEED
        image = random.normal(5, 1 + number, sky.shape)
        written.append(
            sky.write(release, name, image, sky.cards(**dither), rms=1.0 + number, bits=bits)
        )
    return written


def planes_of(out, names=PLANES):
    return {name: read_images(out / f"{name}.fits")[0].data for name in names}


def on_the_tile(out, size=400):
    """A warp's planes, NaN (mask: 0) where it has no pixel."""
    header, found = read_header(out / "image.fits"), {}
    x, y = -int(header["LTV1"]), -int(header["LTV2"])
    for name, data in planes_of(out).items():
        found[name] = np.full((size, size), np.nan if name != "mask" else 0, data.dtype)
        found[name][y : y + data.shape[0], x : x + data.shape[1]] = data
    return found


@pytest.mark.parametrize("estimator", ["median", "mean"])
def test_the_unmasked_pixels_of_the_warps_combine_to_the_stack(change, run, frames, estimator):
    change(combine=estimator)
    _, out = run(frames)
    stack = planes_of(out, ("image", "variance", "nexp", "mask"))
    warps = [on_the_tile(run([frame], f"w{n}", "warp")[1]) for n, frame in enumerate(frames)]
    values = np.array([np.where(warp["mask"] == 0, warp["image"], np.nan) for warp in warps])
    noise = np.array([warp["variance"] for warp in warps])
    counted = np.isfinite(values).sum(axis=0)
    assert (counted >= stack["nexp"]).all()  # the mean's clip takes some
    all_three = (stack["nexp"] == 3) & (counted == 3)
    assert all_three.sum() > 30000
    if estimator == "median":
        some = counted > 0
        np.testing.assert_array_equal(counted, stack["nexp"])
        expected = np.nanmedian(values[:, some], axis=0)
        np.testing.assert_array_equal(stack["image"][some], expected)
    else:  # its weights know a little more: that the area of the frames' pixels differs
        weights = 1 / np.array([1.0, 4.0, 9.0]).reshape(3, 1, 1)
        expected = (weights * values).sum(axis=0) / weights.sum()
        variance = (weights**2 * noise).sum(axis=0) / weights.sum() ** 2
        np.testing.assert_allclose(stack["image"][all_three], expected[all_three], atol=2e-3)
        np.testing.assert_allclose(stack["variance"][all_three], variance[all_three], rtol=1e-3)


def test_a_warp_is_the_stack_of_its_exposure_cut_to_what_it_covers(run, frames):
    _, stacked = run(frames[2:])
    _, warped = run(frames[2:], "warp", "warp")
    whole, part = planes_of(stacked), on_the_tile(warped)
    assert planes_of(warped)["image"].shape < whole["image"].shape
    for name in PLANES:
        np.testing.assert_array_equal(whole[name], part[name])
    hidden = part["mask"] > 0
    assert set(np.unique(part["mask"][hidden])) >= {MaskBit.DEFECT, MaskBit.BLEED}
    assert np.isfinite(part["image"][hidden]).all()


def test_a_warp_s_pixels_lie_where_the_tile_s_do(run, frames):
    (_, stacked), (_, warped) = run(frames[2:]), run(frames[2:], "warp", "warp")
    tile, header = WCS(read_header(stacked / "image.fits")), read_header(warped / "image.fits")
    assert header["LTV1"] < 0
    place = tile.wcs_pix2world(200, 210, 0)
    np.testing.assert_allclose(
        WCS(header).wcs_world2pix(*place, 0),
        (200 + header["LTV1"], 210 + header["LTV2"]),
        atol=1e-6,
    )
    names = ("EXPOSURE", "VERDICT", "NUMEXP", "IMAGE000", "EXPTIME", "MAGZERO", "MEANMJD")
    assert [header[name] for name in names] == ["c", "pass", 1, "c", 120, 30, 60000]
    assert header["GAIN"] == pytest.approx(2)
    assert "COMBINE" not in header
    assert "MBIT002" in read_header(warped / "mask.fits")


def test_an_exposure_that_did_not_pass_has_files_without_a_value_and_says_why(
    sky, release, run, capsys
):
    reasons = ["seeing is 4.1 arcsec, the limit 3", "trailed"]
    frame = sky.write(
        release, "a", np.ones(sky.shape), sky.cards(), verdict="fail", fwhm=None, reasons=reasons
    )
    frame[0].write_bytes(b"")
    status, out = run([frame], step="warp")
    assert status == 0
    planes = planes_of(out)
    assert np.isnan(planes["image"]).all()
    assert np.isnan(planes["variance"]).all()
    assert not planes["mask"].any()
    header = read_header(out / "variance.fits")
    assert (header["VERDICT"], header["NUMEXP"]) == ("fail", 0)
    assert header["REASON"] == "; ".join(reasons)
    assert "0000.000-30 R a: no pixel, it didn't pass" in capsys.readouterr().out


def test_an_exposure_off_the_tile_has_files_without_a_value(sky, release, run, capsys):
    frame = sky.write(release, "a", np.ones(sky.shape), sky.cards(dx=5000.0))
    status, out = run([frame], step="warp")
    assert (status, planes_of(out)["image"].shape) == (0, (1, 1))
    assert read_header(out / "image.fits")["VERDICT"] == "pass"
    assert "no pixel, it has no chip on the tile" in capsys.readouterr().out


def test_the_same_exposure_gives_the_same_bytes(run, frames):
    (_, first), (_, second) = run(frames[:1], "one", "warp"), run(frames[:1], "two", "warp")
    for plane in PLANES:
        assert (first / f"{plane}.fits").read_bytes() == (second / f"{plane}.fits").read_bytes()
