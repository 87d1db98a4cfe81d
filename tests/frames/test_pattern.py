"""What all amplifiers share goes, with the noise that the medians have; all else stays."""

import numpy as np
import pytest

from skymill.config import load_camera
from skymill.frames.background import subtract_sky
from skymill.frames.crosstalk import as_seen
from skymill.frames.pattern import amplifier_pattern, has_pattern, subtract_pattern
from skymill.paths import CONFIG

CAMERA = load_camera(CONFIG / "cameras" / "mini.yaml")
CHIP = CAMERA.chips["M"]
BACKGROUND = {"mesh": 128.0, "filter": 3, "usable": 0.5, "clip": 3, "threshold": 1.5, "grow": 6.0}
NOISE, SKY = 8.0, 300.0
SETTINGS = {"site": "SAAO", "first": "2020-11-01", "last": "2022-12-31", "smooth": 1}


@pytest.fixture(scope="module")
def chip():
    """Ripples that all amplifiers share, each in the direction in which it is read; the image."""
    generator = np.random.default_rng(1)
    ripple = 6 * np.sin(np.arange(CHIP.shape[0]) / 9)[:, None]
    first = CHIP.amplifiers[0]
    width = first.columns.stop - first.columns.start
    ripple = ripple * np.linspace(0, 1, width)[None, :]
    image = generator.normal(SKY, NOISE, CHIP.shape).astype(np.float32)
    stars = np.zeros(CHIP.shape, np.float32)
    radius = np.hypot(*np.mgrid[-15:16, -15:16])
    for _ in range(200):
        y, x = generator.integers(20, CHIP.shape[0] - 20, 2)
        stars[y - 15 : y + 16, x - 15 : x + 16] += generator.exponential(800) * np.exp(
            -(radius**2) / 12
        )
    with_ripple = image + stars
    for n in range(len(CHIP.amplifiers)):
        as_seen(with_ripple, CHIP, n, 0, True)[...] += ripple.astype(np.float32)
    return with_ripple, image + stars, ripple


def test_the_pattern_is_found_and_goes(chip):
    image, true, ripple = chip
    bits = np.zeros(CHIP.shape, np.uint8)
    left = subtract_pattern(image, bits, CHIP, True, 5, BACKGROUND) - true
    assert ripple.std() > 2
    assert left.std() < 0.15 * ripple.std() + 0.43 * NOISE / 5
    unsmoothed = subtract_pattern(image, bits, CHIP, True, 1, BACKGROUND) - true
    assert unsmoothed.std() == pytest.approx(0.43 * NOISE, rel=0.15)


def test_halves_read_the_wrong_way_leave_it(chip):
    image, true, ripple = chip
    bits = np.zeros(CHIP.shape, np.uint8)
    left = subtract_pattern(image, bits, CHIP, False, 5, BACKGROUND) - true
    assert left.std() > 0.3 * ripple.std()


def test_the_step_takes_it_out_of_the_site_s_exposures_only(monkeypatch):
    from skymill.frames import calibrate, measured_chip
    from skymill.io.fits import Image

    seen = []

    def noted(chip, sky, *rest):
        seen.append(sky.image)

    monkeypatch.setattr(measured_chip, "measure_chip", noted)
    settings = dict.fromkeys(("detection", "background"), BACKGROUND) | {"pattern": SETTINGS}
    data = np.random.default_rng(1).normal(SKY, NOISE, CHIP.shape).astype(np.float32)
    bits = Image(np.zeros(CHIP.shape, np.uint8), [], "M")
    for site in ("SAAO", "CTIO"):
        head = Image(None, [("OBSERVAT", site, ""), ("MJD", 59500.0, "")])
        calibrate.measure_chips([head, Image(data, [], "M")], [head, bits], CAMERA, settings)
    expected = subtract_sky(data, bits.data, CHIP.amplifiers, BACKGROUND).image
    assert not np.array_equal(seen[0], expected)
    assert np.array_equal(seen[1], expected)


def test_masked_pixels_do_not_count_and_what_nobody_has_is_zero():
    image = np.zeros(CHIP.shape, np.float32)
    used = np.ones(CHIP.shape, bool)
    for n, amplifier in enumerate(CHIP.amplifiers):
        view = as_seen(image, CHIP, n, 0, True)
        view[7] = 1000.0 if n < 5 else 3.0  # most are wrong, but masked
        view[9] = 50.0
        as_seen(used, CHIP, n, 0, True)[7] = n >= 5
        as_seen(used, CHIP, n, 0, True)[9] = False
        assert amplifier.rows.start == 0
    pattern = amplifier_pattern(image, used, CHIP, True, 1)
    assert (pattern[7] == 3).all()
    assert np.count_nonzero(pattern) == pattern.shape[1]


@pytest.mark.parametrize(
    ("site", "mjd", "expected"),
    [("SAAO", 59154.0, True), ("SAAO", 59153.9, False), ("SAAO", 59944.9, True),
     ("SAAO", 59945.0, False), ("CTIO", 59500.0, False)],
)  # fmt: skip
def test_only_the_site_and_its_dates_have_one(site, mjd, expected):
    assert has_pattern(site, mjd, SETTINGS) is expected
    assert not has_pattern(site, mjd, None)
