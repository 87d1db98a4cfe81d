from contextlib import ExitStack

import numpy as np
import pytest
import sep
from astropy.wcs import WCS

from skymill.bits import MaskBit
from skymill.io.fits import make_header
from skymill.resampling.kernels import kernel_table, noise_correlation
from skymill.tiles.cards import stack_cards
from skymill.tiles.footprint import chip_nodes, tile_wcs
from skymill.tiles.frame import open_chips, read_frames
from skymill.tiles.stack import MEMORY, Layer, stack_bands

DITHERS = [
    {"dx": 0.0, "dy": 0.0},
    {"dx": 20.3, "dy": -14.7, "turn": 0.4},
    {"dx": -17.1, "dy": 22.6, "turn": -0.3, "bend": 1.1},
    {"dx": 9.4, "dy": 11.2, "turn": 180.0},
]


@pytest.fixture
def combine(sky, settings):
    """Stack frames; gives the planes."""

    def run(paths, memory=MEMORY, **changes):
        options = settings | changes
        frames = read_frames(*zip(*paths, strict=True), "0000.000-30", "R")
        wcs = tile_wcs(*sky.centre, options["size"], options["pixel_scale"])
        with ExitStack() as stack:
            layers = []
            for frame in frames:
                chips = stack.enter_context(open_chips(frame, {"M": sky.chip}))
                placed = [(c, chip_nodes(c.wcs, c.shape, wcs, options["size"])) for c in chips]
                layers.append(Layer(placed, frame.exptime, frame.mjd, frame.fwhm))
            bands = list(stack_bands(layers, (options["size"],) * 2, options, memory))
            cards = stack_cards("0000.000-30", "R", frames, layers, options)
        planes = {name: np.concatenate([band[name] for band in bands]) for name in bands[0]}
        return planes | {"wcs": wcs, "cards": {key: value for key, value, _ in cards}}

    return run


@pytest.fixture
def stars(sky):
    """A few bright stars well inside every frame: ra, dec, flux."""
    wcs = WCS(make_header(sky.cards()))
    x, y = np.meshgrid([70, 160, 250], [65, 150, 235])
    ra, dec = wcs.wcs_pix2world(x.ravel() + 0.37, y.ravel() + 0.21, 0)
    return np.stack([ra, dec, np.linspace(1e4, 9e4, 9)], axis=1)


@pytest.fixture
def turned(sky):
    """Cards of a dither, turned about the frame's own centre so that it stays on the tile."""

    def cards(dither):
        values = {k: v for k, v, _ in sky.cards(**dither)}
        wcs = WCS(make_header([(k, v, "") for k, v in values.items()]))
        ny, nx = sky.shape
        x, y = wcs.wcs_world2pix(*sky.centre, 0)
        values["CRPIX1"] += (nx - 1) / 2 - x + dither["dx"]
        values["CRPIX2"] += (ny - 1) / 2 - y + dither["dy"]
        return [(k, v, "") for k, v in values.items()]

    return cards


def measure(planes, star, radius=14):
    """Flux in an aperture about a star's true place, and its windowed centroid's offset, pixels."""
    x0, y0 = planes["wcs"].wcs_world2pix(star[0], star[1], 0)
    yy, xx = np.indices(planes["image"].shape)
    inside = np.hypot(xx - x0, yy - y0) < radius
    image = np.where(inside, planes["image"], 0).astype(float)
    dx = dy = 0.0
    for _ in range(20):
        weight = image * np.exp(-((xx - x0 - dx) ** 2 + (yy - y0 - dy) ** 2) / (2 * 2.12**2))
        dx += 2 * (weight * (xx - x0 - dx)).sum() / weight.sum()
        dy += 2 * (weight * (yy - y0 - dy)).sum() / weight.sum()
    return image.sum(), dx, dy


@pytest.mark.parametrize("estimator", ["median", "mean"])
def test_stars_keep_their_flux_and_place_through_distortion(
    sky, stars, turned, combine, tmp_path, estimator
):
    paths = []
    for name, dither in zip("abcd", DITHERS, strict=True):
        cards = turned(dither)
        paths.append(sky.write(tmp_path, name, sky.render(cards, stars), cards, rms=0.1))
    planes = combine(paths, combine=estimator)
    for star in stars:
        flux, dx, dy = measure(planes, star)
        assert flux == pytest.approx(star[2], rel=2e-3)
        # Lanczos-3 keeps no first moment: 0.011 pixel an axis at this seeing in a single frame.
        assert max(abs(dx), abs(dy)) < 0.011


