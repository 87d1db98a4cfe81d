"""Exposures of a small camera: each effect alone, noise, determinism, truth."""

import copy

import numpy as np
import pytest
from astropy.table import Table

from skymill.simulate.conditions import conditions
from skymill.simulate.detector import bias_of, detector_of, flat_response, hot_columns
from skymill.simulate.exposure import chip_exposure, expose
from skymill.simulate.plan import Exposure
from skymill.simulate.truth import artefact_table, chip_truth, exposure_truth

NAMES = ("half_light_radius", "sersic", "axis_ratio", "position_angle")
NOTHING = Table({name: np.empty(0) for name in ("ra", "dec", "flux", *NAMES)})


@pytest.fixture
def shoot(camera, exposure, assemble):
    """Expose a chip under some settings: the assembled chip (ADU) and its artefacts."""

    def run(settings, seen=NOTHING, name="M", exposure=exposure):
        now = conditions(exposure, settings, camera)
        detector = detector_of(camera, exposure.site, name, settings)
        raw, artefacts = chip_exposure(
            seen, exposure, now, detector, settings, (camera.prescan, camera.overscan)
        )
        return assemble(camera, name, raw), artefacts

    return run


def star(exposure, flux, dx=-0.004, dy=0.02):
    zero = np.zeros(1)
    ra = (exposure.ra + dx / np.cos(np.radians(30))) % 360
    columns = {"ra": zero + ra, "dec": zero + exposure.dec + dy, "flux": zero + flux}
    return Table(columns | dict.fromkeys(NAMES, zero))


def chip_star(exposure, flux):
    """A star near the middle of chip M (north-east of the pointing)."""
    return star(exposure, flux, dx=0.0167, dy=0.0178)


def test_without_any_effect_a_frame_is_empty(shoot, alone):
    image, artefacts = shoot(alone())
    assert np.all(image == 0)
    assert artefacts == {}


def test_sky_alone(shoot, alone, camera, exposure):
    settings = alone("sky")
    image, _ = shoot(settings)
    expected = 10 ** (0.4 * (24.1 + 2.5 * np.log10(120) - 21.4)) * 0.4**2
    assert conditions(exposure, settings, camera).sky == pytest.approx(expected)
    assert np.all(image == round(expected))


def test_vignetting_alone_dims_the_sky(shoot, alone):
    plain, dimmed = shoot(alone("sky"))[0], shoot(alone("sky", "vignetting"))[0]
    ratio = dimmed / plain
    assert ratio.min() < 0.95
    assert ratio.max() <= 1.0
    assert ratio[-1, 0] == ratio.min()  # M's far corner


def test_prnu_alone(shoot, alone, settings):
    settings = alone("sky", "prnu")
    settings["light"] = copy.deepcopy(settings["light"])
    settings["light"]["sky"]["V"] = 16.0
    image, _ = shoot(settings)
    assert image.std() / image.mean() == pytest.approx(0.009, rel=0.02)


def test_photon_noise_alone(shoot, alone):
    image, _ = shoot(alone("sky", "photon_noise"))
    assert image.mean() == pytest.approx(231, rel=0.005)
    assert image.var() == pytest.approx(image.mean(), rel=0.03)


def test_read_noise_alone(shoot, alone, camera):
    settings = alone("read_noise")
    image, _ = shoot(settings)
    detector = detector_of(camera, "CTIO", "M", settings)
    for noise, columns in zip(detector.read_noises, detector.columns, strict=True):
        row_mean = noise**2 / camera.overscan  # from subtracting each row's overscan
        expected = np.sqrt(noise**2 + row_mean + 1 / 12)
        assert image[:, columns].std() == pytest.approx(expected, rel=0.04)


def test_gain_steps_alone(shoot, alone, camera):
    settings = alone("sky", "gain_steps")
    image, _ = shoot(settings)
    detector = detector_of(camera, "CTIO", "M", settings)
    levels = [np.median(image[:, columns]) for columns in detector.columns]
    assert np.allclose(np.multiply(levels, detector.gains), 231, rtol=0.006)
    assert np.std(detector.gains) > 0.02


def test_dark_alone(shoot, alone, settings):
    image, _ = shoot(alone("dark"))
    assert np.median(image) == round(settings["detector"]["dark"] * 120)


def test_hot_columns_alone(shoot, alone, camera):
    settings = alone("hot_columns")
    settings["artefacts"] = 20.0
    image, artefacts = shoot(settings)
    columns = hot_columns(detector_of(camera, "CTIO", "M", settings), settings)
    assert columns
    expected = np.zeros(image.shape)
    for column, rows, rate in columns:
        expected[rows, column] += rate * 120
    assert np.allclose(image, expected, atol=0.51)
    touched = np.zeros(image.shape, bool)
    touched[artefacts["hot_column"]] = True
    assert np.array_equal(touched, expected > 0)


