"""A simulated survey of one field: inputs that the simulator and the project's commands make.

Truth is for the benchmark alone; no command that is measured is given it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import yaml
from astropy.io import fits
from figure import Used, skymill

from skymill.camera import Camera
from skymill.config import load_camera, load_config, load_rows
from skymill.paths import CONFIG
from skymill.simulate import plan
from skymill.simulate.commands import merge
from skymill.simulate.detector import Detector

SITE, BAND = "CTIO", "V"
SIDES = {"mini": 2800, "kmtnet": 22000}
"""Pixels a side of the tile that a camera's field needs, as in its release's configuration."""
READY = "ready"
"""A file that says that a survey's sky and references are whole."""
IMAGES = ("bias", "dark", "flat", "defects")
CALIBRATIONS = {"bias": 3, "dark": 2, "flat": 2, "field": 1, "field_band": BAND}


@dataclass(frozen=True)
class Survey:
    """A folder with a configuration, and what was made by it.

    Attributes
    ----------
    folder : Path
    camera_name : str
        Of ``config/cameras/<name>.yaml``.
    """

    folder: Path
    camera_name: str

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @cached_property
    def settings(self) -> dict:
        return load_config(self.config)

    @cached_property
    def camera(self) -> Camera:
        return load_camera(self.settings["camera"])

    @cached_property
    def planned(self) -> list[plan.Exposure]:
        """The exposures of the band."""
        simulate = self.settings["simulate"]
        every = plan.exposures(simulate["plan"], self.settings["bands"], self.camera)
        return [exposure for exposure in every if exposure.band == BAND]

    @property
    def sources(self) -> Path:
        """The true sky."""
        return self.data / "truth" / "sources.parquet"

    def path(self, exposure: str, suffix: str) -> Path:
        """A file that belongs to an exposure."""
        return self.folder / f"{exposure}.{suffix}"

    def master(self, kind: str) -> Path:
        """A calibration master."""
        suffix = "json" if kind in ("slopes", "crosstalk") else "fits"
        return self.folder / "calib" / f"{kind}.{suffix}"

    def skymill(self, *words: object) -> Used:
        """Run a command with this configuration: ``skymill ROOM STEP --config … WORDS``."""
        return skymill([*words[:2], "--config", self.config, *words[2:]], self.folder)


def start_survey(folder: Path, camera: str, changes: Mapping) -> Survey:
    """Configure a survey of one tile by one site; its tables, sky and reference cells.

    A folder that has a survey keeps it.

    Parameters
    ----------
    folder : Path
    camera : str
    changes : Mapping
        Merged over the mini release's configuration (``simulate: …``).
    """
    survey = Survey(folder, camera)
    if (folder / READY).exists():
        return survey
    content = yaml.safe_load((CONFIG / "config.yaml").read_text(encoding="utf-8"))
    merge(content, yaml.safe_load((CONFIG / "micro.yaml").read_text(encoding="utf-8")))
    content["camera"] = str(CONFIG / "cameras" / f"{camera}.yaml")
    content["tiles"]["size"] = SIDES[camera]
    tables = ("tiles", "exposures", "calibrations")
    content["tables"] = {name: str(folder / f"{name}.csv") for name in tables}
    content["simulate"]["plan"] |= {"repeats": [], "calibrations": CALIBRATIONS}
    content["simulate"]["status"] = {key: [] for key in content["simulate"]["status"]}
    merge(content, dict(changes))
    folder.mkdir(parents=True, exist_ok=True)
    survey.config.write_text(yaml.safe_dump(content), encoding="utf-8")
    survey.skymill("simulate", "plan", "--folder", folder)
    survey.skymill("simulate", "sky", "--data", survey.data)
    for catalogue in ("gaia", "apass"):
        source = survey.data / content["references"]["catalogues"][catalogue]
        words = ("--catalogue", catalogue, "--source", source)
        survey.skymill("references", "import", *words, "--folder", folder / catalogue)
    (folder / READY).touch()
    return survey


def cells(survey: Survey, catalogue: str) -> list[Path]:
    """The imported cells of a catalogue."""
    return sorted((survey.folder / catalogue).glob("*.parquet"))


def make_masters(survey: Survey) -> None:
    """Simulate the calibration frames of the site and make its masters."""
    rows = load_rows(survey.settings["tables"]["calibrations"], "calibrations_table")
    raw: dict[str, list[Path]] = {}
    (survey.folder / "calib").mkdir(exist_ok=True)
    for row in rows:
        if row["kind"] == "flat" and row["band"] != BAND:
            continue
        path = survey.folder / "calib" / f"{row['frame']}.fits"
        survey.skymill("simulate", "calibration", "--frame", row["frame"], "--raw", path)
        raw.setdefault(row["kind"], []).append(path)
    given = {
        "bias": ["--frames", *raw["bias"]],
        "slopes": ["--bias", *raw["bias"], "--flats", *raw["flat"]],
        "dark": ["--bias", survey.master("bias"), "--frames", *raw["dark"]],
        "flat": [*_masters(survey, "bias", "dark"), "--frames", *raw["flat"]],
        "defects": [*_masters(survey, "bias", "dark"), "--flats", survey.master("flat")],
        "crosstalk": [*_masters(survey, "bias", "defects"), "--fields", *raw["field"]],
    }
    for kind, words in given.items():
        where = ("--site", SITE, "--out", survey.master(kind))
        survey.skymill("calibrations", kind, *where, *words)


