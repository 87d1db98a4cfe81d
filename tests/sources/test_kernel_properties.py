"""What holds of the kernels for any data: shapes, scaling, shifts, order, sums."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from skymill.config import load_config
from skymill.paths import CONFIG
from skymill.sources.apertures import OVERSAMPLING, circular_sums
from skymill.sources.background import background_mesh
from skymill.sources.interpolate import BRIDGED, EMPTY, GOOD, MASKED, interpolate_rows
from skymill.sources.isophote import core_bits, ellipses, isophotes
from skymill.sources.kron import SEARCH, elliptical_sums, foreign_fractions, kron_radii
from skymill.sources.light_model import COLUMNS, LightModel, light_model, told
from skymill.sources.magnitude_bias import bias_curve
from skymill.sources.map_lookup import between, bin_centres, bin_index, look_up
from skymill.sources.ndith import Coverage, covering, inside
from skymill.sources.noise import correlation_factors, empty_sums, lattice
from skymill.sources.order_statistics import median, ordered, quantiles
from skymill.sources.planes import ArrayPlanes, cut
from skymill.sources.resolved import resolved
from skymill.sources.shapes import half_light_radii, widths
from skymill.sources.sizes import LADDER, window_sizes
from skymill.sources.source_mask import grown
from skymill.sources.spurious import Look, spurious
from skymill.sources.star_profile import EDGES, SECTORS, Moffat, sector_sums
from skymill.sources.stellarity import find_stars
from skymill.sources.stellarity_model import shipped_model
from skymill.sources.windowed import windowed_centroids

RADII = np.array([1.5, 3.75, 6.25])
SEEDS = st.integers(0, 2**32 - 1)


def examples(number):
    """So many cases, the same on every run."""
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


class Field:
    """Random pixels of every state, and sources with ellipses, some beside the image's border.

    Positions are multiples of 1/64, so that a shift by whole pixels is exact.
    """

    def __init__(self, seed, shape, bad=0.2, modelled=True, margin=-0.5, number=6):
        rng = np.random.default_rng(seed)
        ny, nx = shape
        n = self.n = int(rng.integers(1, number + 1))
        self.data = (rng.normal(0, 5, shape) * 10 ** rng.uniform(-3, 3)).astype(np.float32)
        self.variance = rng.uniform(0.5, 30, shape).astype(np.float32)
        kinds = [GOOD, MASKED, BRIDGED, EMPTY]
        self.state = rng.choice(kinds, shape, p=[1 - bad, *[bad / 3] * 3]).astype(np.uint8)
        self.mask = rng.integers(0, 256, shape).astype(np.uint8)
        self.x, self.y = (
            np.floor(64 * rng.uniform(margin, max(length - 1 - margin, margin), n)) / 64
            for length in (nx, ny)
        )
        self.a = rng.uniform(0.3, 5, n)
        self.b = self.a * rng.uniform(0.1, 1, n)
        self.theta = rng.uniform(-np.pi / 2, np.pi / 2, n)
        self.half = rng.uniform(0, 6, n)
        self.half[rng.random(n) < 0.2] = np.nan
        self.idents = np.arange(1, n + 1, dtype=np.int32)
        self.own = np.zeros((n, COLUMNS))
        if modelled:
            light, width, reach = (rng.uniform(*r, n) for r in ((-1, 9), (0.02, 2), (0, 80)))
            self.own[:] = np.stack([self.x, self.y, light, width, np.full(n, 3.0), reach], axis=1)
        rows, columns = np.indices(shape)
        distance = np.hypot(rows[..., None] - self.y, columns[..., None] - self.x)
        self.segmentation = np.where(
            distance.min(axis=2) < 4, 1 + distance.argmin(axis=2), 0
        ).astype(np.int32)
        self.data[self.state == EMPTY] = self.variance[self.state == EMPTY] = 0
        for x, y in zip(self.x, self.y, strict=True):
            light = (
                30 * np.abs(self.data).max() * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)
            )
            self.data += np.where(self.state == EMPTY, 0, light).astype(np.float32)

    @property
    def boxes(self):
        found = np.zeros((self.n, 4), np.int64)
        for n, ident in enumerate(self.idents):
            rows, columns = np.nonzero(self.segmentation == ident)
            empty = 0, -1, 0, -1
            found[n] = (
                (rows.min(), rows.max(), columns.min(), columns.max()) if rows.size else empty
            )
        return found

    def scaled(self, factor):
        other = Field.__new__(Field)
        other.__dict__.update(self.__dict__)
        other.data = self.data * np.float32(factor)
        other.variance = self.variance * np.float32(factor * factor)
        other.own = self.own * [1, 1, factor, 1, 1, 1]
        return other

    def shifted(self, down, right):
        """In a wider image of empty pixels."""
        other = Field.__new__(Field)
        other.__dict__.update(self.__dict__)
        pad = ((down, 3), (right, 5))
        for name in ("data", "variance", "mask", "segmentation"):
            setattr(other, name, np.pad(getattr(self, name), pad))
        other.state = np.pad(self.state, pad, constant_values=EMPTY)
        other.x, other.y = self.x + right, self.y + down
        other.own = self.own + np.array([right, down, 0, 0, 0, 0])
        return other

    def permuted(self, order):
        other = Field.__new__(Field)
        other.__dict__.update(self.__dict__)
        for name in ("x", "y", "a", "b", "theta", "half", "idents", "own"):
            setattr(other, name, getattr(self, name)[order])
        return other


def pixels(f):
    return f.data, f.variance, f.state, f.segmentation, f.idents, f.own


def ellipse(f):
    return f.x, f.y, f.a, f.b, f.theta


def total(f):
    return circular_sums(*pixels(f), f.x, f.y, RADII)[0][:, 2]


KERNELS = {
    "circles": lambda f: circular_sums(*pixels(f), f.x, f.y, RADII)[:2],
    "ellipses": lambda f: elliptical_sums(*pixels(f), *ellipse(f), np.full(f.n, 3.5))[:2],
    "kron": lambda f: (
        kron_radii(f.data, f.state, f.segmentation, f.idents, f.own, *ellipse(f), 2.5, 3.5),
    ),
    "foreign": lambda f: (
        foreign_fractions(f.state, f.segmentation, f.idents, *ellipse(f), np.full(f.n, 3.5)),
    ),
    "half": lambda f: (half_light_radii(*pixels(f), f.x, f.y, f.a, total(f), 0.5, 30.0),),
    "widths": lambda f: (widths(*pixels(f), f.x, f.y, f.half),),
    "centroids": lambda f: windowed_centroids(*pixels(f), f.x, f.y, f.half),
    "sizes": lambda f: window_sizes(*pixels(f), f.x, f.y, LADDER),
    "isophotes": lambda f: isophotes(f.data, f.mask, f.state, f.segmentation, f.idents, f.boxes),
    "moments": lambda f: (ellipses(f.data, f.state, f.segmentation, f.idents, f.own, f.boxes),),
    "cores": lambda f: (core_bits(f.mask, f.x, f.y, np.nan_to_num(f.half)),),
    "sectors": lambda f: sector_sums(f.data, f.state, f.segmentation, f.idents, f.x, f.y, EDGES),
}
SHAPES = {
    "circles": [(3,), (3,)],
    "ellipses": [(), ()],
    "centroids": [(), (), (2,), (2,)],
    "sizes": [(LADDER.size,)] * 3,
    "isophotes": [(), (), ()],
    "moments": [(5,)],
    "sectors": [(EDGES.size - 1, SECTORS)] * 3,
}
POWERS = {
    "circles": (1, 2),
    "ellipses": (1, 2),
    "centroids": (0, 0, 0, -1),
    "sizes": (0, 0, -1),
    "isophotes": (1, 0, 0),
    "sectors": (1, 0, 0),
}
"""Of the factor that data are scaled by; elsewhere 0."""
SMALL = st.tuples(st.integers(1, 45), st.integers(1, 45))


@pytest.mark.parametrize("name", KERNELS)
def test_any_pixels_give_numbers_of_the_right_shape(name):
    """NaN only where it says that nothing can be measured; never an infinity."""

    @examples(60)
    @given(SEEDS, SMALL, st.sampled_from([0.0, 0.2, 0.8, 1.0]), st.booleans())
    def check(seed, shape, bad, modelled):
        f = Field(seed, shape, bad, modelled)
        results = KERNELS[name](f)
        for values, own in zip(results, SHAPES.get(name, [()] * len(results)), strict=True):
            assert values.shape == (f.n, *own)
            assert not np.isinf(np.asarray(values, float)).any()
        if name in ("kron", "foreign", "cores", "sectors"):
            assert all(np.isfinite(values).all() for values in results)

    check()


@pytest.mark.parametrize("name", KERNELS)
def test_data_times_four_are_fluxes_times_four(name):
    """To the last bit: a factor of two's power rounds nothing."""

    @examples(40)
    @given(SEEDS, SMALL, st.sampled_from([0.25, 4.0, 2.0**20]))
    def check(seed, shape, factor):
        f = Field(seed, shape)
        before, after = KERNELS[name](f), KERNELS[name](f.scaled(factor))
        for one, two, power in zip(
            before, after, POWERS.get(name, (0,) * len(before)), strict=True
        ):
            np.testing.assert_array_equal(two, one * np.asarray(factor**power, one.dtype))

    check()