def test_cosmic_rays_alone(shoot, alone):
    settings = alone("cosmic_rays")
    settings["artefacts"] = 30.0
    image, artefacts = shoot(settings)
    hit = np.zeros(image.shape, bool)
    hit[artefacts["cosmic_ray"]] = True
    assert hit.any()
    assert np.all(image[hit] >= 29)
    assert image[~hit].max() <= 31
    settings["artefacts"] = 0.0
    assert shoot(settings)[0].max() == 0


def test_satellites_alone(shoot, alone):
    settings = alone("satellites")
    settings["artefacts"] = 60.0
    image, artefacts = shoot(settings)
    touched = np.zeros(image.shape, bool)
    touched[artefacts["satellite"]] = True
    assert image[touched].min() > image[~touched].max() * 0.3
    assert image.max() > 50


def test_bias_alone(shoot, alone, camera):
    settings = alone("bias")
    image, _ = shoot(settings)
    detector = detector_of(camera, "CTIO", "M", settings)
    for index, columns in enumerate(detector.columns):
        assert np.allclose(image[:, columns], bias_of(detector, index, settings), atol=0.51)


def test_overscan_alone_is_taken_out_by_the_overscan(shoot, alone, camera, exposure):
    settings = alone("overscan")
    assert np.all(shoot(settings)[0] == 0)
    detector = detector_of(camera, "CTIO", "K", settings)
    now = conditions(exposure, settings, camera)
    raw, _ = chip_exposure(NOTHING, exposure, now, detector, settings, (5, 16))
    rows = np.array([amplifier.mean(axis=1) for amplifier in raw])
    assert np.ptp(rows.mean(axis=1)) > 30  # amplifiers differ
    assert np.ptp(rows, axis=1).max() > 2  # rows drift


def test_a_saturated_star_is_flat_and_its_charge_bleeds(shoot, alone, camera, exposure):
    seen = chip_star(exposure, 2e7)
    free, _ = shoot(alone(), seen)
    flat, flat_artefacts = shoot(alone("saturation"), seen)
    bled, artefacts = shoot(alone("saturation", "bleeding"), seen)
    assert flat.max() == bled.max() == 50000 < free.max()
    assert "bleed" not in flat_artefacts
    saturated, trail = artefacts["saturation"], artefacts["bleed"]
    assert np.all(free[saturated] >= 50000)
    assert trail[0].max() > saturated[0].max() + 3  # M bleeds towards larger y
    assert trail[0].min() >= saturated[0].min()
    assert bled.sum() == pytest.approx(2e7, rel=2e-3)


def test_crosstalk_alone_copies_bright_stars(shoot, alone, camera, exposure):
    settings = alone("crosstalk")
    seen = chip_star(exposure, 1e6)
    plain, _ = shoot(alone(), seen)
    image, artefacts = shoot(settings, seen)
    detector = detector_of(camera, "CTIO", "M", settings)
    y, x = np.unravel_index(plain.argmax(), plain.shape)
    aggressor, inside = divmod(x, 32)
    for victim in range(8):
        coefficient = detector.crosstalk[victim, aggressor]
        other = (victim < 4) != (aggressor < 4)
        column = victim * 32 + (31 - inside if other else inside)
        copy = image[y, column] - plain[y, column]
        assert copy == pytest.approx(coefficient * plain[y, x], abs=3)  # others add their wings
        noted = np.any((artefacts["crosstalk"][0] == y) & (artefacts["crosstalk"][1] == column))
        assert noted == (copy > np.sqrt(50))


def test_a_dead_amplifier_shows_nothing(shoot, alone, camera):
    settings = alone("sky", "dead_amplifiers")
    image, artefacts = shoot(settings, name="K")
    dead = camera.chips["K"].amplifiers[1]
    assert dead.name == "K02"
    assert np.all(image[:, dead.columns] == 0)
    assert np.all(np.delete(image, np.r_[dead.columns], axis=1) > 200)
    assert artefacts == {}  # the exposure's truth names it; its pixels aren't listed
    at_saao = Exposure("test.2", "SAAO", "0000.000-30", "V", 60938.2, 120.0, 359.87, -30.0)
    assert shoot(settings, name="K", exposure=at_saao)[0].min() > 200


def test_amplifier_response_alone_scales_stars_but_not_the_sky(shoot, alone, camera, exposure):
    settings = alone("amplifier_response")
    seen = chip_star(exposure, 1e6)
    with_it, without = shoot(settings, seen)[0], shoot(alone(), seen)[0]
    detector = detector_of(camera, "CTIO", "M", settings)
    y, x = np.unravel_index(without.argmax(), without.shape)
    n = x // 32
    expected = detector.offsets[n] + detector.slopes[n] * (y - 127.5) / 256
    assert -2.5 * np.log10(without[y, x] / with_it[y, x]) == pytest.approx(expected, abs=2e-3)
    assert np.array_equal(shoot(alone("sky", "amplifier_response"))[0], shoot(alone("sky"))[0])