def _masters(survey: Survey, *kinds: str) -> list[object]:
    return [word for kind in kinds for word in (f"--{kind}", survey.master(kind))]


def expose(survey: Survey, exposure: str) -> None:
    """Simulate an exposure: raw frame, truth, artefacts."""
    words: list[object] = ["--exposure", exposure, "--sources", survey.sources]
    for kind, suffix in (("raw", "raw.fits"), ("truth", "truth.json"), ("artefacts", "parquet")):
        words += [f"--{kind}", survey.path(exposure, suffix)]
    survey.skymill("simulate", "exposure", *words)


def pixels(survey: Survey, exposure: str) -> Used:
    """The step `frames pixels`."""
    kinds = ("bias", "dark", "flat", "defects", "crosstalk", "slopes")
    made = [kind for kind in kinds if survey.master(kind).exists()]
    return survey.skymill(
        "frames",
        "pixels",
        "--exposure",
        exposure,
        "--raw",
        survey.path(exposure, "raw.fits"),
        *_masters(survey, *made),
        "--image",
        survey.path(exposure, "pixels.fits"),
        "--mask",
        survey.path(exposure, "bits.fits"),
    )


def calibrate(survey: Survey, exposure: str) -> Used:
    """The step `frames calibrate`."""
    words: list[object] = ["--exposure", exposure]
    for option, suffix in (
        ("image", "pixels.fits"),
        ("mask", "bits.fits"),
        ("out-image", "fits"),
        ("out-mask", "mask.fits"),
        ("out-catalogue", "cat.parquet"),
        ("out-verdict", "json"),
    ):
        words += [f"--{option}", survey.path(exposure, suffix)]
    words += ["--astrometry", *cells(survey, "gaia"), "--photometry", *cells(survey, "apass")]
    return survey.skymill("frames", "calibrate", *words)


def write_true_masters(survey: Survey) -> None:
    """Masters without noise, the simulator's own: for what they cost to use, not how good they are.

    Combining full-size calibration frames would take longer than all that is measured.
    """
    import json

    from skymill.simulate.detector import detector_of

    settings, matrices, slopes = survey.settings["simulate"], {}, {}
    (survey.folder / "calib").mkdir(exist_ok=True)
    files = {kind: fits.HDUList([fits.PrimaryHDU()]) for kind in IMAGES}
    for name in survey.camera.chips:
        detector = detector_of(survey.camera, SITE, name, settings)
        for kind, image in _true_images(detector, settings).items():
            files[kind].append(fits.ImageHDU(image, name=name))
        matrices[name] = detector.crosstalk.tolist()
        noises = zip(detector.chip.amplifiers, detector.gains, detector.read_noises, strict=True)
        slopes |= {a.name: {"gain": gain, "read_noise": noise} for a, gain, noise in noises}
    for kind in IMAGES:
        files.pop(kind).writeto(survey.master(kind))
    survey.master("crosstalk").write_text(json.dumps({"coefficients": matrices}))
    survey.master("slopes").write_text(json.dumps({"amplifiers": slopes}))


def _true_images(detector: Detector, settings: Mapping) -> dict[str, np.ndarray]:
    """A chip's bias, dark (ADU/s), flat and static defects as the simulator knows them."""
    from skymill.bits import MaskBit
    from skymill.simulate.detector import bias_of, dark_rate, flat_response, hot_columns

    gains = detector.column_values(detector.gains).astype(np.float32)
    bias = np.zeros(detector.chip.shape, np.float32)
    for index, columns in enumerate(detector.columns):
        bias[:, columns] = bias_of(detector, index, settings)
    defects = np.zeros(detector.chip.shape, np.uint8)
    for column, rows, _ in hot_columns(detector, settings):
        defects[rows, column] = MaskBit.DEFECT
    dead = detector.column_values(detector.dead) > 0
    defects[:, dead] |= np.uint8(MaskBit.AMPLIFIER)
    flat = flat_response(detector, settings) / gains
    flat /= np.median(flat[::16, ~dead])
    flat[:, dead] = np.nan
    dark = (dark_rate(detector, settings) / gains).astype(np.float32)
    return {"bias": bias, "dark": dark, "flat": flat, "defects": defects}
