"""JSON, NumPy arrays, pictures, text and anything else."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..io.json import read_json
from ..io.npy import read_npy
from .arrays import compare_arrays
from .difference import Difference
from .fits import pixel


def compare_json(a: Path, b: Path) -> list[Difference]:
    """Where two JSON files differ, key by key."""
    return list(_values("", read_json(a), read_json(b)))


def _values(where: str, a: object, b: object) -> Iterator[Difference]:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in dict.fromkeys([*a, *b]):
            inner = f"{where}.{key}" if where else str(key)
            if key in a and key in b:
                yield from _values(inner, a[key], b[key])
            else:
                yield Difference(inner, a.get(key, "(absent)"), b.get(key, "(absent)"))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for number, (one, other) in enumerate(zip(a, b, strict=True)):
            yield from _values(f"{where}[{number}]", one, other)
    elif type(a) is not type(b) or a != b:
        yield Difference(where or "content", a, b)


def compare_npy(a: Path, b: Path) -> list[Difference]:
    """Where two NumPy arrays differ."""
    arrays = [read_npy(path) for path in (a, b)]
    return compare_arrays("array", *arrays, lambda index: f"[{', '.join(map(str, index))}]")


def compare_png(a: Path, b: Path) -> list[Difference]:
    """Where two pictures differ; pixels are counted from 1, from the upper left corner."""
    from PIL import Image, UnidentifiedImageError

    pictures = []
    for path in (a, b):
        try:
            with Image.open(path) as picture:
                pictures.append((picture.mode, dict(picture.info), np.asarray(picture)))
        except (OSError, UnidentifiedImageError) as error:
            raise InputError(f"{path}: expected a picture ({error}).") from error
    (mode, info, pixels), (other_mode, other_info, other_pixels) = pictures
    found = [Difference("mode", mode, other_mode)] if mode != other_mode else []
    keys = sorted(info.keys() | other_info.keys())
    pairs = [(key, info.get(key), other_info.get(key)) for key in keys]
    found += [Difference(f"chunk {key}", one, two) for key, one, two in pairs if one != two]
    # A colour is the first axis of a pixel's name, where there is one.
    planes = [np.moveaxis(x, -1, 0) if x.ndim == 3 else x for x in (pixels, other_pixels)]
    return found + compare_arrays("pixels", *planes, pixel)


def compare_text(a: Path, b: Path) -> list[Difference]:
    """The first line in which two texts differ; nothing if one of them isn't text."""
    try:
        lines = [path.read_text(encoding="utf-8").split("\n") for path in (a, b)]
    except UnicodeDecodeError:
        return []
    pairs = [pair for pair in enumerate(zip_longest(*lines), 1) if pair[1][0] != pair[1][1]]
    if not pairs:
        return []
    (number, (one, other)), total = pairs[0], max(map(len, lines))
    return [Difference("lines", one, other, len(pairs), total, f"line {number}")]


def compare_bytes(a: Path, b: Path) -> Difference:
    """The first byte in which two files differ, that do differ."""
    contents = [np.frombuffer(path.read_bytes(), np.uint8) for path in (a, b)]
    size = min(map(len, contents))
    different = contents[0][:size] != contents[1][:size]
    count = int(different.sum())
    if not count:
        return Difference("bytes, size", len(contents[0]), len(contents[1]))
    at = int(np.argmax(different))
    return Difference("bytes", *(int(c[at]) for c in contents), count, size, f"byte {at}")
