"""Assemble a chip: turn its amplifiers as they lie on the detector and put them in place."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ..camera import Amplifier, Camera, Chip
from ..errors import InputError
from .overscan import subtract_overscan
from .raw import amplifier_shapes


def unflip(data: np.ndarray, amplifier: Amplifier) -> np.ndarray:
    """Undo the mirroring in x and y with which an amplifier's pixels are stored."""
    in_x, in_y = amplifier.flip
    return data[:: -1 if in_y else 1, :: -1 if in_x else 1]


def assemble(chip: Chip, amplifiers: Iterable[np.ndarray]) -> np.ndarray:
    """Put amplifiers together.

    Parameters
    ----------
    chip : Chip
        Where each amplifier lies.
    amplifiers : iterable of ndarray
        Data sections as stored, in the order of the camera file.

    Returns
    -------
    ndarray of float32, shape chip.shape
        The chip frame; NaN where no amplifier reads.
    """
    image = np.full(chip.shape, np.nan, dtype=np.float32)
    for amplifier, data in zip(chip.amplifiers, amplifiers, strict=True):
        image[amplifier.rows, amplifier.columns] = unflip(data, amplifier)
    return image


def chip_image(
    chip: Chip, arrays: Sequence[np.ndarray], camera: Camera, overscan: Mapping | None
) -> np.ndarray:
    """A chip's image from the arrays of a raw frame: overscan subtracted where there is one.

    Parameters
    ----------
    chip : Chip
    arrays : sequence of ndarray
        Its amplifiers as stored, with or without overscan, or the assembled chip alone
        (`skymill.frames.raw.RawFrame`).
    camera : Camera
    overscan : Mapping or None
        Settings of `subtract_overscan`; None where frames arrive reduced.

    Returns
    -------
    ndarray of float32, shape chip.shape
        ADU, chip frame.

    Raises
    ------
    InputError
        If the arrays have an overscan though `overscan` is None.
    """
    check_overscan(chip, arrays, camera, overscan)
    if len(arrays) == 1 and arrays[0].shape == chip.shape:
        return arrays[0].astype(np.float32)
    trimmed = (
        array
        if array.shape == amplifier_shapes(camera, amplifier)[-1]
        else subtract_overscan(array, camera, overscan)
        for amplifier, array in zip(chip.amplifiers, arrays, strict=True)
    )
    return assemble(chip, trimmed)


def check_overscan(
    chip: Chip, arrays: Sequence[np.ndarray], camera: Camera, overscan: Mapping | None
) -> None:
    """InputError if a chip's arrays have an overscan and nothing says what to do with it."""
    if overscan is not None or arrays[0].shape == chip.shape:
        return
    if arrays[0].shape != amplifier_shapes(camera, chip.amplifiers[0])[-1]:
        raise InputError(
            "The frame isn't reduced (it has an overscan), though the configuration has no "
            "calibrations section."
        )