@pytest.mark.parametrize("name", KERNELS)
def test_the_order_of_sources_does_not_matter(name):
    @examples(40)
    @given(SEEDS, SMALL, SEEDS)
    def check(seed, shape, other):
        f = Field(seed, shape)
        order = np.random.default_rng(other).permutation(f.n)
        for one, two in zip(KERNELS[name](f), KERNELS[name](f.permuted(order)), strict=True):
            np.testing.assert_array_equal(two, one[order])

    check()


@pytest.mark.parametrize("name", [name for name in KERNELS if name != "isophotes"])
def test_a_shift_by_whole_pixels_changes_nothing(name):
    """Of sources whose apertures lie within the image."""

    @examples(25)
    @given(SEEDS, st.integers(0, 9), st.integers(0, 9))
    def check(seed, down, right):
        f = Field(seed, (100, 110), margin=45, number=3)
        f.half = np.nan_to_num(f.half, nan=2.0).clip(0.5, 3)
        f.a = f.a.clip(0.3, 3)
        f.b = f.b.clip(0.1, 3)
        g = f.shifted(down, right)
        before, after = KERNELS[name](f), KERNELS[name](g)
        for k, (one, two) in enumerate(zip(before, after, strict=True)):
            one = np.array(one)
            if (name, k) in (("centroids", 0), ("moments", 0)):
                one[..., 0] += right if name == "moments" else 0
                one = one + right if name == "centroids" else one
            if (name, k) == ("centroids", 1):
                one = one + down
            if (name, k) == ("moments", 0):
                one[..., 1] += down
            np.testing.assert_allclose(
                two, one, rtol=1e-6, atol=1e-6 * np.nan_to_num(np.abs(one)).max()
            )

    check()


