"""A tile's catalogue in numbers and pictures: what was put in comes out, and no panel is empty."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from skymill.release.blocks import Plot
from skymill.release.catalogue import COLUMNS, count, per_degree
from skymill.release.catalogue_plots import (
    FIVE_SIGMA,
    Band,
    class_plot,
    measurement_plot,
    spread,
)
from skymill.release.histogram import centres
from skymill.release.style import draw_map, drawing, in_few_colours, pixels
from skymill.seeding import generator

SCALE = 0.4
DEPTH = 21.0


def columns(n: int = 3000) -> dict[str, np.ndarray]:
    """Every third source a galaxy twice as wide; errors that reach 5σ at DEPTH."""
    numbers = generator("catalogue", n)
    galaxy = np.arange(n) % 3 == 0
    magnitude = numbers.uniform(15, 22, n)
    found = {"class_star": np.where(galaxy, 0.1, 0.95), "flux_radius": np.where(galaxy, 6.0, 3.0)}
    for aperture in ("aper5", "auto"):
        found[f"mag_{aperture}"] = magnitude
        found[f"magerr_{aperture}"] = FIVE_SIGMA * 10 ** (0.4 * (magnitude - DEPTH))
    assert set(found) == set(COLUMNS)
    return found


def curve(half: float) -> np.ndarray:
    """Completeness that falls from one to nothing about `half`."""
    low = np.arange(15, 23, 0.5)
    found = np.round(1000 * np.clip(0.5 - (low + 0.25 - half), 0, 1))
    return np.stack([low, low + 0.5, np.full(low.size, 1000), found], axis=-1)


def band(n: int = 3000, area: float = 2.0, depth: float = DEPTH, pool: bool = True) -> Band:
    own = curve(20.5) if pool else np.empty((0, 4))
    return Band(count(columns(n), SCALE, 0.8), own, 20.5, depth, area)


def test_stars_and_all_sources_are_counted_per_magnitude_and_degree():
    own = band().catalogue
    assert (own.sources.total, own.stars.total) == (3000, 2000)
    density, error = per_degree(own.sources, 2.0)
    inside = (centres(own.sources.edges[0]) > 15) & (centres(own.sources.edges[0]) < 22)
    assert np.nansum(density) * 0.25 * 2.0 == pytest.approx(3000)
    assert np.isfinite(density).sum() == inside.sum() == 28
    np.testing.assert_allclose(error[inside], density[inside] / np.sqrt(own.sources.counts[inside]))
    for area in (0.0, np.nan):
        assert np.isnan(per_degree(own.sources, area)[0]).all()


def test_the_median_error_crosses_five_sigma_at_the_depth():
    at, (low, middle, high) = spread(band().catalogue.errors["aper5"])
    assert np.interp(np.log10(FIVE_SIGMA), middle, at) == pytest.approx(DEPTH, abs=0.05)
    assert (low <= middle).all()
    assert (middle <= high).all()


def test_the_locus_is_that_of_the_stars():
    own = band().catalogue
    _, (low, middle, high) = spread(own.star_radii)
    for values in (low, middle, high):
        np.testing.assert_allclose(values, SCALE * 3.0, atol=0.04)
    assert own.radii.total == 3000


def test_null_and_errors_of_nothing_are_left_out():
    own = columns(100)
    for name in COLUMNS:
        own[name][:10] = np.nan
    own["magerr_auto"][10:20] = 0
    found = count(own, SCALE, 0.8)
    assert found.errors["auto"].total == 80
    assert found.errors["aper5"].total == found.sources.total == found.classes.total == 90


def picture(plot: Plot) -> np.ndarray:
    """Its pixels as grey, and PNG without metadata."""
    content = base64.b64decode(plot.address.split(",")[1])
    assert not re.search(rb"(tEXt|iTXt|tIME)", content[:200])
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"))


def panels(pixels: np.ndarray) -> list[bool]:
    """Whether each quarter of a picture holds more than a line of text."""
    rows, cols = (n // 2 for n in pixels.shape)
    quarters = [pixels[i : i + rows, j : j + cols] for i in (0, rows) for j in (0, cols)]
    return [bool((quarter < 250).mean() > 0.02) for quarter in quarters]


@pytest.mark.parametrize("names", ["BVRI", "VI", "R"])
def test_every_panel_is_drawn_whatever_the_bands(names):
    bands = {name: band() for name in names}
    assert panels(picture(measurement_plot("t", bands))) == [True] * 4
    first = class_plot("t", bands)
    assert first == class_plot("t", bands)
    assert (picture(first) < 250).mean() > 0.02


def test_what_cannot_be_drawn_is_said():
    """No pool: no completeness; no table of stacks: no numbers; few sources: no errors."""
    bands = {"V": band(pool=False), "I": band(pool=False)}
    assert panels(picture(measurement_plot("t", bands))) == [False, True, True, True]
    bands = {"V": band(area=np.nan, depth=np.nan)}
    assert panels(picture(measurement_plot("t", bands))) == [True, False, True, True]
    bands = {"V": band(n=6)}
    assert panels(picture(measurement_plot("t", bands))) == [True, True, False, False]
    class_plot("t", bands)


def test_few_colours_are_still_the_figure_s():
    """A bar of all colours and text on white: no step, white stays white."""
    with drawing(4, 2) as (figure, axes):
        draw_map(figure, axes[0, 0], np.arange(400.0).reshape(20, 20), "t", "RdBu_r", 400)
        full = pixels(figure)
    few = np.asarray(Image.open(io.BytesIO(in_few_colours(full))).convert("RGB"))
    assert len(np.unique(full.reshape(-1, 3), axis=0)) > 500
    assert np.abs(few.astype(int) - full).max() <= 16
    np.testing.assert_array_equal(few[(full == 255).all(axis=2)], 255)