def test_a_star_keeps_its_flux_through_the_read_out(shoot, alone, exposure):
    image, _ = shoot(alone(), chip_star(exposure, 1.5e6))
    assert image.sum() == pytest.approx(1.5e6, rel=2e-3)


@pytest.mark.parametrize("status", ["bad_seeing", "trailed"])
def test_bad_frames_are_bad(shoot, alone, exposure, camera, status):
    settings = alone()
    settings["status"] = settings["status"] | {status: [exposure.name]}
    now = conditions(exposure, settings, camera)
    assert now.status == status
    image, _ = shoot(settings, chip_star(exposure, 1e6))
    assert image.sum() == pytest.approx(1e6, rel=0.03)
    y, x = np.indices(image.shape)
    bright = np.where(image > 0.02 * image.max(), image, 0)
    x, y = x - np.average(x, weights=bright), y - np.average(y, weights=bright)
    moments = [np.average(a * b, weights=bright) for a, b in ((x, x), (x, y), (y, y))]
    trace, det = moments[0] + moments[2], moments[0] * moments[2] - moments[1] ** 2
    elongation = np.sqrt(
        (trace + np.sqrt(trace**2 - 4 * det)) / (trace - np.sqrt(trace**2 - 4 * det))
    )
    assert (elongation > 2.0) == (status == "trailed")
    if status == "bad_seeing":
        assert now.seeing >= 6


def test_same_name_same_bytes_another_name_other_noise(settings, camera, exposure, sky):
    def frame(name):
        e = Exposure(
            name,
            *(getattr(exposure, f) for f in ("site", "tile", "band", "mjd")),
            120.0,
            359.87,
            -30.0,
        )
        return [a for _, raw, _ in expose(e, sky, settings, camera) for a in raw]

    first, again, other = frame("a"), frame("a"), frame("b")
    assert all(np.array_equal(x, y) for x, y in zip(first, again, strict=True))
    assert not any(np.array_equal(x, y) for x, y in zip(first, other, strict=True))


def test_chips_and_sites_have_their_own_patterns(settings, camera):
    patterns = [
        flat_response(detector_of(camera, site, chip, settings), settings)
        for site in ("CTIO", "SAAO")
        for chip in ("M", "K")
    ]
    for i in range(4):
        for j in range(i):
            core_i, core_j = (p - np.median(p) for p in (patterns[i], patterns[j]))
            assert not np.allclose(core_i, core_j, atol=1e-3)


def test_truth_gives_the_zero_point_of_a_flat_fielded_adu(shoot, camera, exposure, alone):
    settings = alone("gain_steps", "vignetting", "amplifier_response", "transparency")
    now = conditions(exposure, settings, camera)
    detector = detector_of(camera, "CTIO", "M", settings)
    truth = chip_truth(detector, now, settings)
    magnitude = 14.5
    image, _ = shoot(settings, chip_star(exposure, 10 ** (0.4 * (now.zero_point - magnitude))))
    flat = flat_response(detector, settings) / detector.column_values(detector.gains)
    image = image / (flat / np.median(flat))
    y, x = np.unravel_index(image.argmax(), image.shape)
    name = camera.chips["M"].amplifiers[x // 32].name
    known = truth["amplifiers"][name]
    columns = camera.chips["M"].amplifiers[x // 32].columns
    share = image[:, columns].sum() / image.sum()
    assert share > 0.5  # the star lies mostly on that amplifier
    zero_point = known["zp"] + known["slope"] * (y - 127.5)
    assert zero_point - 2.5 * np.log10(image.sum()) == pytest.approx(magnitude, abs=0.02)


def test_truth_tells_what_the_exposure_was(settings, camera, exposure):
    now = conditions(exposure, settings, camera)
    detector = detector_of(camera, "CTIO", "K", settings)
    truth = exposure_truth(exposure, now, {"K": chip_truth(detector, now, settings)})
    assert truth["status"] == "good"
    assert truth["chips"]["K"]["amplifiers"]["K02"]["dead"]
    assert truth["chips"]["K"]["wcs"]["CRVAL1"] == now.ra
    assert np.array(truth["chips"]["K"]["crosstalk"]).shape == (8, 8)


def test_artefacts_become_a_table_by_chip_and_kind():
    found = {
        "bleed": (np.array([5, 6]), np.array([1, 1])),
        "cosmic_ray": (np.array([9]), np.array([3])),
    }
    table = artefact_table([("M", found), ("K", {})])
    assert len(table) == 3
    assert table["kind"].tolist() == ["cosmic_ray", "bleed", "bleed"]
    assert table["x"].tolist() == [3, 1, 1]
    assert table["y"].tolist() == [9, 5, 6]
    assert len(artefact_table([("M", {})])) == 0