def test_without_the_jacobian_the_same_stars_would_be_wrong(sky, stars, combine, tmp_path):
    """The distortion of these frames matters: their pixels' area differs from the tile's."""
    cards = sky.cards(bend=4.0)
    planes = combine([sky.write(tmp_path, "a", sky.render(cards, stars), cards)])
    wcs = WCS(make_header(cards))
    x, y = wcs.wcs_world2pix(stars[:, 0], stars[:, 1], 0)
    step = [np.array(wcs.wcs_pix2world(x + u, y + v, 0)) for u, v in ((0, 0), (1, 0), (0, 1))]
    cos = np.cos(np.radians(sky.dec))
    (ax, ay), (bx, by) = ((s - step[0]) * 3600 / 0.4 for s in step[1:])
    area = np.abs(ax * by - ay * bx) * cos
    assert np.ptp(area) > 0.02
    for star in stars:
        assert measure(planes, star)[0] == pytest.approx(star[2], rel=3e-3)


def test_variance_is_the_scatter_of_the_background(sky, turned, combine, tmp_path):
    random = np.random.default_rng(4)
    paths = []
    for name, dither, rms in zip("abcd", DITHERS, (1, 1, 1, 2), strict=True):
        image = random.normal(0, rms, sky.shape)
        paths.append(sky.write(tmp_path, name, image, turned(dither), rms=float(rms)))
    planes = combine(paths)
    for nexp in (1, 2, 4):
        where = planes["nexp"] == nexp
        assert where.sum() > 4000
        pull = planes["image"][where] / np.sqrt(planes["variance"][where])
        assert np.std(pull) == pytest.approx(1, abs=0.03)


def test_a_large_aperture_is_noisier_by_the_factor_in_the_header(sky, combine, tmp_path):
    random = np.random.default_rng(6)
    sums, predicted = [], []
    for seed in range(3):
        image = random.normal(0, 1, sky.shape)
        planes = combine([sky.write(tmp_path, f"a{seed}", image, sky.cards(dx=0.3 * seed))])
        for y in range(80, 300, 20):
            for x in range(80, 300, 20):
                box = slice(y, y + 20), slice(x, x + 20)
                sums.append(planes["image"][box].sum())
                predicted.append(planes["variance"][box].sum())
    ratio = np.std(sums) / np.sqrt(np.mean(predicted))
    assert ratio == pytest.approx(planes["cards"]["NOISECOR"], rel=0.08)


def test_a_frame_with_a_sip_solution_lies_where_it_says(sky, combine, tmp_path):
    """Three pixels from where its linear part alone would put a star."""
    tan = {k: v for k, v, _ in sky.cards(bend=0.0) if not k.startswith("PV")}
    tan |= {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2}
    cards = [(k, v, "") for k, v in (tan | {"A_2_0": 1e-5, "B_0_2": 1.5e-5}).items()]
    wcs, place = WCS(make_header(cards)), np.array([[150.0, 140.0]])
    star = np.column_stack([*wcs.all_pix2world(*place.T, 0), 1e5])
    y, x = np.indices(sky.shape)
    image = 1e3 * np.exp(-(np.hypot(x - 150.0, y - 140.0) ** 2) / 8)
    planes = combine([sky.write(tmp_path, "a", image, cards)])
    values = np.nan_to_num(planes["image"])
    found = np.array([np.sum(values * v) for v in np.indices(values.shape)[::-1]]) / values.sum()
    np.testing.assert_allclose(
        found, np.ravel(planes["wcs"].wcs_world2pix(*star.T[:2], 0)), atol=0.03
    )
    linear = planes["wcs"].wcs_world2pix(*wcs.wcs_pix2world(*place.T, 0), 0)
    assert np.hypot(*(np.ravel(linear) - found)) > 2


@pytest.mark.parametrize("estimator", ["mean", "median"])
@pytest.mark.parametrize("number", [1, 4])
def test_each_aperture_is_noisier_by_its_own_factor(sky, combine, tmp_path, estimator, number):
    random, pulls = np.random.default_rng(8), {3: [], 5: [], 10: []}
    x, y = (v.ravel() for v in np.meshgrid(*[np.arange(90.3, 310, 11)] * 2))
    for seed in range(4):
        paths = []
        for n in range(number):
            cards = sky.cards(dx=0.3 * seed + 0.37 * n, dy=0.21 * n, bend=0.0)
            name = f"a{seed}{n}"
            paths.append(sky.write(tmp_path, name, random.normal(0, 1, sky.shape), cards))
        planes = combine(paths, combine=estimator)
        image, variance = (np.nan_to_num(planes[name]) for name in ("image", "variance"))
        for diameter, found in pulls.items():
            radius = diameter / 0.8
            sums, expected = (
                sep.sum_circle(v, x, y, radius, subpix=0)[0] for v in (image, variance)
            )
            factor = planes["cards"][f"NOISEC{diameter:02d}"]
            found.append(sums / np.sqrt(expected) / factor)
    for diameter, found in pulls.items():
        assert np.std(found) == pytest.approx(1, abs=0.08 if diameter == 10 else 0.05)


