"""Offsets put in come out."""

import numpy as np
import pytest

from skymill.release.astrometry import Offsets
from skymill.seeding import generator


@pytest.fixture
def offsets() -> Offsets:
    """0.03″ of scatter on each axis about (0.08, −0.05)″."""
    ra, dec = generator("offsets").normal([[0.08], [-0.05]], 0.03, (2, 4000))
    counted = Offsets()
    counted.add(ra, dec, np.hypot(ra, dec))
    return counted


def test_mean_and_mode(offsets: Offsets) -> None:
    assert offsets.mean() == pytest.approx((0.08, -0.05), abs=0.002)
    assert offsets.mode() == pytest.approx((0.08, -0.05), abs=0.01)


def test_a_tail_of_faint_objects_does_not_move_the_mode() -> None:
    numbers = generator("tail")
    ra, dec = np.concatenate(
        [numbers.normal(0, 0.005, (2, 3000)), numbers.normal(0, 0.2, (2, 3000))], axis=1
    )
    counted = Offsets()
    counted.add(ra, dec, np.hypot(ra, dec))
    assert counted.radial_mode() == pytest.approx(0.005, abs=0.003)
    assert counted.mode() == pytest.approx((0, 0), abs=0.005)


def test_modal_separation_without_a_shift_is_the_scatter_of_an_axis() -> None:
    ra, dec = generator("rayleigh").normal(0, 0.1, (2, 20_000))
    counted = Offsets()
    counted.add(ra, dec, np.hypot(ra, dec))
    assert counted.radial_mode() == pytest.approx(0.1, abs=0.01)
    assert counted.radial_median() == pytest.approx(0.1 * np.sqrt(np.log(4)), abs=0.003)
