"""The files of a calibrated frame: one per exposure, or one per chip (``frames.files``)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from ..io.fits import Image
    from ..io.provenance import Record


def check_files(paths: Sequence[Path], chips: Sequence[str], what: str) -> None:
    """Whether there is one file to write, or one per chip.

    Raises
    ------
    InputError
        Naming the option and the chips.
    """
    if len(paths) not in (1, len(chips)):
        raise InputError(
            f"{what}: expected one file, or one per chip ({', '.join(chips)}), got {len(paths)}."
        )


def write_planes(paths: Sequence[Path], hdus: Sequence["Image"], record: "Record") -> None:
    """Write an exposure's chips into one file, or each into its own.

    Parameters
    ----------
    paths : sequence of Path
        One, or as many as there are chips, in their order.
    hdus : sequence of Image
        The primary HDU, which every file gets, then one per chip; none for a broken exposure.
    record : Record
    """
    from ..io.fits import write_images

    primary, *chips = hdus
    if len(paths) == 1:
        write_images(paths[0], hdus, record)
        return
    parts = [[chip] for chip in chips] or [[] for _ in paths]
    for path, own in zip(paths, parts, strict=True):
        write_images(path, [primary, *own], record)
