"""Read the calibration masters of an exposure, chip by chip."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..camera import Camera
from ..errors import InputError
from ..io.fits import read_images
from ..io.json import read_json
from .chip_frame import Masters

IMAGES = ("bias", "dark", "flat", "defects")


def read_master(path: Path | str, camera: Camera) -> dict[str, np.ndarray]:
    """The chips of a master image.

    Raises
    ------
    InputError
        If a chip is missing or has the wrong size; the message names file and HDU.
    """
    chips = {image.name: image.data for image in read_images(path) if image.data is not None}
    for name, chip in camera.chips.items():
        if name not in chips or chips[name].shape != chip.shape:
            got = chips[name].shape if name in chips else "no such HDU"
            raise InputError(f"{path}: HDU {name}: expected {chip.shape} pixels (y, x), got {got}.")
    return chips


def read_crosstalk(path: Path | str, camera: Camera) -> dict[str, np.ndarray]:
    """The crosstalk matrices of all chips, victim row, aggressor column.

    Raises
    ------
    InputError
        If a chip's matrix is missing or isn't square over its amplifiers.
    """
    content = read_json(path).get("coefficients", {})
    matrices = {}
    for name, chip in camera.chips.items():
        matrix = np.array(content.get(name, []), dtype=np.float64)
        if matrix.shape != (len(chip.amplifiers),) * 2:
            n = len(chip.amplifiers)
            raise InputError(
                f"{path}: coefficients.{name}: expected {n} × {n} numbers, got {matrix.shape}."
            )
        matrices[name] = matrix
    return matrices


def read_slopes(path: Path | str) -> dict[str, dict]:
    """Gain and read noise of each amplifier.

    Raises
    ------
    InputError
        If the file holds none.
    """
    content = read_json(path).get("amplifiers")
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected the key 'amplifiers'.")
    return content


def read_masters(paths: Mapping[str, Path | None], camera: Camera, site: str) -> dict[str, Masters]:
    """All masters of an exposure.

    Parameters
    ----------
    paths : Mapping
        ``bias``, ``dark``, ``flat``, ``defects``, ``crosstalk``: files, or None where frames
        arrive without that effect.
    camera : Camera
    site : str
        Whose bad amplifiers hold.

    Returns
    -------
    dict of str to Masters
        For each chip.
    """
    images = {kind: read_master(paths[kind], camera) for kind in IMAGES if paths.get(kind)}
    crosstalk = read_crosstalk(paths["crosstalk"], camera) if paths.get("crosstalk") else {}
    dead = camera.sites[site].bad_amplifiers
    return {
        name: Masters(
            **{kind: chips[name] for kind, chips in images.items()},
            crosstalk=crosstalk.get(name),
            excluded=camera.crosstalk_excluded,
            bad=tuple(a.index for a in chip.amplifiers if a.name in dead),
        )
        for name, chip in camera.chips.items()
    }
