"""What ``tiles combine`` makes of frames that nobody would take: a right stack, or one message."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skymill.bits import MaskBit
from skymill.io.fits import make_header, read_header, read_images
from skymill.tiles.stack import PLANES

ESTIMATORS = pytest.mark.parametrize("estimator", ["median", "mean"])
INNER = slice(80, 320), slice(80, 320)
"""Pixels of the tile that every undithered frame covers."""


def planes_of(out):
    return {name: read_images(out / f"{name}.fits")[0].data for name in PLANES}


def scaled(sky, factor):
    """Cards of a frame whose pixels are larger by a factor, its centre the tile's."""
    cards = {k: v * factor if k.startswith("CD") else v for k, v, _ in sky.cards()}
    wcs = WCS(make_header([(k, v, "") for k, v in cards.items()]))
    for key, at, length in zip(
        ("CRPIX1", "CRPIX2"), wcs.wcs_world2pix(*sky.centre, 0), sky.shape[::-1], strict=True
    ):
        cards[key] += (length - 1) / 2 - float(at)
    return [(k, v, "") for k, v in cards.items()]


@pytest.mark.parametrize("factor", [2.0, 1 / 1.45])
@ESTIMATORS
def test_frames_of_other_pixels_keep_their_stars_flux(sky, release, run, change, factor, estimator):
    change(combine=estimator)
    cards = scaled(sky, factor)
    ra, dec = WCS(make_header(sky.cards())).wcs_pix2world([120.3, 200.6], [110.2, 190.7], 0)
    stars = np.stack([ra, dec, [3e4, 6e4]], axis=1)
    image = sky.render(cards, stars, fwhm=6 / factor)
    status, out = run([sky.write(release, name, image, cards, rms=0.1) for name in "abc"])
    assert status == 0
    stack, tile = planes_of(out)["image"], WCS(read_header(out / "image.fits"))
    y, x = np.indices(stack.shape)
    for star in stars:
        x0, y0 = tile.wcs_world2pix(*star[:2], 0)
        flux = stack[np.hypot(x - x0, y - y0) < 16].sum(dtype=float)
        assert flux == pytest.approx(star[2], rel=2e-3)


def test_pixels_too_fine_to_be_resampled_are_named_with_what_to_do(sky, release, run, capsys):
    frame = sky.write(release, "a", np.ones(sky.shape), scaled(sky, 0.5))
    for step in ("combine", "warp"):
        status, out = run([frame], step=step)
        assert status == 1
        assert not list(out.glob("*.fits"))
        said = capsys.readouterr().err
        assert "a.fits: HDU 1 (M): its pixels are 0.199 arcsec by its WCS" in said
        assert "expected 0.267 at least for a tile of 0.4 arcsec (tiles.decimation)" in said


@ESTIMATORS
def test_a_frame_off_the_tile_is_left_out_and_said(sky, release, run, change, capsys, estimator):
    change(combine=estimator)
    image = np.full(sky.shape, 5.0)
    good = [sky.write(release, name, image, sky.cards()) for name in "ac"]
    far = {"CRVAL1": 180.0, "CRVAL2": 30.0}  # on the other side of the sky
    away = [
        sky.write(release, "b", image * 100, sky.cards(dx=5000.0)),
        sky.write(release, "d", image * 100, [(k, far.get(k, v), c) for k, v, c in sky.cards()]),
    ]
    status, out = run([good[0], away[0], good[1], away[1]])
    assert status == 0
    assert "2 of 4 frames stacked; no chip on the tile: b, d" in capsys.readouterr().out
    header = read_header(out / "image.fits")
    assert [header[key] for key in ("NUMEXP", "IMAGE000", "IMAGE001")] == [2, "a", "c"]
    assert "IMAGE002" not in header
    _, without = run(good, "without")
    for name, data in planes_of(without).items():
        np.testing.assert_array_equal(planes_of(out)[name], data)


@ESTIMATORS
def test_frames_masked_all_over_give_their_least_bad_values_and_bits(
    sky, release, run, change, estimator
):
    change(combine=estimator)
    bits = np.full(sky.shape, MaskBit.AMPLIFIER, np.uint8)
    frames = [
        sky.write(release, name, np.full(sky.shape, 5.0), sky.cards(), bits=bits) for name in "abc"
    ]
    status, out = run(frames)
    planes = planes_of(out)
    assert status == 0
    assert not planes["nexp"].any()
    assert np.all(planes["mask"][INNER] == MaskBit.AMPLIFIER)
    np.testing.assert_allclose(planes["image"][INNER], 5, rtol=0.02)
    assert np.isfinite(planes["variance"][INNER]).all()
    assert not planes["exptime"].any()