@examples(60)
@given(SEEDS, SMALL, st.sampled_from([0.5, 1.0, 7.0]))
def test_sums_over_a_constant_are_areas(seed, shape, value):
    """Of circles to what the sub-pixels on their rim hold; noise as flux."""
    f = Field(seed, shape, bad=0.0, modelled=False)
    f.data[:], f.variance[:], f.segmentation[:] = value, value, 0
    flux, noise, incomplete = circular_sums(*pixels(f), f.x, f.y, RADII)
    np.testing.assert_array_equal(flux, noise)
    whole = ~incomplete
    rim = (8 * OVERSAMPLING * RADII + 4) / OVERSAMPLING**2
    assert (np.abs(flux[whole] / value - np.pi * RADII**2) <= rim).all()
    assert not (flux > value * (np.pi * RADII**2 + rim)).any()
    scale = np.full(f.n, 3.0)
    flux, noise, area, incomplete = elliptical_sums(*pixels(f), *ellipse(f), scale)
    rows, columns = np.indices(shape)
    for n in range(f.n):
        u, v = columns - f.x[n], rows - f.y[n]
        along = (u * np.cos(f.theta[n]) + v * np.sin(f.theta[n])) / f.a[n]
        across = (v * np.cos(f.theta[n]) - u * np.sin(f.theta[n])) / f.b[n]
        radius = np.hypot(along, across)
        inside_, outside = (radius < 3 - 1e-9).sum(), (radius <= 3 + 1e-9).sum()
        if np.isfinite(flux[n]):
            assert inside_ * value * (1 - 1e-6) <= flux[n] <= outside * value * (1 + 1e-6)
        else:
            assert inside_ < 0.5 * area[n] or outside == 0


