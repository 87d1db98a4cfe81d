"""Positions, cells and matches on the sphere."""

import astropy.units as u
import healpy
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from skymill.geometry import (
    cells_of_positions,
    cells_of_square,
    match,
    neighbour_cells,
    offsets,
    separation,
    square_corners,
    tile_cards,
)
from skymill.seeding import generator


@pytest.mark.parametrize(("ra", "dec"), [(0.0, -30.0), (120.0, 0.0), (359.9, -84.0), (10.0, -90.0)])
def test_a_tile_s_grid_and_its_corners_agree_with_astropy(ra, dec):
    size, scale = 2800, 0.4
    wcs = WCS(fits.Header(tile_cards(ra, dec, size, scale)))
    x = np.array([-0.5, -0.5, size - 0.5, size - 0.5])
    y = np.array([size - 0.5, -0.5, -0.5, size - 0.5])
    expected = wcs.all_pix2world(x, y, 0)
    found = square_corners(ra, dec, size * scale / 3600)
    assert separation(*found, *expected).max() < 1e-6


@pytest.mark.parametrize("dec", [-30.0, -60.0, -89.5, 12.0])
def test_cells_of_a_square_miss_none_that_it_touches(dec):
    rng = generator("cells", str(dec))
    ra, side, order = 0.1, 2.0, 5
    wcs = WCS(fits.Header(tile_cards(ra, dec, 2000, side * 3.6 / 2)))
    x, y = rng.uniform(-0.5, 1999.5, (2, 20000))
    inside = set(cells_of_positions(*wcs.all_pix2world(x, y, 0), order).tolist())
    cells = cells_of_square(ra, dec, side, order)
    assert inside <= set(cells)
    assert cells == sorted(cells)


def test_neighbours_are_healpy_s():
    assert neighbour_cells([5], 3) == {5, *healpy.get_all_neighbours(8, 5, nest=True)} - {-1}


def test_separation_is_astropy_s_even_across_ra_zero_and_at_tiny_angles():
    a = SkyCoord([359.9999, 10, 10], [-30, -30, 89.9999], unit="deg")
    b = SkyCoord([0.0001, 10 + 1e-6, 190], [-30, -30, 89.9999], unit="deg")
    expected = a.separation(b).to_value(u.arcsec)
    found = separation(a.ra.deg, a.dec.deg, b.ra.deg, b.dec.deg)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("dec", [0.0, -30.0, 89.999, -89.999, -90.0])
def test_offsets_are_astropy_s_even_across_ra_zero_and_beside_the_poles(dec):
    """0.3″ toward anywhere; nearer to the pole astropy itself errs by more."""
    angle = np.radians(np.arange(0, 360, 30))
    ra = np.linspace(359.99999, 360.00001, angle.size) % 360
    there = SkyCoord(ra, dec, unit="deg").directional_offset_by(angle * u.rad, 0.3 * u.arcsec)
    east, north = offsets(there.ra.deg, there.dec.deg, ra, np.full(ra.size, dec))
    np.testing.assert_allclose(east, 0.3 * np.sin(angle), atol=1e-5)
    np.testing.assert_allclose(north, 0.3 * np.cos(angle), atol=1e-5)


def test_match_finds_the_nearest_within_the_radius_and_only_that():
    ra, dec = np.array([359.9999, 20.0, 40.0]), np.array([-30.0, -30.0, -30.0])
    first, second, distance = match(
        ra, dec, [20.0 + 1 / 3600, 0.0, 20.0 + 0.5 / 3600], [-30.0] * 3, 1.0
    )
    assert first.tolist() == [0, 1]
    assert second.tolist() == [1, 2]
    np.testing.assert_allclose(distance, np.array([0.36, 0.5]) * np.cos(np.radians(30)), rtol=1e-6)


def test_match_of_nothing_is_nothing():
    assert all(part.size == 0 for part in match([], [], [1.0], [1.0], 1.0))
    assert all(part.size == 0 for part in match([1.0], [1.0], [], [], 1.0))
