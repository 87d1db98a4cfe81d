import healpy
import numpy as np
import pytest

from skymill.errors import InputError
from skymill.resampling.kernels import kernel_table
from skymill.sky.cell import facts_of
from skymill.sky.gather import gather_tile
from skymill.sky.grid import tile_sky
from skymill.sky.stacks import open_stacks

ORDER = 10


@pytest.fixture
def npix():
    return int(healpy.ang2pix(1 << ORDER, 10.0, -30.0, nest=True, lonlat=True))


@pytest.fixture
def star(npix):
    """A star at the middle of the tile: ra, dec, flux."""
    ra, dec = tile_sky(ORDER, npix, np.array([255.5]), np.array([255.5]))
    return np.array([[ra[0], dec[0], 1e5]])


def gather(npix, *paths, kernel="lanczos3"):
    with open_stacks(*zip(*paths, strict=True)) as stacks:
        return gather_tile(ORDER, npix, stacks, kernel_table(kernel))


def flux(pixels, radius):
    row, column = np.indices(pixels.shape)
    return pixels[np.hypot(row - 255.5, column - 255.5) < radius].sum()


@pytest.mark.parametrize("size", [400, 401])
def test_a_star_s_flux_is_the_sum_over_pixels_of_the_deepest_order(write_stack, npix, star, size):
    ra, dec = star[0, :2] + 0.004
    values, covered = gather(npix, write_stack(star, ra, dec, size=size))
    assert flux(np.nan_to_num(values["R"]), 20) == pytest.approx(1e5, rel=5e-4)
    assert covered["R"].mean() == pytest.approx(0.59, abs=0.25)


def test_lanczos_keeps_a_small_aperture_s_flux_where_bilinear_loses_13_mmag(
    write_stack, npix, star
):
    paths = write_stack(star, *star[0, :2])
    radius = 1.5 / 0.4026
    inside = 1e5 * (1 - np.exp(-(radius**2) / (2 * (5.0 * 0.4 / 0.4026 / 2.3548) ** 2)))
    lost = {
        kernel: 2.5 * np.log10(inside / flux(gather(npix, paths, kernel=kernel)[0]["R"], radius))
        for kernel in ("lanczos3", "bilinear")
    }
    # 44 pixels at the aperture's edge: the sum over whole pixels itself is good to a few mmag.
    assert lost["bilinear"] - lost["lanczos3"] == pytest.approx(0.015, abs=0.01)
    assert abs(lost["lanczos3"]) < 0.01


def test_stacks_that_overlap_are_weighted_by_their_frames(write_stack, npix, star):
    flat = np.ones((400, 400))
    one = write_stack(image=flat * 10, ra=star[0, 0], dec=star[0, 1], nexp=1)
    two = write_stack(image=flat * 20, ra=star[0, 0], dec=star[0, 1], nexp=4, tile="0001.000-30")
    values = gather(npix, one, two)[0]["R"]
    single = gather(npix, one)[0]["R"]
    centre = slice(200, 300), slice(200, 300)
    np.testing.assert_allclose(values[centre], single[centre] * (1 * 10 + 4 * 20) / 50, rtol=1e-5)
    np.testing.assert_array_equal(gather(npix, two, one)[0]["R"], values)


def test_a_value_without_a_good_frame_yields_to_any_other(write_stack, npix, star):
    flat = np.ones((400, 400))
    bad = write_stack(image=flat * 1e4, ra=star[0, 0], dec=star[0, 1], nexp=0)
    good = write_stack(image=flat * 20, ra=star[0, 0], dec=star[0, 1], tile="0001.000-30")
    values, covered = gather(npix, bad, good)
    alone, nowhere = gather(npix, bad)
    area = gather(npix, good)[0]["R"][250, 250] / 20
    assert values["R"][250, 250] == pytest.approx(20 * area, rel=1e-3)
    assert alone["R"][250, 250] == pytest.approx(1e4 * area, rel=1e-3)
    assert covered["R"].any()
    assert not nowhere["R"].any()


def test_a_hole_stays_a_hole(write_stack, npix, star):
    image, nexp = np.ones((400, 400)), np.full((400, 400), 4)
    image[190:210, 190:210], nexp[190:210, 190:210] = np.nan, 0
    values, covered = gather(
        npix, write_stack(image=image, ra=star[0, 0], dec=star[0, 1], nexp=nexp)
    )
    centre = slice(250, 262), slice(250, 262)
    assert np.isnan(values["R"][centre]).all()
    assert not covered["R"][centre].any()
    assert np.isfinite(values["R"]).sum() == pytest.approx(covered["R"].sum(), rel=0.02)


def test_a_tile_elsewhere_has_nothing(write_stack, npix, star):
    assert gather(npix, write_stack(star, ra=200.0, dec=10.0)) == ({}, {})
    assert gather(npix, write_stack(star, ra=10.5, dec=-30.0)) == ({}, {})


def test_a_stack_of_no_frame_is_left_out(write_stack, npix, star):
    paths = write_stack(star, *star[0, :2], NUMEXP=0)
    assert gather(npix, paths) == ({}, {})


def test_stacks_of_different_zero_points_are_an_error(write_stack, star):
    one = write_stack(star)
    two = write_stack(star, tile="0001.000-30", MAGZERO=25.0)
    with (
        open_stacks(*zip(one, two, strict=True)) as stacks,
        pytest.raises(InputError, match="homogenised stacks of one zero point"),
    ):
        facts_of(stacks)


def test_a_file_that_is_no_stack_is_named(write_stack, star, tmp_path):
    image, _ = write_stack(star)
    _, small = write_stack(star, size=100, tile="0001.000-30")
    with pytest.raises(InputError, match="expected a stack"), open_stacks([image], [small]):
        pass
    with pytest.raises(InputError, match="expected as many"), open_stacks([image], []):
        pass
