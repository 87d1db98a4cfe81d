import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time

from skymill.geometry import separation
from skymill.masters.crossmatch import at_epoch, crossmatch, julian_year, mean_epoch


def stars(ra, dec, pmra=0.0, pmdec=0.0, epoch=2016.0):
    ra = np.atleast_1d(np.asarray(ra, float))
    count = ra.size
    return Table(
        {
            "source_id": np.arange(count) + 100,
            "ra": ra,
            "dec": np.broadcast_to(np.asarray(dec, float), count).copy(),
            "pmra": np.broadcast_to(pmra, count).astype(np.float32),
            "pmdec": np.broadcast_to(pmdec, count).astype(np.float32),
            "ref_epoch": np.full(count, epoch, np.float32),
            "phot_g_mean_mag": np.full(count, 15.0, np.float32),
        }
    )


def objects(ra, dec):
    ra = np.atleast_1d(np.asarray(ra, float))
    dec = np.broadcast_to(np.asarray(dec, float), ra.shape).copy()
    return Table({"coadd_object_id": np.arange(ra.size) + 1, "ra": ra, "dec": dec})


def test_offsets_are_object_minus_gaia_on_the_sky():
    star = stars(359.99999, -60.0)
    step = 0.3 / 3600 / np.cos(np.radians(60))
    found = crossmatch(
        objects((359.99999 + step) % 360, -60.0 - 0.4 / 3600), star, np.array([2016.0]), 1.0, True
    )
    assert found["dra"][0] == pytest.approx(0.3, abs=1e-5)
    assert found["ddec"][0] == pytest.approx(-0.4, abs=1e-5)
    assert found["separation"][0] == pytest.approx(0.5, abs=1e-5)
    assert found["source_id"][0] == 100


@pytest.mark.parametrize("dec", [-30.0, -89.999])
def test_a_fast_star_is_found_at_each_objects_own_epoch(dec):
    star = stars(10.0, dec, pmra=-2000.0, pmdec=5000.0)
    epoch = np.array([2019.9, 2023.9])
    ra, true_dec = at_epoch(star[[0, 0]], epoch)
    assert (separation(ra, true_dec, 10.0, dec) > 20).all()
    found = crossmatch(objects(ra, true_dec), star, epoch, 1.0, True)
    assert found["coadd_object_id"].tolist() == [1, 2]
    assert (found["separation"] < 1e-3).all()
    assert len(crossmatch(objects(ra, true_dec), star, epoch, 1.0, False)) == 0


def test_motion_agrees_with_astropy():
    import astropy.units as u

    star = stars(200.0, -75.0, pmra=800.0, pmdec=-300.0)
    truth = SkyCoord(
        200 * u.deg,
        -75 * u.deg,
        pm_ra_cosdec=800 * u.mas / u.yr,
        pm_dec=-300 * u.mas / u.yr,
        distance=10 * u.pc,
        radial_velocity=0 * u.km / u.s,
        obstime=Time(2016.0, format="jyear", scale="tcb"),
    ).apply_space_motion(Time(2023.0, format="jyear", scale="tcb"))
    ra, dec = at_epoch(star, np.array([2023.0]))
    assert separation(ra, dec, truth.ra.deg, truth.dec.deg)[0] < 1e-3


def test_nearest_of_several_and_nothing_beyond_the_radius():
    star = stars([10.0] * 3, -30 + np.array([0.6, -0.3, 5.0]) / 3600)
    found = crossmatch(objects([10.0, 10.1], -30.0), star, np.full(2, 2020.0), 1.0, True)
    assert found["source_id"].tolist() == [101]
    assert found["coadd_object_id"].tolist() == [1]


def test_stars_without_motion_and_objects_without_epoch():
    star = stars([10.0, 11.0], -30.0, pmra=np.nan, pmdec=np.nan)
    found = crossmatch(objects([10.0, 11.0], -30.0), star, np.array([np.nan, 2020.0]), 1.0, True)
    assert len(found) == 2
    assert (found["separation"] < 1e-6).all()
    again = crossmatch(objects([10.0, 11.0], -30.0), star, np.full(2, np.nan), 1.0, True)
    assert len(again) == 2


def test_order_of_stars_does_not_matter():
    generator = np.random.default_rng(4)
    ra, dec = generator.uniform(0, 0.02, 400), generator.uniform(-30.02, -30, 400)
    star = stars(ra, dec, generator.normal(0, 50, 400), generator.normal(0, 50, 400))
    targets = objects(ra + 1e-5, dec)
    epoch = generator.uniform(2019, 2024, 400)
    one = crossmatch(targets, star, epoch, 1.0, True)
    two = crossmatch(targets, star[::-1], epoch, 1.0, True)
    assert len(one) > 390
    assert (np.diff(one["coadd_object_id"]) > 0).all()
    for name in one.colnames:
        np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.parametrize(("some", "more"), [(0, 3), (3, 0), (0, 0)])
def test_empty(some, more):
    targets, star = objects(np.full(some, 10.0), -30.0), stars(np.full(more, 10.0), -30.0)
    found = crossmatch(targets, star, np.full(some, 2020.0), 1.0, True)
    assert len(found) == 0
    assert "dra" in found.colnames


def test_epochs():
    assert julian_year(51544.5) == 2000
    table = Table(
        {"mean_mjd_b": [59000.0, np.nan, np.nan], "mean_mjd_i": [59010.0, 59020.0, np.nan]}
    )
    found = mean_epoch(table, ["B", "I"])
    np.testing.assert_allclose(found, julian_year(np.array([59005.0, 59020.0, np.nan])))
