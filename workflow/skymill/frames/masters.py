"""Read the calibration masters of an exposure, chip by chip."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ..camera import Camera
from ..errors import InputError
from ..io.fits import image_shapes, read_images
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
    check_chips(path, {name: data.shape for name, data in chips.items()}, camera)
    return chips


def check_chips(path: Path | str, shapes: Mapping[str, tuple[int, ...]], camera: Camera) -> None:
    """InputError, naming file and HDU, if a file lacks a chip or has one of another size."""
    for name, chip in camera.chips.items():
        if shapes.get(name) != chip.shape:
            got = shapes.get(name, "no such HDU")
            raise InputError(f"{path}: HDU {name}: expected {chip.shape} pixels (y, x), got {got}.")


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


def read_masters(
    paths: Mapping[str, Path | None], camera: Camera, site: str
) -> Mapping[str, Masters]:
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
    Mapping of str to Masters
        For each chip, read anew whenever it is asked for.
    """
    return MasterFiles(paths, camera, site)


class MasterFiles(Mapping[str, Masters]):
    """The masters of each chip, read when they are asked for: those of a camera fill the memory.

    What headers tell is checked at once.
    """

    def __init__(self, paths: Mapping[str, Path | None], camera: Camera, site: str) -> None:
        self.camera = camera
        self.paths = {kind: paths[kind] for kind in IMAGES if paths.get(kind)}
        for path in self.paths.values():
            check_chips(path, image_shapes(path), camera)
        given = paths.get("crosstalk")
        self.crosstalk = read_crosstalk(given, camera) if given else {}
        self.dead = camera.sites[site].bad_amplifiers

    def __getitem__(self, name: str) -> Masters:
        chip = self.camera.chips[name]
        return Masters(
            **{kind: read_images(path, name)[0].data for kind, path in self.paths.items()},
            crosstalk=self.crosstalk.get(name),
            excluded=self.camera.crosstalk_excluded,
            bad=tuple(a.index for a in chip.amplifiers if a.name in self.dead),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.camera.chips)

    def __len__(self) -> int:
        return len(self.camera.chips)
