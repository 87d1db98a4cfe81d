"""What the room's commands share between reading and writing."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..camera import Camera
from ..config import load_camera, load_config, read_yaml
from ..errors import ConfigError, InputError
from ..frames.assemble import chip_image
from ..frames.raw import RawFrame, number
from ..io.fits import Card, Image, write_images
from ..io.provenance import Record
from .flat import usable_level
from .reading import CalibrationSet


def load(options: argparse.Namespace) -> tuple[dict, Camera]:
    """The room's settings (with the camera file's content) and the camera.

    Raises
    ------
    ConfigError
        If the configuration has no calibrations section or the camera no such site.
    """
    config = load_config(options.config)
    camera = load_camera(config["camera"])
    if "calibrations" not in config:
        raise ConfigError(f"{options.config}: has no calibrations section; masters need one.")
    if options.site not in camera.sites:
        known = ", ".join(camera.sites)
        raise ConfigError(f"{config['camera']}: no site {options.site!r}; known: {known}")
    return settings_of(config), camera


def settings_of(config: Mapping) -> dict:
    """What the room reads of a configuration, and the camera file's content."""
    return {"camera": read_yaml(config["camera"]), **config["calibrations"]}


def chips_of(
    frames: Sequence[RawFrame], camera: Camera, settings: Mapping
) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Chip by chip, its image in every frame: overscan subtracted, assembled, float32 ADU."""
    for name, chip in camera.chips.items():
        arrays = (frame.chips[name] for frame in frames)
        yield name, [chip_image(chip, each, camera, settings["overscan"]) for each in arrays]


def write_master(
    path: Path, chips: Mapping[str, np.ndarray], cards: list[Card], record: Record
) -> None:
    """Write a master: a primary HDU without data, then one HDU per chip."""
    images = [Image(data, [], name) for name, data in chips.items()]
    write_images(path, [Image(None, cards), *images], record)


def flat_check(camera: Camera, settings: Mapping) -> Callable[[RawFrame], None]:
    """A test of a flat: its EXPTIME, and its level, taken on its first chip."""
    chip = next(iter(camera.chips.values()))

    def check(frame: RawFrame) -> None:
        if "EXPTIME" not in frame.header or number(frame.header, "EXPTIME") < 0:
            raise InputError("EXPTIME is missing or below 0.")
        image = chip_image(chip, frame.chips[chip.name], camera, settings["overscan"])
        if not usable_level(chip, image, settings["flat"]):
            raise InputError("The flat is too faint or too bright (calibrations.flat).")

    return check


def band_of(frame: RawFrame) -> str:
    """FILTER of a frame; empty if it has none."""
    return str(frame.header.get("FILTER", "")).strip()


def one_band(found: CalibrationSet) -> str:
    """The band of all frames; InputError if they differ."""
    bands = sorted({band_of(frame) for frame in found.frames})
    if len(bands) != 1 or not bands[0]:
        raise InputError(f"Flats of one band were expected, FILTER says {', '.join(bands)}.")
    return bands[0]


def by_band(found: CalibrationSet, images: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Images grouped by the band of their frames."""
    groups: dict[str, list[np.ndarray]] = {}
    for frame, image in zip(found.frames, images, strict=True):
        groups.setdefault(band_of(frame), []).append(image)
    return groups


def plain_matrix(matrix: np.ndarray) -> list[list[float]]:
    """A matrix as lists of numbers, rounded to 10⁻⁷ (far below any error)."""
    return [[round(float(value), 7) + 0.0 for value in row] for row in matrix]
