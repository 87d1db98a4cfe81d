"""Effects put in alone and taken out again."""

import copy
from collections.abc import Iterator, Mapping

import numpy as np
from figure import Figure

from skymill.calibrations.crosstalk import measure_crosstalk
from skymill.calibrations.flat import level, master_flat
from skymill.camera import Camera
from skymill.config import load_camera, load_config
from skymill.frames.assemble import chip_image
from skymill.frames.crosstalk import as_seen
from skymill.frames.overscan import subtract_overscan
from skymill.paths import CONFIG
from skymill.simulate.amplifiers import raw_amplifier
from skymill.simulate.calibration import calibrate
from skymill.simulate.detector import detector_of, flat_response
from skymill.simulate.overscan import row_levels

SITE = "SAAO"
"""A site without a dead amplifier."""
AGGRESSORS = 4000
"""Pixels of an aggressor above the fit's limit, from which the coefficients' target holds."""
SCALE = 64
"""Pixels a side of the squares in which flats are compared."""
NOISE = ("photon_noise", "read_noise", "gain_steps", "saturation")
"""Put in with every effect: without noise a fit is no test."""


def figures() -> Iterator[Figure]:
    """Crosstalk, overscan, flat."""
    config = load_config(CONFIG / "config.yaml")
    mini = load_camera(CONFIG / "cameras" / "mini.yaml")
    yield from crosstalk(mini, config)
    yield from overscan(load_camera(CONFIG / "cameras" / "kmtnet.yaml"), config)
    yield from flat(mini, config)


def alone(settings: Mapping, *effects: str) -> dict:
    """The simulator's settings with some effects and no others."""
    changed = copy.deepcopy(dict(settings))
    wanted = {*effects, *NOISE}
    changed["effects"] = {name: name in wanted for name in changed["effects"]}
    return changed


def crosstalk(camera: Camera, config: Mapping, most: int = 20) -> Iterator[Figure]:
    """Coefficients fitted on a run's fields of bright stars, against the true ones.

    Fields are added until every aggressor of the site has enough pixels.
    """
    settings, limits = alone(config["simulate"], "crosstalk"), config["calibrations"]["crosstalk"]
    fields: dict[str, list[np.ndarray]] = {name: [] for name in camera.chips}
    bright: dict[str, np.ndarray] = {name: np.zeros(8) for name in camera.chips}
    matrices = {}
    for number in range(1, most + 1):
        frame = {"frame": f"field.{number}", "site": SITE, "kind": "field", "exptime": 120.0}
        for detector, raw in calibrate(frame, settings, camera):
            name = detector.chip.name
            overscan = config["calibrations"]["overscan"]
            fields[name].append(chip_image(detector.chip, raw, camera, overscan))
            bright[name] += _bright(fields[name][-1], detector.chip, limits)
            matrices[name] = detector.crosstalk
        if min(counts.min() for counts in bright.values()) >= AGGRESSORS:
            break
    errors = []
    for name, chip in camera.chips.items():
        bits = np.zeros(chip.shape, np.uint8)
        mirrored, excluded = camera.mirrored_halves, camera.crosstalk_excluded
        fitted = measure_crosstalk(fields[name], bits, chip, mirrored, excluded, limits)
        errors.append(fitted - matrices[name])
    pairs = np.array(errors)[:, ~np.eye(8, dtype=bool)]
    what = f"{number} fields, {pairs.size} pairs"
    yield Figure(f"crosstalk left, rms of {what}", float(np.sqrt(np.mean(pairs**2))), 2e-5, "")
    yield Figure(f"crosstalk left, worst of {what}", float(np.abs(pairs).max()), 2e-5, "")


def _bright(image: np.ndarray, chip, limits: Mapping) -> np.ndarray:
    """Pixels of each amplifier that may serve as aggressors."""
    found = []
    for index, amplifier in enumerate(chip.amplifiers):
        own = as_seen(image, chip, index, index, False)
        top = limits["saturation"] * amplifier.saturation
        found.append(np.count_nonzero((own >= limits["aggressor"]) & (own < top)))
    return np.array(found)


def overscan(camera: Camera, config: Mapping) -> Iterator[Figure]:
    """The drift of each amplifier of full size, as subtracted, against the true one."""
    given, settings = config["simulate"]["detector"], config["calibrations"]["overscan"]
    rng, worst, largest = np.random.default_rng(1), 0.0, 0.0
    for amplifier in camera.amplifiers():
        rows = amplifier.rows.stop - amplifier.rows.start
        levels = row_levels(rng, rows, given["overscan_level"], given["overscan_drift"])
        # The data's width doesn't matter to the overscan, and narrow data are quickly drawn.
        signal, noise = np.zeros((rows, 8)), amplifier.read_noise / amplifier.gain
        widths = (camera.prescan, camera.overscan)
        raw = raw_amplifier(signal, levels, noise, *widths, amplifier.flip, rng)
        stored = raw[:, camera.prescan : -camera.overscan]
        subtracted = (stored - subtract_overscan(raw, camera, settings))[:, 0]
        error = subtracted - levels
        worst = max(worst, float(np.sqrt(np.mean(error**2))))
        largest = max(largest, float(np.abs(error).max()))
    yield Figure("overscan drift left, rms over rows, worst amplifier", worst, 0.3, "adu")
    yield Figure("overscan drift left, worst row of a camera", largest, 0.3, "adu")


def flat(camera: Camera, config: Mapping) -> Iterator[Figure]:
    """The master flat of a band, from as many frames as the mini release has, against the true one.

    Both are scaled to the same level and compared in squares of 64 pixels.
    """
    settings = alone(config["simulate"], "vignetting", "prnu")
    count = config["simulate"]["plan"]["calibrations"]["flat"]
    images: dict[str, list[np.ndarray]] = {name: [] for name in camera.chips}
    for number in range(count):
        frame = {"frame": f"flat.{number}", "site": SITE, "kind": "flat", "exptime": 5.0}
        for detector, raw in calibrate(frame, settings, camera):
            image = chip_image(detector.chip, raw, camera, config["calibrations"]["overscan"])
            images[detector.chip.name].append(image)
    errors = []
    for name, chip in camera.chips.items():
        nothing = np.zeros(chip.shape, np.float32)
        given = config["calibrations"]
        master = master_flat(
            chip,
            images[name],
            [5.0] * count,
            nothing,
            nothing,
            given["flat"],
            given["combine"]["clip"],
        )
        detector = detector_of(camera, SITE, name, settings)
        true = flat_response(detector, settings) / detector.column_values(detector.gains)
        ratio = in_squares(master / level(chip, master)) / in_squares(true / level(chip, true))
        errors.append(ratio - 1)
    error = np.concatenate([each.ravel() for each in errors])
    what = f"flat left on {SCALE} px, {count} frames"
    yield Figure(f"{what}, rms", 100 * float(np.sqrt(np.mean(error**2))), 0.2, "%")
    yield Figure(f"{what}, worst of {error.size}", 100 * float(np.abs(error).max()), 0.2, "%")


def in_squares(image: np.ndarray) -> np.ndarray:
    """Means of an image's squares."""
    ny, nx = (side // SCALE for side in image.shape)
    cut = image[: ny * SCALE, : nx * SCALE].astype(np.float64)
    return cut.reshape(ny, SCALE, nx, SCALE).mean(axis=(1, 3))