def test_of_one_exposure_both_estimators_are_the_exposure(sky, release, run, change):
    image = np.random.default_rng(3).normal(0, 2, sky.shape)
    frame = sky.write(release, "a", image, sky.cards(), rms=2.0)
    found = []
    for estimator in ("median", "mean"):
        change(combine=estimator)
        found.append(planes_of(run([frame], estimator)[1]))
    for name, data in found[0].items():
        np.testing.assert_array_equal(data, found[1][name])
    assert np.all(found[0]["nexp"][INNER] == 1)
    noise = np.var(found[0]["image"][INNER], dtype=float)
    assert noise == pytest.approx(np.mean(found[0]["variance"][INNER], dtype=float), rel=0.04)


@ESTIMATORS
def test_of_thirty_exposures_the_variance_is_the_scatter_s(sky, release, run, change, estimator):
    change(combine=estimator)
    random, frames = np.random.default_rng(30), []
    for number in range(30):
        rms, cards = 1 + number / 20, sky.cards(dx=0.37 * number, dy=-0.23 * number)
        image = random.normal(3, rms, sky.shape)
        frames.append(sky.write(release, f"e{number:02d}", image, cards, rms=rms))
    status, out = run(frames)
    assert status == 0
    planes = planes_of(out)
    whole = planes["nexp"] == 30
    assert whole[INNER].mean() > 0.9
    assert read_header(out / "image.fits")["IMAGE029"] == "e29"
    scatter = np.var(planes["image"][whole], dtype=float)
    assert scatter == pytest.approx(np.mean(planes["variance"][whole], dtype=float), rel=0.05)
    assert np.mean(planes["image"][whole], dtype=float) == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
@ESTIMATORS
def test_pixels_that_are_no_number_count_as_masked(sky, release, run, change, estimator, value):
    """Though their mask doesn't say so: in one frame of three, in all, and beneath a mask."""
    change(combine=estimator)
    frames, clean = [], []
    for name in "abc":
        image, bits = np.full(sky.shape, 5.0), np.zeros(sky.shape, np.uint8)
        image[180:183, 200:203] = value
        if name == "a":
            image[100, 100] = image[130, 130:170:2] = value
        bits[220:223, 220:223] = MaskBit.BLEED
        image[221, 221] = value
        frames.append(sky.write(release, name, image, sky.cards(), bits=bits))
        image[~(np.abs(image) < 1e30)] = np.nan
        clean.append(sky.write(release, f"{name}{name}", image, sky.cards(), bits=bits))
    (status, out), (_, expected) = run(frames), run(clean, "clean")
    assert status == 0
    planes = planes_of(out)
    for name, data in planes_of(expected).items():
        np.testing.assert_array_equal(planes[name], data)
        assert not np.isinf(planes[name]).any()
    np.testing.assert_allclose(planes["image"][np.isfinite(planes["image"])], 5, rtol=0.02)
    some = planes["nexp"][INNER]
    assert (some == 2).sum() > 20
    assert (some == 0).any()
    assert np.isnan(planes["image"][INNER]).any()
    _, warped = run(frames[:1], "warp", "warp")
    for name in ("image", "variance"):
        assert not np.isinf(read_images(warped / f"{name}.fits")[0].data).any()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda bits: bits[:-1], "expected (300, 320) pixels (rows, columns), as the camera file"),
        (lambda bits: bits.astype(np.int32), "expected a mask of bits, uint8; got int32"),
        (lambda bits: bits.astype(np.float32), "expected a mask of bits, uint8; got float32"),
    ],
)
def test_a_mask_that_is_none_of_the_frame_s_is_named(sky, release, run, capsys, edit, message):
    frame = sky.write(release, "a", np.ones(sky.shape), sky.cards())
    with fits.open(frame[1]) as hdus:
        changed = fits.ImageHDU(edit(hdus[1].data), name="M")
        fits.HDUList([hdus[0].copy(), changed]).writeto(frame[1], overwrite=True)
    status, out = run([frame])
    assert status == 1
    assert f"a.mask.fits: HDU 1 (M): {message}" in capsys.readouterr().err
    assert not list(out.glob("*.fits"))


def test_lists_without_a_file_are_a_stack_without_data_and_no_warp(run, capsys):
    status, out = run([])
    assert status == 0
    assert "0 of 0 frames stacked" in capsys.readouterr().out
    assert np.isnan(planes_of(out)["image"]).all()
    with pytest.raises(SystemExit):
        run([], step="warp")