@examples(40)
@given(SEEDS, SMALL)
def test_fluxes_add(seed, shape):
    """The light of two skies in one image is the sum of theirs."""
    f, other = (Field(s, shape, modelled=False) for s in (seed, seed + 1))
    whole = f.scaled(1.0)
    other.data[f.state == EMPTY] = 0
    rest = f.scaled(1.0)
    rest.data = other.data
    whole.data = f.data + other.data
    for name in ("circles", "ellipses"):
        sums = [KERNELS[name](g)[0] for g in (f, rest, whole)]
        scale = np.abs(f.data).sum() + np.abs(other.data).sum()
        np.testing.assert_allclose(sums[2], sums[0] + sums[1], rtol=0, atol=1e-6 * scale)


@examples(80)
@given(SEEDS, SMALL, st.sampled_from([0.0, 0.5]))
def test_centroids_stay_near_and_inside(seed, shape, bad):
    f = Field(seed, shape, bad)
    x, y, sky, source = windowed_centroids(*pixels(f), f.x, f.y, f.half)
    limit = np.maximum(np.where(f.half > 0, f.half, 1.0), 1.0)
    assert (np.hypot(x - f.x, y - f.y) <= limit * (1 + 1e-12)).all()
    moved = np.isfinite(sky[:, 0])
    assert ((x[~moved] == f.x[~moved]) & (y[~moved] == f.y[~moved])).all()
    assert ((x[moved] > -0.5) & (x[moved] < shape[1] - 0.5)).all()
    assert ((y[moved] > -0.5) & (y[moved] < shape[0] - 0.5)).all()
    assert (sky[moved] >= 0).all()
    assert (source[moved] >= 0).all()


@examples(60)
@given(SEEDS, SMALL, st.sampled_from([0.0, 0.5, 1.0]))
def test_ellipses_are_real_and_radii_bounded(seed, shape, bad):
    f = Field(seed, shape, bad)
    x, y, a, b, theta = KERNELS["moments"](f)[0].T
    known = np.isfinite(x)
    assert (a[known] >= b[known]).all()
    assert (b[known] > 0).all()
    assert (np.abs(theta[known]) <= np.pi / 2 + 1e-12).all()
    boxes = f.boxes[known]
    assert ((y[known] >= boxes[:, 0] - 1e-6) & (y[known] <= boxes[:, 1] + 1e-6)).all()
    assert ((x[known] >= boxes[:, 2] - 1e-6) & (x[known] <= boxes[:, 3] + 1e-6)).all()
    radii = KERNELS["kron"](f)[0]
    assert ((radii >= 3.5) & (radii <= 2.5 * SEARCH)).all()
    half = KERNELS["half"](f)[0]
    reach = np.minimum(np.maximum(SEARCH * f.a, 3.0), 30)
    assert (~(half < 0) & ~(half > reach)).all()
    share = KERNELS["foreign"](f)[0]
    assert ((share >= 0) & (share <= 1)).all()


@examples(60)
@given(SEEDS, SMALL, st.sampled_from([0.0, 0.3]))
def test_isophotes_hold_what_their_pixels_hold(seed, shape, bad):
    f = Field(seed, shape, bad)
    peak, bits, holed = KERNELS["isophotes"](f)
    for n, ident in enumerate(f.idents):
        own = f.segmentation == ident
        data = f.data[own & (f.state < BRIDGED)]
        np.testing.assert_array_equal(peak[n], data.max() if data.size else np.nan)
        assert bits[n] == (np.bitwise_or.reduce(f.mask[own]) if own.any() else 0)
        assert holed[n] == (f.state[own] >= BRIDGED).any()


