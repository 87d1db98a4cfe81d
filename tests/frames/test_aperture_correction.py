"""What a chip's stars lose in 5″ is found, whatever galaxies, blends and faint sources do."""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table

from skymill.frames.aperture_correction import aperture_corrections


def chip(lost, stars=60, seed=1):
    """Stars that lose `lost` mag in 5″, and a third as many sources that lose more."""
    generator = np.random.default_rng(seed)
    others = stars // 3
    auto = 10 ** generator.uniform(3, 6, stars + others)
    auto[:others] *= 10 ** (0.4 * generator.uniform(0.1, 1, others))
    loss = lost + generator.normal(0, 0.01, auto.size)
    loss[:others] += generator.uniform(0.1, 1, others)
    kind = np.arange(auto.size) % 3
    table = Table({"flux_auto": auto, "flux_aper5": auto * 10 ** (-0.4 * loss)})
    table["class_star"] = np.where((np.arange(auto.size) < others) & (kind == 0), 0.1, 0.9)
    clean = ~((np.arange(auto.size) < others) & (kind == 1))
    snr = np.where((np.arange(auto.size) < others) & (kind == 2), 20.0, 200.0)
    return SimpleNamespace(sources=table, clean=clean, snr=snr)


def test_each_chip_has_its_own():
    found = aperture_corrections({"K": chip(0.05), "M": chip(0.2, seed=2)}, 0.5, 50)
    assert found["K"] == pytest.approx(-0.05, abs=0.005)
    assert found["M"] == pytest.approx(-0.2, abs=0.005)


def test_a_chip_with_few_stars_takes_the_exposures():
    found = aperture_corrections({"K": chip(0.05), "M": chip(0.4, stars=3)}, 0.5, 50)
    assert found["M"] == pytest.approx(-0.05, abs=0.006)
    assert aperture_corrections({"K": chip(0.05, stars=3)}, 0.5, 50) == {"K": 0.0}
    assert aperture_corrections({}, 0.5, 50) == {}
