"""The dust maps are SFD's in format: the library that reads those reads these."""

import warnings

import numpy as np
import pytest

from skymill.geometry import unit_vectors
from skymill.io.fits import Image, write_images
from skymill.simulate import dust

SIZE, MEAN = 1024, 0.02


def pattern():
    return np.random.default_rng(8)


@pytest.fixture(scope="module")
def query(tmp_path_factory):
    from skymill.io.provenance import recording

    folder = tmp_path_factory.mktemp("sfd")
    with recording("test", {}, [], None) as record:
        for pole, north in (("ngp", True), ("sgp", False)):
            pixels = dust.polar_map(pattern(), SIZE, north, MEAN)
            image = Image(pixels, dust.polar_cards(SIZE, north))
            write_images(folder / f"SFD_dust_4096_{pole}.fits", [image], record)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dustmaps.sfd import SFDQuery
    return SFDQuery(map_dir=str(folder))


def test_dustmaps_reads_the_pattern_that_was_put_in(query):
    from astropy.coordinates import SkyCoord

    rng = np.random.default_rng(2)
    longitude, latitude = rng.uniform(0, 360, 400), np.degrees(np.arcsin(rng.uniform(-1, 1, 400)))
    read = query(SkyCoord(longitude, latitude, unit="deg", frame="galactic"))
    true = dust.reddening(pattern(), unit_vectors(longitude, latitude), MEAN)
    assert np.isfinite(read).all()
    assert np.median(np.abs(read / true - 1)) < 0.01
    assert np.corrcoef(read, true)[0, 1] > 0.99


def test_the_mini_field_has_a_varying_small_reddening(settings):
    from astropy.coordinates import SkyCoord

    from skymill.seeding import generator

    ra, dec = np.meshgrid(np.linspace(-0.25, 0.25, 20), np.linspace(-30.15, -29.85, 20))
    place = SkyCoord(ra.ravel(), dec.ravel(), unit="deg").galactic
    rng = generator("simulate", settings["seed"], "catalogue", "dust")
    vectors = unit_vectors(place.l.deg, place.b.deg)
    value = dust.reddening(rng, vectors, settings["dust"]["reddening"])
    assert 0.008 < value.mean() < 0.05
    assert value.std() / value.mean() > 0.02
