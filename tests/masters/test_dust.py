import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skymill.errors import InputError
from skymill.masters.dust import map_files, reddening


def test_interpolates_the_map_of_the_hemisphere(dust):
    generator = np.random.default_rng(0)
    glon, glat = generator.uniform(0, 360, 200), generator.uniform(-80, 80, 200)
    found = reddening(glon, glat, dust)
    assert found.dtype == np.float32
    for path, here in zip(map_files(dust), (glat >= 0, glat < 0), strict=True):
        wcs = WCS(fits.getheader(path))
        x, y = wcs.wcs_world2pix(glon[here], glat[here], 0)
        assert here.sum() > 50
        # the maps of the fixture are linear in x and y, with a step of 1 between hemispheres
        expected = 0.01 * x + 0.001 * y + (glat[here] < 0)
        inside = (x > 0) & (x < 63) & (y > 0) & (y < 63)
        np.testing.assert_allclose(found[here][inside], expected[inside], atol=1e-5)
        assert inside.sum() > 50


def test_equals_dustmaps(dust):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dustmaps.sfd import SFDQuery
    from astropy.coordinates import SkyCoord

    position = SkyCoord([10.0, 200.0], [-50.0, -1.0], unit="deg", frame="icrs")
    galactic = position.galactic
    np.testing.assert_allclose(
        reddening(galactic.l.deg, galactic.b.deg, dust),
        SFDQuery(map_dir=str(dust))(position),
        rtol=1e-6,
    )


def test_no_positions(dust):
    assert reddening(np.empty(0), np.empty(0), dust).size == 0


def test_missing_map(dust):
    (dust / "SFD_dust_4096_sgp.fits").unlink()
    with pytest.raises(InputError, match=r"SFD_dust_4096_sgp\.fits: missing"):
        reddening(np.zeros(1), np.zeros(1), dust)


def test_broken_map(dust):
    (dust / "SFD_dust_4096_sgp.fits").write_text("no FITS")
    with pytest.raises(InputError, match="SFD dust maps"):
        reddening(np.zeros(1), np.full(1, -30.0), dust)