@examples(60)
@given(SEEDS, SMALL)
def test_sectors_hold_all_pixels_within_reach_once(seed, shape):
    f = Field(seed, shape)
    light, count, radii = KERNELS["sectors"](f)
    rows, columns = np.indices(shape)
    for n, ident in enumerate(f.idents):
        r = np.hypot(rows - f.y[n], columns - f.x[n])
        used = (f.state == GOOD) & ((f.segmentation == 0) | (f.segmentation == ident))
        used &= (rows - f.y[n]) ** 2 + (columns - f.x[n]) ** 2 < EDGES[-1] ** 2
        assert count[n].sum() == used.sum()
        np.testing.assert_allclose(
            light[n].sum(dtype=float),
            f.data[used].sum(dtype=float),
            atol=1e-5 * np.abs(f.data[used]).sum(),
        )
        np.testing.assert_allclose(radii[n].sum(dtype=float), r[used].sum(), rtol=1e-4)


@examples(120)
@given(SEEDS, SMALL, st.sampled_from([0.05, 0.4, 1.0]), st.sampled_from([0, 1, 4, 16, 10**9]))
def test_gaps_are_bridged_by_what_lies_between_their_ends(seed, shape, bad, lag):
    f = Field(seed, shape, bad)
    f.state[f.state == BRIDGED] = MASKED
    data, variance, state = f.data.copy(), f.variance.copy(), f.state.copy()
    interpolate_rows(data, variance, state, lag)
    good = f.state == GOOD
    np.testing.assert_array_equal(data[good], f.data[good])
    np.testing.assert_array_equal(state == MASKED, f.state == MASKED)
    assert not data[state == EMPTY].any()
    for j in range(shape[0]):
        ends = np.flatnonzero(good[j])
        for left, right in pairwise(ends):
            run = slice(left + 1, right)
            if 0 < right - left - 1 <= lag:
                low, high = sorted(f.data[j, [left, right]])
                slack = 1e-6 * max(abs(low), abs(high))
                assert ((data[j, run] >= low - slack) & (data[j, run] <= high + slack)).all()
                assert (variance[j, run] > 0).all()
                assert (state[j, run] != EMPTY).all()
            else:
                assert (state[j, run] != BRIDGED).all()
    again = data.copy(), variance.copy(), state.copy()
    interpolate_rows(*again, lag)
    np.testing.assert_array_equal(again[0], data)
    np.testing.assert_array_equal(again[2], state)


@examples(40)
@given(
    SEEDS,
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.sampled_from([0.0, 0.5, 0.99, 1.0]),
    st.sampled_from([16.0, 40.0, 1e6]),
    st.sampled_from([1, 3, 4, 99]),
)
def test_a_background_exists_where_pixels_do(extraction, seed, shape, bad, size, width):
    """And moves with the image's level and scale."""
    rng = np.random.default_rng(seed)
    image = rng.normal(0, 5, shape).astype(np.float32)
    image[rng.random(shape) < bad] = np.nan
    variance, mask = np.full(shape, 25, np.float32), np.zeros(shape, np.uint8)
    own = extraction | {"back_size": size, "back_filter": width}
    mesh = background_mesh(ArrayPlanes(image, variance, mask), own)
    assert (mesh is None) == (not np.isfinite(image).any() or mesh is None)
    if mesh is None:
        assert np.isfinite(image).sum() < 100 * (1 + shape[0] / 16) * (1 + shape[1] / 16)
        return
    whole = tuple(slice(0, length) for length in shape)
    level = mesh.at(whole)
    assert level.shape == shape
    assert np.isfinite(level).all()
    assert np.isfinite(mesh.noise_scale)
    assert mesh.noise_scale > 0
    other = background_mesh(ArrayPlanes(4 * image, 16 * variance, mask), own)
    np.testing.assert_allclose(other.at(whole), 4 * level, atol=1e-3)
    rows = slice(shape[0] // 3, shape[0])
    np.testing.assert_allclose(mesh.at((rows, whole[1])), level[rows], atol=1e-4)


@examples(100)
@given(SEEDS, st.integers(1, 400), st.sampled_from(["any", "few", "huge", "same"]))
def test_order_statistics_are_numpy_s(seed, size, kind):
    rng = np.random.default_rng(seed)
    values = {
        "any": rng.normal(size=size),
        "few": rng.integers(-2, 3, size),
        "huge": rng.normal(size=size) * 10.0 ** rng.integers(-40, 38, size),
        "same": np.full(size, rng.normal()),
    }[kind].astype(np.float32)
    ranks = sorted(rng.integers(0, size, 3).tolist())
    np.testing.assert_array_equal(ordered(values, ranks), np.sort(values)[ranks])
    np.testing.assert_array_equal(median(values), np.median(values))
    shares = [0.0, float(rng.random()), 1.0]
    found, expected = quantiles(values, shares), np.quantile(values.astype(float), shares)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.abs(values).max())


