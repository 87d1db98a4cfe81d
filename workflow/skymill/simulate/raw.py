"""Raw frames as files: one HDU per amplifier."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..camera import Camera, Chip
from ..io.fits import Image
from ..io.provenance import Record
from .headers import amplifier_cards, primary_cards
from .plan import Exposure

KEPT = 0.55
"""The part of a truncated file that is left."""


def raw_images(
    camera: Camera,
    site: str,
    kind: str,
    exposure: Exposure,
    pixels: Iterable[tuple[Chip, list[np.ndarray]]],
) -> list[Image]:
    """The HDUs of a raw frame: a primary one without data, then the amplifiers in order.

    Parameters
    ----------
    camera : Camera
    site : str
    kind : str
        IMAGETYP.
    exposure : Exposure
        When it was taken, in what band, where the telescope was asked to point.
    pixels : iterable of (Chip, list of ndarray)
        Raw pixels of each chip's amplifiers.
    """
    cards = primary_cards(
        camera,
        site,
        kind,
        exposure.tile,
        exposure.band,
        exposure.exptime,
        exposure.mjd,
        exposure.ra,
        exposure.dec,
    )
    images = [Image(None, cards)]
    for chip, raw in pixels:
        for index, data in enumerate(raw):
            name = chip.amplifiers[index].name
            images.append(Image(data, amplifier_cards(camera, chip, index), name))
    return images


def truncate(path: Path, record: Record) -> None:
    """Cut a file in the middle of its data, as an interrupted transfer leaves it."""
    os.truncate(path, int(path.stat().st_size * KEPT))
    record.wrote(path)
