"""Detection and measurement as a whole: what is put in comes out, in however many pieces."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import sep
from astropy.io import fits
from astropy.table import Table
from scipy.spatial import cKDTree

from skymill.bits import Flag, MaskBit
from skymill.errors import InputError
from skymill.sources.background import background_mesh
from skymill.sources.measure import COLUMNS, Band, measure, measure_bands, size_windows
from skymill.sources.planes import ArrayPlanes
from skymill.sources.sizes import LADDER

GAIN = 2.0
APERTURES = ("aper3", "aper5", "aper10", "auto")


def run(image, variance, settings, mask=None, saturation=np.inf):
    mask = np.zeros(image.shape, np.uint8) if mask is None else mask
    return measure(image, variance, mask, settings, 0.4, GAIN, saturation)


def pairs(table, truth):
    """Rows of the table and of the truth that lie within 2 pixels."""
    distance, index = cKDTree(truth[:, :2]).query(np.c_[table["x"], table["y"]])
    return table[distance < 2], truth[index[distance < 2]]


@pytest.fixture(scope="module")
def measured(star_grid, extraction):
    return run(*star_grid[:2], extraction)


def assert_same(first, second, **tolerance):
    assert first.colnames == second.colnames == list(COLUMNS)
    for name in first.colnames:
        np.testing.assert_allclose(first[name], second[name], err_msg=name, **tolerance)


def test_every_star_is_found_once(measured, star_grid):
    _, found = pairs(measured, star_grid[2])
    assert len(found) == len(star_grid[2])
    assert len({tuple(row) for row in found}) == len(star_grid[2])
    assert (np.diff(measured["y"]) >= 0).all()


def test_fluxes_and_their_errors(measured, star_grid, add_moffat):
    table, truth = pairs(measured, star_grid[2])
    model = np.zeros((121, 121))
    add_moffat(model, 60, 60, 1.0, 5.0)
    for name, radius in (("aper3", 3.75), ("aper5", 6.25), ("aper10", 12.5)):
        share, _, _ = sep.sum_circle(model, [60], [60], radius, subpix=0)
        expected = truth[:, 2] * share
        expected -= (table["background"] - 100) * np.pi * radius**2  # wings of stars raise it
        pull = (table[f"flux_{name}"] - expected) / table[f"fluxerr_{name}"]
        faint = truth[:, 2] < 1e5
        assert abs(np.median(pull[faint])) < 0.25, name
        assert 1.4826 * np.median(np.abs(pull[faint])) == pytest.approx(1, abs=0.25), name
        bright = truth[:, 2] > 2e5
        np.testing.assert_allclose(table[f"flux_{name}"][bright], expected[bright], rtol=0.012)


def test_auto_holds_a_constant_share(measured, star_grid):
    table, truth = pairs(measured, star_grid[2])
    bright = truth[:, 2] > 1e5
    share = table["flux_auto"][bright] / truth[bright, 2]
    assert share.min() > 0.93
    assert share.max() < 1.01


def test_positions_and_their_errors(measured, star_grid):
    table, truth = pairs(measured, star_grid[2])
    for axis, name in enumerate("xy"):
        offset = np.asarray(table[name]) - truth[:, axis]
        pull = offset / table[f"{name}_error"]
        assert 1.4826 * np.median(np.abs(pull)) == pytest.approx(1, abs=0.2)
        assert np.abs(offset[truth[:, 2] > 2e5]).max() < 0.03


def test_where_the_window_runs_away_the_barycentre_has_its_own_error(
    measured, star_grid, extraction, monkeypatch
):
    def lost(*arguments):
        x, y = arguments[6:8]
        nothing = np.full((x.size, 2), np.nan)
        return x, y, nothing, nothing

    monkeypatch.setattr("skymill.sources.measure.windowed_centroids", lost)
    table, truth = pairs(run(*star_grid[:2], extraction), star_grid[2])
    faint = truth[:, 2] < 3e4  # bright ones scatter by their photons, which aren't in it
    pull = ((table["x"] - truth[:, 0]) / table["x_error"])[faint]
    # An isophote follows the noise, so the barycentre scatters more than its pixels say.
    assert 1 < 1.4826 * np.median(np.abs(pull)) < 2.2


def test_shapes_of_stars(measured, star_grid):
    table, truth = pairs(measured, star_grid[2])
    bright = truth[:, 2] > 5e4
    np.testing.assert_allclose(np.median(table["fwhm_image"]), 5.07, rtol=0.02)
    np.testing.assert_allclose(table["ellipticity"][bright], 0, atol=0.08)
    assert (table["kron_radius"] >= 3.5).all()
    assert (np.asarray(table["class_star"])[bright] > 0.8).mean() > 0.97
    np.testing.assert_allclose(table["background"], 100, atol=2)
    assert (table["flags"] == 0).all()


def test_scaling_the_image_scales_the_fluxes(measured, star_grid, extraction):
    image, variance, _ = star_grid
    mask = np.zeros(image.shape, np.uint8)
    scaled = measure(4 * image, 16 * variance, mask, extraction, 0.4, GAIN / 4, np.inf)
    for name in (
        "background",
        "flux_max",
        *(f"{k}_{a}" for a in APERTURES for k in ("flux", "fluxerr")),
    ):
        scaled[name] /= 4
    assert_same(scaled, measured, rtol=1e-4, atol=1e-4)


def test_a_level_is_background(star_grid, extraction):
    image, variance, _ = star_grid
    # rounding moves pixels across the sources' threshold
    once = {**extraction, "back_passes": 1, "light_model": False}
    measured = run(image, variance, once)
    raised = run(image + np.float32(1024), variance, once)
    raised["background"] -= 1024
    assert_same(raised, measured, rtol=5e-3, atol=2e-2)


def test_sizes_are_measured_near_the_seeing(star_grid, extraction, monkeypatch):
    image, variance, _ = star_grid  # stars of 5 pixels
    once = {**extraction, "back_passes": 1, "light_model": False}
    bands = {"": Band(ArrayPlanes(image, variance, np.zeros(image.shape, np.uint8)), GAIN, np.inf)}
    meshes = {"": background_mesh(bands[""].planes, once)}
    in_all = run(image, variance, once)
    assert size_windows(bands, "", meshes, {"": None}, once)[""].size == LADDER.size
    monkeypatch.setattr("skymill.sources.measure.PROBE", 300)
    windows = size_windows(bands, "", meshes, {"": None}, once)[""]
    np.testing.assert_array_equal(windows, LADDER[2:5])
    assert abs(windows[1] * 2.355 - 5.07) < 0.6
    assert_same(run(image, variance, once), in_all, rtol=0, atol=0)


def test_without_bright_sources_all_windows_are_measured(star_grid, extraction, monkeypatch):
    _, variance, _ = star_grid
    image = np.random.default_rng(3).normal(scale=5, size=variance.shape).astype(np.float32)
    once = {**extraction, "back_passes": 1, "light_model": False}
    bands = {"": Band(ArrayPlanes(image, variance, np.zeros(image.shape, np.uint8)), GAIN, np.inf)}
    meshes = {"": background_mesh(bands[""].planes, once)}
    monkeypatch.setattr("skymill.sources.measure.PROBE", 300)
    np.testing.assert_array_equal(size_windows(bands, "", meshes, {"": None}, once)[""], LADDER)


def test_sub_tiles_give_the_same_catalogue(measured, star_grid, extraction):
    pieces = {**extraction, "sub_tile": 512.0, "sub_tile_overlap": 100.0}
    assert_same(run(*star_grid[:2], pieces), measured, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("modelled", [False, True])
def test_seams_of_a_crowded_field_lose_and_double_nothing(extraction, add_moffat, modelled):
    rng = np.random.default_rng(8)
    image = rng.normal(scale=5, size=(640, 600))
    for _ in range(250):
        x, y = rng.uniform(0, 600), rng.uniform(0, 640)
        add_moffat(image, x, y, 10 ** rng.uniform(3, 5), 4.0)
    for _ in range(12):  # and some right on the seams
        add_moffat(image, 300 + rng.uniform(-2, 2), rng.uniform(0, 640), 2e4, 4.0)
        add_moffat(image, rng.uniform(0, 600), 320 + rng.uniform(-2, 2), 2e4, 4.0)
    image = image.astype(np.float32)
    variance = np.full(image.shape, 25, np.float32)
    settings = {**extraction, "light_model": modelled}
    whole = run(image, variance, settings)
    cut = run(image, variance, {**settings, "sub_tile": 320.0, "sub_tile_overlap": 120.0})
    assert len(whole) > 200
    # Deblending shares out faint pixels by a throw of sep's dice, which differ from piece to piece;
    # modelled, blended sources' share of the light reaches others.
    single = [table[table["flags"] & Flag.BLENDED == 0] for table in (whole, cut)]
    for name in COLUMNS if not modelled else ("x", "y"):
        tolerance = 1e-2 if modelled else 1e-6
        np.testing.assert_allclose(single[0][name], single[1][name], rtol=1e-6, atol=tolerance)
    for name in ("flux_auto", "flux_aper5") if modelled else ():
        moved = np.abs(single[0][name] - single[1][name]) / single[0][name.replace("ux", "uxerr")]
        assert np.median(moved) < 0.02
        assert moved.max() < 1
    there, back = (
        cKDTree(np.c_[a["x"], a["y"]]).query(np.c_[b["x"], b["y"]])[0]
        for a, b in ((whole, cut), (cut, whole))
    )
    assert (there > 0.5).sum() <= 2
    assert (back > 0.5).sum() <= 2


def test_saturated_and_masked_stars(extraction, add_moffat):
    rng = np.random.default_rng(9)
    image = rng.normal(scale=5, size=(400, 400))
    for x, y, flux in ((100, 100, 3e6), (300, 100, 1e5), (100, 300, 1e5), (300, 300, 1e5)):
        add_moffat(image, x + 0.2, y - 0.3, flux, 5.0)
    mask = np.zeros(image.shape, np.uint8)
    saturated = image > 20000
    image[saturated] = 20000
    mask[saturated] = MaskBit.BLEED
    image[40:400, 101], mask[40:400, 101] = 20000, MaskBit.BLEED  # a bleed trail
    image[98:103, 296] += 8e3
    mask[98:103, 296] = MaskBit.CROSSTALK
    table = run(
        image.astype(np.float32), np.full(image.shape, 25, np.float32), extraction, mask, 5e4
    )
    core, hit, trailed, clean = (
        table[np.argmin(np.hypot(table["x"] - x, table["y"] - y))]
        for x, y in ((100, 100), (300, 100), (100, 300), (300, 300))
    )
    assert np.hypot(core["x"] - 100.2, core["y"] - 99.7) < 0.5
    assert core["flags"] & Flag.SATURATED
    assert core["imaflags_iso"] == MaskBit.BLEED
    assert hit["imaflags_iso"] == MaskBit.CROSSTALK
    assert not hit["flags"] & Flag.SATURATED
    assert trailed["imaflags_iso"] == MaskBit.BLEED
    assert clean["imaflags_iso"] == clean["flags"] == 0
    for name in APERTURES:
        assert hit[f"flux_{name}"] == pytest.approx(clean[f"flux_{name}"], rel=0.02)
        assert trailed[f"flux_{name}"] == pytest.approx(clean[f"flux_{name}"], rel=0.02)
    assert len(table) < 10


def test_flux_max_beyond_saturation(star_grid, extraction):
    table = run(*star_grid[:2], extraction, saturation=10_000)
    assert 0 < (table["flags"] & Flag.SATURATED > 0).sum() < len(table)
    bright = table["flux_max"] + table["background"] >= 10_000
    np.testing.assert_array_equal(bright, table["flags"] & Flag.SATURATED > 0)


def test_no_data_is_no_source(star_grid, extraction):
    image, variance, truth = star_grid
    image, variance = image.copy(), variance.copy()
    image[:, :500] = np.nan
    variance[:500] = 0
    table = run(image, variance, extraction)
    assert table["x"].min() > 495
    assert table["y"].min() > 495
    _, found = pairs(table, truth)
    inside = (truth[:, 0] > 505) & (truth[:, 1] > 505)
    assert len(found) >= inside.sum()


def test_an_image_without_data_gives_an_empty_table(extraction):
    image = np.full((300, 300), np.nan, np.float32)
    table = run(image, np.ones_like(image), extraction)
    assert len(table) == 0
    assert table.colnames == list(COLUMNS)


def test_an_empty_sky_gives_hardly_a_source(extraction):
    image = np.random.default_rng(4).normal(scale=5, size=(500, 500)).astype(np.float32)
    table = run(image, np.full_like(image, 25), extraction)
    assert len(table) < 5
    assert table.colnames == list(COLUMNS)


def test_planes_of_different_shape(extraction):
    with pytest.raises(InputError, match="one shape"):
        measure(np.zeros((9, 9)), np.zeros((9, 8)), np.zeros((9, 9)), extraction, 0.4, 1.0, 1.0)
    bands = {name: band(np.ones((9, n)), np.ones((9, n))) for name, n in (("I", 9), ("V", 8))}
    with pytest.raises(InputError, match=r"V: \(9, 8\)"):
        measure_bands(bands, "I", extraction, 0.4)


def band(image, variance):
    return Band(ArrayPlanes(image, variance, np.zeros(image.shape, np.uint8)), GAIN, np.inf)


def test_dual_mode(measured, star_grid, extraction):
    image, variance, _ = star_grid
    rng = np.random.default_rng(1)
    half = 50 + (image - 100) / 2 + rng.normal(scale=0.5, size=image.shape)
    nothing = np.full_like(image, np.nan)
    bands = {
        "I": band(image, variance),
        "V": band(half.astype(np.float32), variance / 4),
        "B": band(nothing, variance),
    }
    tables = measure_bands(bands, "I", extraction, 0.4)
    assert_same(tables["I"], measured, rtol=0, atol=0)
    shared = (
        "x",
        "y",
        "x_error",
        "y_error",
        "kron_radius",
        "theta_image",
        "a_image",
        "b_image",
        "isoarea",
    )
    for name in shared:
        np.testing.assert_array_equal(tables["V"][name], measured[name])
        np.testing.assert_array_equal(tables["B"][name], measured[name])
    for name in APERTURES:
        error = measured[f"fluxerr_{name}"]
        offset = 2 * tables["V"][f"flux_{name}"] - measured[f"flux_{name}"]
        assert np.abs(offset / error).max() < 1.5
        assert np.isnan(tables["B"][f"flux_{name}"]).all()
    for name in ("class_star", "fwhm_image", "flux_max", "background"):
        assert np.isnan(tables["B"][name]).all(), name
    assert (tables["B"]["flags"] & Flag.APERTURE_INCOMPLETE > 0).all()


def test_dual_mode_without_a_detection_image(star_grid, extraction):
    image, variance, _ = star_grid
    bands = {"I": band(np.full_like(image, np.nan), variance), "V": band(image, variance)}
    tables = measure_bands(bands, "I", extraction, 0.4)
    assert all(len(table) == 0 for table in tables.values())


SE_COLUMNS = (
    *("XWIN_IMAGE", "YWIN_IMAGE", "FLUX_AUTO", "FLUXERR_AUTO", "FLUX_APER(3)", "FLUX_RADIUS"),
    *("KRON_RADIUS", "FLUX_MAX", "FLAGS", "IMAFLAGS_ISO", "A_IMAGE", "B_IMAGE", "THETA_IMAGE"),
)
SE_FOLDER = Path("/usr/share/source-extractor")
FULL = 20_000.0


def source_extractor(folder, image, mask):
    """Run source-extractor with KS4's settings; the mask gives weights and IMAFLAGS_ISO."""
    fits.writeto(folder / "image.fits", image)
    fits.writeto(folder / "mask.fits", mask.astype(np.int16))
    fits.writeto(folder / "weight.fits", (mask == 0).astype(np.float32))
    (folder / "columns").write_text("\n".join(SE_COLUMNS))
    (folder / "filter").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    options = {
        "PARAMETERS_NAME": "columns",
        "CATALOG_NAME": "catalogue.fits",
        "CATALOG_TYPE": "FITS_1.0",
        "FILTER_NAME": "filter",
        "STARNNW_NAME": SE_FOLDER / "default.nnw",
        **{"DETECT_THRESH": 1.5, "ANALYSIS_THRESH": 1.5, "DETECT_MINAREA": 9},
        **{"DEBLEND_NTHRESH": 32, "DEBLEND_MINCONT": 5e-5, "PHOT_APERTURES": "7.5,12.5,25"},
        **{"BACK_SIZE": 256, "BACK_FILTERSIZE": 3, "GAIN": GAIN, "SATUR_LEVEL": FULL},
        **{"FLAG_IMAGE": "mask.fits", "FLAG_TYPE": "OR", "MASK_TYPE": "CORRECT"},
        **{"MEMORY_BUFSIZE": 1024, "PIXEL_SCALE": 0.4, "VERBOSE_TYPE": "QUIET"},
        **({"WEIGHT_TYPE": "MAP_WEIGHT", "WEIGHT_IMAGE": "weight.fits"} if mask.any() else {}),
    }
    words = [str(word) for key, value in options.items() for word in (f"-{key}", value)]
    command = ["source-extractor", "image.fits", "-c", str(SE_FOLDER / "default.sex"), *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return Table.read(folder / "catalogue.fits")


def crowd(add_moffat):
    """A 900 × 1000 field of 400 stars and fuzzy sources, 10 in a square arcminute."""
    rng = np.random.default_rng(11)
    rows, columns = np.indices((900, 1000))
    image = 100 + 0.01 * columns + 1e-5 * (rows - 300) ** 2
    for _ in range(400):
        x, y = rng.uniform(0, 1000), rng.uniform(0, 900)
        add_moffat(image, x, y, 10 ** rng.uniform(3.2, 6), rng.choice([5.0, 5.0, 8.0]))
    image += rng.normal(size=image.shape) * np.sqrt(25 + (image - 100) / GAIN)
    return image.astype(np.float32)


def masked(image):
    """Spoil an image: saturated stars, hot columns, holes, a dead band. It and its mask."""
    rng = np.random.default_rng(12)
    image, mask = image.copy(), np.zeros(image.shape, np.uint8)
    full = image >= FULL
    image[full], mask[full] = FULL, MaskBit.BLEED
    for column in (130, 411, 700, 701, 702, 880):
        image[:, column] += 2000
        mask[:, column] = MaskBit.DEFECT
    rows, columns = np.indices(image.shape)
    for x, y in rng.uniform(0, 900, (12, 2)):
        hole = np.hypot(columns - x, rows - y) < rng.uniform(3, 20)
        image[hole], mask[hole] = 0, MaskBit.DEFECT
    image[:, 500:530], mask[:, 500:530] = 0, MaskBit.AMPLIFIER
    return image, mask


@pytest.mark.skipif(
    shutil.which("source-extractor") is None,
    reason="needs Debian's package source-extractor",
)
@pytest.mark.parametrize("spoiled", [False, True])
def test_as_source_extractor(tmp_path, extraction, add_moffat, spoiled):
    image = crowd(add_moffat)
    mask = np.zeros(image.shape, np.uint8)
    if spoiled:
        image, mask = masked(image)
    same = {
        **extraction,
        "definitions": "source-extractor",
        "back_passes": 1,
        "light_model": False,
    }
    ours = run(image, np.full(image.shape, 25, np.float32), same, mask, FULL)
    theirs = source_extractor(tmp_path, image, mask)

    here = np.c_[ours["x"], ours["y"]]
    place = np.c_[theirs["XWIN_IMAGE"] - 1, theirs["YWIN_IMAGE"] - 1]
    distance, index = cKDTree(here).query(place)
    strong = np.asarray(theirs["FLUX_AUTO"] >= 5 * theirs["FLUXERR_AUTO"])
    assert (distance[strong] < 0.5).mean() >= 0.99
    back, _ = cKDTree(place).query(here)
    assert (back[ours["flux_auto"] >= 5 * ours["fluxerr_auto"]] < 0.5).mean() >= 0.99

    both = (distance < 0.5) & strong
    assert both.sum() > 300
    assert np.median(distance[both]) < 0.005
    ours, theirs = ours[index[both]], theirs[both]
    assert (ours["flags"] == theirs["FLAGS"]).mean() >= 0.99
    assert (ours["imaflags_iso"] == theirs["IMAFLAGS_ISO"]).mean() >= 0.98
    if spoiled:
        assert len(np.unique(theirs["IMAFLAGS_ISO"])) > 3
        assert 3 < (theirs["FLAGS"] & Flag.NEIGHBOURS).sum() < len(theirs)
    for name, flux, most in (
        ("aper3", theirs["FLUX_APER"][:, 0], 0.02),
        ("aper5", theirs["FLUX_APER"][:, 1], 0.02),
        ("aper10", theirs["FLUX_APER"][:, 2], 0.05),
        ("auto", theirs["FLUX_AUTO"], 0.05),
    ):
        difference = -2.5 * np.log10(ours[f"flux_{name}"] / flux)
        assert abs(np.median(difference)) < 0.001, name
        assert np.percentile(np.abs(difference), 95) < most, name
    for name, column in (
        ("kron_radius", "KRON_RADIUS"),
        ("flux_radius", "FLUX_RADIUS"),
        ("flux_max", "FLUX_MAX"),
        ("a_image", "A_IMAGE"),
        ("b_image", "B_IMAGE"),
    ):
        ratio = np.asarray(ours[name] / theirs[column])
        assert np.median(np.abs(ratio - 1)) < 0.01, name
    turn = np.asarray(ours["theta_image"] - theirs["THETA_IMAGE"])
    assert np.median(np.abs((turn + 90) % 180 - 90)) < 0.9  # a hundredth of a right angle