@examples(60)
@given(SEEDS, SMALL, st.floats(0, 12))
def test_a_grown_mask_is_a_dilation(seed, shape, radius):
    mask = np.random.default_rng(seed).random(shape) < 0.05
    reach = int(radius)
    rows, columns = np.indices((2 * reach + 1, 2 * reach + 1)) - reach
    disc = rows**2 + columns**2 <= radius**2
    np.testing.assert_array_equal(grown(mask, radius), ndimage.binary_dilation(mask, disc))


@examples(60)
@given(SEEDS, SMALL, st.sampled_from([0.0, 0.1, 1.0]))
def test_empty_apertures_are_empty(seed, shape, bad):
    f = Field(seed, shape, bad)
    x, y = lattice(shape, 50)
    assert ((x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0])).all()
    sums = empty_sums(f.data, f.variance, f.state, f.segmentation, x, y, RADII)
    assert sums.shape == (50, 3)
    rows, columns = np.indices(shape)
    unusable = (f.state != GOOD) | (f.segmentation != 0)
    for n, k in zip(*np.nonzero(np.isfinite(sums)), strict=True):
        assert not unusable[(rows - y[n]) ** 2 + (columns - x[n]) ** 2 <= RADII[k] ** 2].any()
    factors = correlation_factors(sums, 5)
    assert (factors > 0).all()
    assert np.isfinite(factors).all()


@examples(60)
@given(st.tuples(st.integers(1, 500), st.integers(1, 500)), st.floats(64, 1e4), st.floats(0, 1e4))
def test_sub_tiles_cover_an_image_once(shape, size, overlap):
    count = np.zeros(shape, int)
    for piece in cut(shape, int(size), int(overlap)):
        count[piece.core] += 1
        for axis, core, length in zip(piece.window, piece.core, shape, strict=True):
            assert 0 <= axis.start <= core.start < core.stop <= axis.stop <= length
    assert (count == 1).all()


@pytest.fixture(scope="module")
def spurious_limits():
    return load_config(CONFIG / "config.yaml")["sources"]["spurious"]


STAR = Moffat(2.5, 3.0)


@examples(60)
@given(SEEDS, SMALL, st.integers(0, 8))
def test_modelled_light_is_the_sum_of_its_sources_in_any_window(seed, shape, number):
    rng = np.random.default_rng(seed)
    ranges = (-60, 100), (-60, 100), (-1, 10), (0.01, 2), (3, 3.01), (0, 900)
    sources = np.stack([rng.uniform(*limits, number) for limits in ranges], axis=1)
    model = LightModel(sources, STAR)
    whole = model.within((slice(0, shape[0]), slice(0, shape[1])))
    row, column = rng.integers(0, shape[0]), rng.integers(0, shape[1])
    window = slice(row, shape[0]), slice(column, shape[1])
    np.testing.assert_allclose(model.within(window), whole[window], atol=1e-5)
    chosen = rng.random(number) < 0.5
    full = slice(0, shape[0]), slice(0, shape[1])
    parts = model.within(full, chosen) + model.within(full, ~chosen)
    np.testing.assert_allclose(parts, whole, atol=1e-4)
    segmentation = rng.integers(0, 4, shape).astype(np.int32)
    own = model.owned(segmentation, np.arange(1, 4, dtype=np.int32), full)
    assert own.shape == (3, COLUMNS)
    cores = model.cores(segmentation, 3, full, 2.0)
    assert ((cores == segmentation) | (cores == 0)).all()


