"""A field of shifts put in comes out, with its sign, wherever on the sky."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.wcs import WCS

from skymill.config import load_config
from skymill.geometry import tile_cards
from skymill.io.fits import Image
from skymill.maps import look_up
from skymill.paths import CONFIG
from skymill.sources.tile_maps import astrometric_maps, matched_stars

SIZE, NUMBER = 2800, 1500
LIMITS = load_config(CONFIG / "config.yaml")["sources"]["maps"]
EAST, NORTH = np.array([0.3, -0.2]), np.array([-0.1, 0.4])
"""Arcsec, Δα cos δ and Δδ on the left and on the right of the tile."""


def field(centre, number=NUMBER):
    """A catalogue whose positions lie off their reference by the field of shifts."""
    generator = np.random.default_rng(7)
    x, y = generator.uniform(1, SIZE, (2, number))
    wcs = WCS(Image(None, tile_cards(*centre, SIZE, 0.4)).header())
    known = SkyCoord(*wcs.all_pix2world(x, y, 1), unit="deg")
    right = (x > SIZE / 2).astype(int)
    angle = np.arctan2(EAST[right], NORTH[right]) * u.rad
    found = known.directional_offset_by(angle, np.hypot(EAST, NORTH)[right] * u.arcsec)
    columns = {"ra": found.ra.deg, "dec": found.dec.deg, "x_image": x, "y_image": y}
    columns |= {"flags": np.zeros(number, int), "imaflags_iso": np.zeros(number, int)}
    columns |= {"class_star": np.ones(number), "flux_auto": np.full(number, 1e5)}
    columns |= {"fluxerr_auto": np.full(number, 10.0)}
    reference = {"ra": known.ra.deg, "dec": known.dec.deg}
    reference |= {"mag_v": np.full(number, 16.0), "magerr_v": np.full(number, 0.01)}
    return Table(columns), Table(reference)


def shift_map(catalogue, reference):
    stars = matched_stars(catalogue, "", reference, "V", LIMITS)
    return astrometric_maps(stars, SIZE, LIMITS)["shift", ""]


@pytest.mark.parametrize("centre", [(0.0, 0.0), (359.99, -30.0), (123.0, -89.9), (0.0, 90.0)])
def test_what_was_put_in_comes_out(centre):
    """Across RA 0 and around a pole, which lies inside two of the tiles."""
    found = shift_map(*field(centre))
    assert found.shape == (14, 14, 2)
    assert found.dtype == np.float64
    for bins, k in ((found[:5], 0), (found[9:], 1)):
        np.testing.assert_allclose(bins[..., 0], EAST[k], atol=1e-6)
        np.testing.assert_allclose(bins[..., 1], NORTH[k], atol=1e-6)


def test_a_catalogue_minus_the_shift_lies_on_the_reference():
    """As the documents say how to apply it."""
    catalogue, reference = field((359.99, -30.0))
    east, north = look_up(
        shift_map(catalogue, reference), catalogue["x_image"], catalogue["y_image"], SIZE
    ).T
    dec = catalogue["dec"] - north / 3600
    ra = catalogue["ra"] - east / 3600 / np.cos(np.radians(dec))
    places = SkyCoord(ra, dec, unit="deg"), SkyCoord(reference["ra"], reference["dec"], unit="deg")
    off = places[0].separation(places[1]).arcsec
    away = np.abs(catalogue["x_image"] - SIZE / 2) > 600
    assert off[away].max() < 1e-5
    assert off[away].size > 500


def test_without_stars_there_is_no_shift():
    found = shift_map(*field((0.0, -30.0), 0))
    assert found.shape == (14, 14, 2)
    assert np.isnan(found).all()
