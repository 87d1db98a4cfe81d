"""The files of a calibrated frame: one per exposure, or one per chip (``frames.files``)."""

from collections.abc import Iterable, Sequence
from itertools import islice
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


def write_planes(paths: Sequence[Path], hdus: Iterable["Image"], record: "Record") -> None:
    """Write an exposure's chips into one file, or each into its own.

    Parameters
    ----------
    paths : sequence of Path
        One, or as many as there are chips, in their order.
    hdus : iterable of Image
        The primary HDU, which every file gets, then one per chip; none for a broken exposure. Each
        is written before the next is asked for.
    record : Record
    """
    from ..io.fits import write_images

    if len(paths) == 1:
        write_images(paths[0], hdus, record)
        return
    rest = iter(hdus)
    primary = next(rest)
    for path in paths:
        write_images(path, [primary, *islice(rest, 1)], record)