@examples(60)
@given(SEEDS, st.integers(0, 60), st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([1.0, 1e12]))
def test_a_light_model_of_anything_is_one_or_none(extraction, seed, number, lost, scale):
    """Finite, whatever was found."""
    rng = np.random.default_rng(seed)
    shape = (number, EDGES.size - 1, SECTORS)
    found = {
        **{name: rng.uniform(0, 500, number) for name in ("x", "y")},
        **{name: rng.uniform(2.8, 3.2, number) for name in ("half", "fwhm")},
        "snr": 10 ** rng.uniform(-1, 4, number),
        "clean": rng.random(number) < 0.8,
        "inner": rng.normal(100, 50, number) * scale,
        "good": rng.uniform(0, 1, number),
    }
    light = (scale * rng.normal(1, 5, shape)).astype(np.float32)
    pixels = rng.integers(0, 20, shape).astype(np.float32)
    for name in ("half", "fwhm", "inner"):
        found[name][rng.random(number) < lost] = np.nan
    sums = light, pixels, (pixels * EDGES[1:, None]).astype(np.float32)
    found |= told(found, *sums, extraction["stellarity"]["bright_snr"])
    model = light_model(found, 5.0, extraction)
    if model is not None:
        assert model.sources.shape == (number, COLUMNS)
        assert np.isfinite(model.sources).all()
        assert (model.sources[:, 5] <= extraction["wing_reach"] ** 2 + 1e-6).all()


@examples(60)
@given(SEEDS, st.integers(0, 80), st.sampled_from([0.0, 0.3, 1.0]), st.booleans())
def test_stars_are_bright_clean_sources_of_a_known_size(extraction, seed, number, lost, grouped):
    rng, limits = np.random.default_rng(seed), extraction["stellarity"]
    size = rng.normal(1, 0.1, (number, LADDER.size))
    size[rng.random(number) < lost] = np.nan
    error = np.abs(rng.normal(0, 0.1, size.shape)) + 1e-6
    x, y = rng.uniform(0, 100, (2, number))
    fwhm, snr = rng.uniform(2, 9, number), 10 ** rng.uniform(-1, 4, number)
    sets = rng.integers(0, 3, number) if grouped else None
    clean = rng.random(number) < 0.8
    stars = find_stars(size, error, fwhm, snr, clean, x, y, (100, 100), limits, sets)
    if stars is not None:
        assert np.isfinite(stars.size.at(x, y, sets)).all()
        assert stars.size.scatter > 0
        assert not (stars.members & ~clean).any()
        assert np.isfinite(size[stars.members, stars.window]).all()


@examples(60)
@given(SEEDS, st.integers(0, 80), st.sampled_from([0.0, 0.3, 1.0]))
def test_classes_lie_between_0_and_1(seed, number, lost):
    rng, model = np.random.default_rng(seed), shipped_model()
    values = rng.normal(0, 10 ** rng.uniform(-3, 9), (number, len(model.inputs)))
    values[rng.random(values.shape) < lost / len(model.inputs)] = np.nan
    found = model.probability(values)
    unknown = np.isnan(values).any(axis=1)
    assert (np.isnan(found) == unknown).all()
    assert ((found[~unknown] >= 0) & (found[~unknown] <= 1)).all()


