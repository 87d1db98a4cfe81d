import healpy
import numpy as np
import pytest
from astropy.wcs import WCS

from skymill.geometry import separation, tile_cards
from skymill.io.fits import make_header
from skymill.sky.grid import is_smooth, pixel_solid_angle, tile_positions, tile_sky

ORDER = 10


def tile_at(ra, dec, order=ORDER):
    return int(healpy.ang2pix(1 << order, ra, dec, nest=True, lonlat=True))


@pytest.mark.parametrize("dec", [-89.0, -60.0, -41.8, -30.0, 0.0, 20.0, 41.8, 75.0])
@pytest.mark.parametrize("ra", [0.01, 123.4, 275.0])
def test_a_tile_s_pixels_are_healpix_cells_nine_orders_deeper(ra, dec):
    npix = tile_at(ra, dec)
    random = np.random.default_rng(1)
    row, column = random.integers(0, 512, (2, 50))
    found = tile_sky(ORDER, npix, column.astype(float), row.astype(float))
    cells = healpy.ang2pix(1 << (ORDER + 9), *found, nest=True, lonlat=True)
    assert np.all(cells >> 18 == npix)
    x, y, _ = healpy.pix2xyf(1 << (ORDER + 9), cells, nest=True)
    np.testing.assert_array_equal(x & 511, 511 - row)
    np.testing.assert_array_equal(y & 511, column)
    centre = healpy.pix2ang(1 << (ORDER + 9), cells, nest=True, lonlat=True)
    assert separation(*found, *centre).max() < 1e-5


@pytest.mark.parametrize("dec", [-75.0, -41.81, -30.0, -0.02])
def test_interpolated_positions_agree_with_the_projection_to_3e_4_pixel(dec):
    """Also where HEALPix has a kink: there every pixel is projected."""
    wcs = WCS(make_header(tile_cards(100.0, dec, 1000, 0.4)))
    npix = tile_at(100.01, dec)
    x, y = tile_positions(ORDER, npix, wcs)
    row, column = np.indices(x.shape)
    true = wcs.wcs_world2pix(*tile_sky(ORDER, npix, column.ravel(), row.ravel()), 0)
    error = np.hypot(x.ravel() - true[0], y.ravel() - true[1])
    assert error.max() < 3e-4


def test_the_kink_is_where_it_is():
    kinked = [tile_at(ra, sign * 41.8103) for ra in (3, 100, 200) for sign in (1, -1)]
    assert not any(is_smooth(ORDER, npix) for npix in kinked)
    assert all(is_smooth(ORDER, tile_at(50.0, dec)) for dec in (-80, -42, -41.6, 0, 30, 60))


def test_pixels_of_an_order_share_a_solid_angle():
    expected = healpy.nside2pixarea(1 << 19, degrees=True) * 3600**2
    assert pixel_solid_angle(10) == pytest.approx(expected)
    assert np.sqrt(pixel_solid_angle(10)) == pytest.approx(0.402596, abs=1e-6)
