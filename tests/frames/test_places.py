"""Of a sky full of reference stars, those on a chip are found, whatever lies around."""

from types import SimpleNamespace

import numpy as np
import pytest

from skymill.config import load_camera
from skymill.frames import tpv
from skymill.frames.places import on_chip
from skymill.paths import CONFIG


@pytest.mark.parametrize("camera", ["mini", "kmtnet"])
@pytest.mark.parametrize("pointing", [(359.9, -30.0), (10.0, -85.0)])
def test_stars_on_a_chip_are_those_whose_pixels_lie_in_it(camera, pointing):
    camera = load_camera(CONFIG / "cameras" / f"{camera}.yaml")
    xi, eta = np.random.default_rng(4).uniform(-1.3, 1.3, (2, 20000))
    ra, dec = tpv.sky_of_plane(xi, eta, *pointing)
    ra, dec = np.append(ra, pointing[0] + 180), np.append(dec, 40.0)  # behind the plane
    for name, chip in camera.chips.items():
        prior = camera.prior(next(iter(camera.sites)), name)
        cards = {**prior, "CRVAL1": pointing[0], "CRVAL2": pointing[1]}
        x, y, index = on_chip(cards, SimpleNamespace(chip=chip), ra, dec)
        every = np.array(tpv.pixels_of_sky(cards, ra, dec))
        ny, nx = chip.shape
        inside = (every > -0.5).all(axis=0) & (every[0] < nx - 0.5) & (every[1] < ny - 0.5)
        np.testing.assert_array_equal(index, np.flatnonzero(inside))
        np.testing.assert_allclose([x, y], every[:, index], atol=1e-6)
        assert index.size