@examples(60)
@given(SEEDS, st.integers(0, 60), st.sampled_from([0.0, 0.3, 1.0]))
def test_spurious_sources_are_unknown_and_in_any_order(spurious_limits, seed, number, share):
    rng = np.random.default_rng(seed)
    xi, eta = rng.uniform(-300, 300, (2, number))
    xi[: number // 3], eta[: number // 3] = rng.uniform(0, 30, (2, number // 3))
    radius = np.where(rng.random(number) < 0.2, np.nan, rng.uniform(1, 9, number))
    shape = rng.uniform(-90, 90, number), rng.uniform(0, 1, number), radius
    look = Look(xi, eta, *shape, 10 ** rng.uniform(-1, 4, number), rng.integers(0, 8, number))
    known = rng.random(number) < share
    flag = spurious(look, known, 600.0**2, spurious_limits)
    assert flag.shape == (number,)
    assert flag.dtype == bool
    assert not (flag & known).any()
    order = rng.permutation(number)
    again = spurious(look[order], known[order], 600.0**2, spurious_limits)
    np.testing.assert_array_equal(again, flag[order])


@examples(80)
@given(SEEDS, st.integers(0, 200), st.integers(1, 20), st.sampled_from([0.0, 0.2, 1.0]))
def test_a_bias_curve_follows_what_was_put_in(seed, number, least, lost):
    rng = np.random.default_rng(seed)
    mag = rng.uniform(12, 22, number)
    mag[rng.random(number) < lost] = np.nan
    auto = mag + 0.25
    curve = bias_curve(mag, auto, 0.125, 0.25, least, 0.5)
    assert (np.diff(curve.mag) > 0).all()
    assert (curve.stars >= least).all()
    assert curve.stars.sum() <= np.isfinite(mag).sum()
    np.testing.assert_allclose(curve.bias, 0.25, atol=1e-9)
    expected = 0.25 if curve.mag.size else 0.0
    np.testing.assert_allclose(curve.at(np.array([-100.0, 17.0, 100.0])), expected, atol=1e-9)
    order = rng.permutation(number)
    again = bias_curve(mag[order], auto[order], 0.125, 0.25, least, 0.5)
    np.testing.assert_array_equal(again.mag, curve.mag)


@examples(80)
@given(SEEDS, st.integers(3, 8), st.integers(0, 40))
def test_a_polygon_holds_the_same_points_however_its_corners_are_counted(seed, corners, number):
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    polygon = 50 * np.column_stack([np.cos(angle), np.sin(angle)])
    x, y = rng.uniform(-60, 60, (2, number))
    found = inside(polygon, x, y)
    for other in (np.roll(polygon, 2, axis=0), polygon[::-1], np.vstack([polygon, polygon[:1]])):
        np.testing.assert_array_equal(inside(other, x, y), found)
    assert not found[np.hypot(x, y) > 50].any()
    one = Coverage("a", 1.0, (polygon,))
    np.testing.assert_array_equal(covering([one, one], x, y), np.stack([found, found]))


@examples(80)
@given(SEEDS, st.integers(1, 30), st.integers(30, 5000), st.integers(0, 50))
def test_maps_are_looked_up_within_their_bins(seed, count, size, number):
    rng = np.random.default_rng(seed)
    pixel = rng.uniform(-1e6, 1e6, number) * 10.0 ** rng.uniform(-6, 12, number)
    index = bin_index(pixel, count, size)
    assert ((index >= 0) & (index < count)).all()
    x, y = rng.uniform(0.5, size + 0.5, (2, number))
    centres = bin_centres(count, size)
    plane = 3.0 + 0.01 * centres[:, None] - 0.02 * centres[None, :]
    np.testing.assert_array_equal(
        look_up(plane, x, y, size), plane[bin_index(x, count, size), bin_index(y, count, size)]
    )
    if count > 1:
        expected = 3.0 + 0.01 * x - 0.02 * y
        np.testing.assert_allclose(between(plane, x, y, size), expected, atol=1e-8 * size)


@examples(60)
@given(SEEDS, st.integers(0, 40), st.floats(0.1, 50))
def test_resolved_sources_keep_the_brightest(seed, number, fwhm):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 60, (2, number))
    flux = rng.normal(size=number)
    kept = resolved(x, y, flux, fwhm)
    assert kept.shape == (number,)
    assert number == 0 or kept[np.argmax(flux)]
    order = rng.permutation(number)
    np.testing.assert_array_equal(resolved(x[order], y[order], flux[order], fwhm), kept[order])