def test_frames_of_smaller_pixels_have_less_correlated_noise(sky, combine, tmp_path):
    """Two frames' pixels in one of the tile's: a large sum's noise is that of all its pixels."""
    random = np.random.default_rng(9)
    sums, predicted = [], []
    cards = [(k, v / 2**0.5 if k.startswith("CD") else v, c) for k, v, c in sky.cards()]
    for seed in range(4):
        planes = combine([sky.write(tmp_path, f"s{seed}", random.normal(0, 1, sky.shape), cards)])
        whole = np.isfinite(planes["variance"])
        for y in range(0, 390, 15):
            for x in range(0, 390, 15):
                box = slice(y, y + 15), slice(x, x + 15)
                if whole[box].all():
                    sums.append(planes["image"][box].sum())
                    predicted.append(planes["variance"][box].sum())
    assert len(sums) > 500
    ratio = np.std(sums) / np.sqrt(np.mean(predicted))
    assert ratio == pytest.approx(planes["cards"]["NOISECOR"], rel=0.08)
    kernel = combine([sky.write(tmp_path, "k", np.zeros(sky.shape), sky.cards())])["cards"]
    assert planes["cards"]["NOISECOR"] == pytest.approx(kernel["NOISECOR"] / 2**0.5, rel=0.01)


def test_planes_count_the_frames_used(sky, turned, combine, tmp_path):
    image = np.ones(sky.shape)
    paths = [
        sky.write(tmp_path, "a", image, turned(DITHERS[0]), mjd=60000.0, exptime=100.0),
        sky.write(tmp_path, "b", image, turned(DITHERS[1]), mjd=60010.0, exptime=20.0),
    ]
    planes = combine(paths)
    both, none = planes["nexp"] == 2, planes["nexp"] == 0
    assert both.sum() > 50000
    assert none.any()
    assert np.all(planes["exptime"][both] == 120)
    assert np.all(planes["epoch"][both] == 60005)
    assert set(np.unique(planes["exptime"])) == {0, 20, 100, 120}
    for plane in ("image", "variance", "epoch"):
        np.testing.assert_array_equal(np.isnan(planes[plane]), none)
    assert planes["cards"]["EXPTIME"] == 120
    assert planes["cards"]["MEANMJD"] == 60005
    assert (planes["cards"]["IMAGE000"], planes["cards"]["IMAGE001"]) == ("a", "b")


def test_a_pixel_masked_in_one_frame_comes_from_the_others(sky, turned, combine, tmp_path):
    paths = []
    for name, dither in zip("abc", DITHERS, strict=False):
        cards, bits = turned(dither), np.zeros(sky.shape, np.uint8)
        image = np.full(sky.shape, 7.0)
        if name == "b":
            bits[100:103, 140:150] = MaskBit.DEFECT
            image[100:103, 140:150] = 1e6
        paths.append(sky.write(tmp_path, name, image, cards, bits=bits))
    planes = combine(paths)
    inner = slice(80, 320), slice(80, 320)
    np.testing.assert_allclose(planes["image"][inner], 7, rtol=0.02)
    assert not planes["mask"][inner].any()
    hidden = (planes["nexp"][inner] == 2).sum()
    assert 30 <= hidden < (3 + 6) * (10 + 6)


def test_a_pixel_masked_in_every_frame_carries_its_value_and_its_bits(
    sky, stars, turned, combine, tmp_path
):
    star = stars[[4]] * [1, 1, 10]
    paths = []
    for name, dither in zip("ab", DITHERS, strict=False):
        cards = turned(dither)
        image = np.minimum(sky.render(cards, star), 5000)
        bits = np.where(image >= 5000, MaskBit.BLEED, 0).astype(np.uint8)
        paths.append(sky.write(tmp_path, name, image, cards, bits=bits))
    planes = combine(paths)
    x, y = (round(float(v)) for v in planes["wcs"].wcs_world2pix(*star[0, :2], 0))
    assert planes["nexp"][y, x] == 0
    assert planes["mask"][y, x] == MaskBit.BLEED
    assert planes["image"][y, x] == pytest.approx(5000, rel=0.05)
    assert planes["exptime"][y, x] == 0
    assert np.isnan(planes["epoch"][y, x])
    np.testing.assert_array_equal(
        planes["mask"] > 0, (planes["nexp"] == 0) & np.isfinite(planes["image"])
    )


