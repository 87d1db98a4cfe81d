"""A calibration map from where it was published: an archive, a release's folder, a file."""

import io
import tarfile
import zlib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

import numpy as np

from ..errors import InputError
from ..io.npy import read_npy

LARGEST = 64 << 20
"""Bytes of a map: KS4's have 96,928 at the most; what says that it is larger is no map."""
SHOWN = 3
"""Names like the one that isn't there, in a message."""
PLANES = {"shift": (2,)}
"""Kind of map → what follows its two axes; nothing by default."""


def load_map(source: Path | str, name: str) -> np.ndarray:
    """Read a map, of whatever shape.

    Parameters
    ----------
    source : Path or str
        An archive (``.tar``, ``.tar.gz``) as KS4 and Skymill publish them, a folder with maps or
        with a folder per tile, or the ``.npy`` file itself, whose name then doesn't matter.
    name : str
        The file's name, as `skymill.tree.map_name` makes it.

    Returns
    -------
    ndarray of float64, shape (nx, ny); of kind shift (nx, ny, 2)
        Indexed [x_bin, y_bin]; what `skymill.maps.look_up` takes.

    Raises
    ------
    InputError
        If the source, or the map in it, is missing or damaged, or isn't an array of numbers of that
        shape. Nothing in it is ever executed or unpacked to the disk.
    """
    source, planes = Path(source), PLANES.get(name.partition("_map_")[0], ())
    if source.is_dir():
        path = _in_folder(source, name)
        return _checked(read_npy(path), planes, str(path))
    if source.suffix == ".npy":
        return _checked(read_npy(source), planes, str(source))
    where = f"{source}: {name}"
    return _checked(read_npy(io.BytesIO(_member(source, name)), where), planes, where)


def _in_folder(folder: Path, name: str) -> Path:
    found = sorted({*folder.glob(name), *folder.glob(f"*/{name}")})
    if not found:
        there = {path.name for path in (*folder.glob("*.npy"), *folder.glob("*/*.npy"))}
        raise InputError(_missing(folder, name, there))
    return found[0]


def _member(path: Path, name: str) -> bytes:
    """What an archive holds under a name, in whatever folder."""
    names = []
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                names.append(PurePosixPath(member.name).name)
                if names[-1] == name and member.isfile():
                    if member.size > LARGEST:
                        raise InputError(f"{path}: {name} has {member.size} bytes: no map.")
                    return archive.extractfile(member).read()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file or folder.") from error
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise InputError(f"{path}: expected a tar archive of maps ({error}).") from error
    raise InputError(_missing(path, name, names))


def _missing(source: Path, name: str, there: Iterable[str]) -> str:
    maps = sorted({other for other in there if other.endswith(".npy")})
    like = get_close_matches(name, maps, SHOWN, 0.8)
    said = f"the nearest of its {len(maps)} maps: {', '.join(like)}" if like else "no such maps"
    return f"{source}: expected {name}; {said}."


def _checked(values: np.ndarray, planes: tuple[int, ...], where: str) -> np.ndarray:
    """The map as float64.

    Raises
    ------
    InputError
        If it is no map.
    """
    grid = values.ndim == 2 + len(planes) and values.shape[2:] == planes
    if not grid or not values.size or values.dtype.kind not in "fiu":
        axes = f", and {planes[0]} planes" if planes else ""
        raise InputError(
            f"{where}: expected an array of numbers with two axes, [x_bin, y_bin]{axes}; "
            f"got {values.dtype} of shape {values.shape}."
        )
    return values.astype(np.float64)