def test_a_grazing_mask_costs_less_than_a_millimagnitude(sky, stars, combine, tmp_path):
    """Renormalised kernels bias a star's flux little; dropping loses 36 pixels for each."""
    cards = sky.cards()
    image = sky.render(cards, stars)
    random = np.random.default_rng(2)
    bits = np.where(random.random(sky.shape) < 0.01, MaskBit.CROSSTALK, 0).astype(np.uint8)
    clean = combine([sky.write(tmp_path, "a", image, cards)])
    image[bits > 0] = 1e6
    kept = combine([sky.write(tmp_path, "b", image, cards, bits=bits)])
    dropped = combine([sky.write(tmp_path, "c", image, cards, bits=bits)], masked_weight=0.0)
    good = kept["nexp"] > 0
    assert (clean["nexp"].sum() - good.sum()) < 0.6 * (clean["nexp"] - dropped["nexp"]).sum()
    error = np.abs(kept["image"] - clean["image"])[good].sum() / clean["image"][good].sum()
    assert error < 5e-3
    bias = (kept["image"] - clean["image"])[good].sum() / clean["image"][good].sum()
    assert abs(bias) < 5e-4


@pytest.mark.parametrize("estimator", ["median", "mean"])
def test_neither_the_order_of_frames_nor_the_height_of_bands_matters(
    sky, stars, turned, combine, tmp_path, estimator
):
    random = np.random.default_rng(9)
    paths = []
    for name, dither in zip("abcd", DITHERS, strict=True):
        cards = turned(dither)
        image = sky.render(cards, stars, 3 + ord(name) % 4) + random.normal(0, 1, sky.shape)
        bits = np.where(random.random(sky.shape) < 0.02, 4, 0).astype(np.uint8)
        seeing = (3 + ord(name) % 4) * 0.4
        paths.append(sky.write(tmp_path, name, image, cards, bits=bits, fwhm=seeing))
    whole = combine(paths, combine=estimator)
    pieces = combine(paths[::-1], memory=1, combine=estimator)
    for name in ("image", "variance", "mask", "nexp", "exptime", "epoch"):
        np.testing.assert_array_equal(whole[name], pieces[name])


def test_stacking_is_linear_in_a_common_scale(sky, stars, combine, tmp_path):
    cards = sky.cards()
    image = sky.render(cards, stars)
    one = combine([sky.write(tmp_path, "a", image, cards)])
    two = combine([sky.write(tmp_path, "b", 2 * image, cards)])
    np.testing.assert_allclose(two["image"], 2 * one["image"], rtol=1e-6, atol=1e-30)


def test_gain_describes_the_photon_noise_of_the_stack(sky, stars, turned, combine, tmp_path):
    """With photons as the only noise, flux/GAIN is the stack's variance on a flat source."""
    random = np.random.default_rng(12)
    paths = []
    for number in range(4):
        image = random.poisson(2.0 * 500, sky.shape) / 2.0
        rms = float(np.sqrt(500 / 2))
        paths.append(sky.write(tmp_path, f"e{number}", image, sky.cards(dx=7.3 * number), rms=rms))
    planes = combine(paths)
    where = planes["nexp"] == 4
    gain, kernel = planes["cards"]["GAIN"], noise_correlation(kernel_table("lanczos3")) ** -2
    assert gain == pytest.approx(4 * 2.0 * 0.837, rel=0.01)
    assert np.var(planes["image"][where]) == pytest.approx(500 / gain * kernel, rel=0.06)


def test_no_frame_gives_no_data_and_the_same_cards(sky, combine, tmp_path):
    some = combine([sky.write(tmp_path, "a", np.zeros(sky.shape), sky.cards())])
    none = {
        name: np.concatenate([band[name] for band in stack_bands([], (400, 400), some_settings())])
        for name in ("image", "variance", "mask", "nexp", "exptime", "epoch")
    }
    for plane in ("image", "variance", "epoch"):
        assert np.isnan(none[plane]).all()
    for plane in ("mask", "nexp", "exptime"):
        assert not none[plane].any()
        assert none[plane].dtype == some[plane].dtype
    cards = [key for key, _, _ in stack_cards("0000.000-30", "R", [], [], some_settings())]
    assert set(some["cards"]) - {"IMAGE000"} == set(cards)


def some_settings():
    return {
        "pixel_scale": 0.4,
        "kernel": "lanczos3",
        "combine": "median",
        "background": {"match": False, "darkest": 0.2},
        "masked_weight": 0.05,
        "clip": {"sigma": 4.0, "fraction": 0.3},
    }
