"""Read a raw frame and check that it is what the camera and the exposure table say."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..camera import Camera
from ..errors import InputError
from ..io.fits import Image, read_images

NEEDED = ("RA", "DEC", "OBSERVAT", "FILTER", "EXPTIME")
"""Cards of the primary header without which a frame can't be used."""


@dataclass(frozen=True)
class RawFrame:
    """A raw frame.

    Attributes
    ----------
    header : dict
        Cards of the exposure.
    chips : dict of str to list of ndarray
        For each chip its amplifiers' arrays as stored, in the order of the camera file; or one
        array, where the frame holds assembled chips.
    reduced : bool
        Whether overscan, crosstalk, bias, dark and flat are out already (`is_reduced`).
    """

    header: dict[str, object]
    chips: dict[str, list[np.ndarray]]
    reduced: bool


def read_raw(path: Path | str, camera: Camera) -> RawFrame:
    """Read a raw MEF: an HDU per amplifier, with or without overscan, or an HDU per chip.

    Which of them a file is, the number and the sizes of its HDUs tell; its name and the
    configuration have no say.

    Parameters
    ----------
    path : Path or str
        The file: a primary HDU without data, then the images; each may be tile-compressed (fpack).
    camera : Camera
        What is expected.

    Returns
    -------
    RawFrame
        Arrays uint16 or float32 as stored, in ADU.

    Raises
    ------
    InputError
        If the file can't be read whole, the number or size of its images isn't the camera's, or a
        chip holds nothing but zeros. The message names the file without its folder.
    """
    path = Path(path)
    try:
        images = read_images(path)
    except InputError as error:
        text = " ".join(str(error).replace(str(path), path.name).split())
        raise InputError(text.partition("; expected")[0].rstrip(".") + ".") from error
    if not images:
        raise InputError(f"{path.name}: holds no HDU.")
    filled = [image for image in images if image.data is not None and image.data.size]
    chips = _by_chip(path.name, filled, camera)
    for name, arrays in chips.items():
        # KMTNet's MEFs are filled up with zeros where a chip's file is missing.
        if not any(array.any() for array in arrays):
            raise InputError(
                f"{path.name}: chip {name} holds nothing but zeros: it wasn't read out."
            )
    return RawFrame(_header(images[0], filled[0]), chips, is_reduced(chips, camera))


def _header(primary: Image, first: Image) -> dict[str, object]:
    """The primary cards: fpack moves those of a primary image to the HDU that it makes of it."""
    header, moved = ({key: value for key, value, _ in hdu.cards} for hdu in (primary, first))
    return header if header.keys() & set(NEEDED) else moved


def is_reduced(chips: Mapping[str, list[np.ndarray]], camera: Camera) -> bool:
    """Whether a frame comes detrended: without the overscan with which the camera reads out.

    KASI hands frames over so, crosstalk, bias, dark and flat taken out (Paper III, §3.1.1). Of a
    camera without overscan the pixels can't tell; there the calibrations section says what is left
    to do.

    Parameters
    ----------
    chips : Mapping
        Chip → arrays as stored, all of one layout.
    camera : Camera
    """
    full, *trimmed = amplifier_shapes(camera, next(camera.amplifiers()))
    return bool(trimmed) and next(iter(chips.values()))[0].shape != full


def _by_chip(name: str, images: list[Image], camera: Camera) -> dict[str, list[np.ndarray]]:
    amplifiers = list(camera.amplifiers())
    if len(images) == len(camera.chips) != len(amplifiers):
        wanted = {chip: [camera.chips[chip].shape] for chip in camera.chips}
    elif len(images) == len(amplifiers):
        wanted = {a.name: amplifier_shapes(camera, a) for a in amplifiers}
    else:
        raise InputError(
            f"{name}: has {len(images)} image HDUs; expected {len(amplifiers)} amplifiers "
            f"or {len(camera.chips)} chips{_lacking(images, camera)}."
        )
    arrays = _in_order(images, list(wanted))
    for (hdu, shapes), array in zip(wanted.items(), arrays, strict=True):
        if array.shape not in shapes:
            expected = " or ".join(f"{nx} × {ny}" for ny, nx in shapes)
            got = " × ".join(str(n) for n in reversed(array.shape))
            raise InputError(f"{name}: HDU {hdu} has {got} pixels; expected {expected}.")
        if array.shape != shapes[-1] and (array < 0).any():
            raise InputError(
                f"{name}: HDU {hdu} was read out with pixels below 0; is its card BZERO missing?"
            )
    trimmed = [
        array.shape == shapes[-1] for shapes, array in zip(wanted.values(), arrays, strict=True)
    ]
    if any(trimmed) and not all(trimmed):
        raise InputError(
            f"{name}: {sum(trimmed)} of {len(arrays)} image HDUs lack the overscan of the others; "
            "expected all as read out, or all reduced."
        )
    each = iter(arrays)
    if len(arrays) == len(camera.chips) != len(amplifiers):
        return {chip: [next(each)] for chip in camera.chips}
    return {n: [next(each) for _ in chip.amplifiers] for n, chip in camera.chips.items()}


def _lacking(images: list[Image], camera: Camera) -> str:
    """Which of the camera's HDUs a file lacks, if it names its HDUs as the camera does."""
    found = {image.name for image in images}
    for names in ([a.name for a in camera.amplifiers()], list(camera.chips)):
        missing = [name for name in names if name not in found]
        if 0 < len(missing) < len(names):
            return f"; {', '.join(missing)} missing"
    return ""


def _in_order(images: list[Image], names: list[str]) -> list[np.ndarray]:
    """Arrays by EXTNAME where the file uses the camera's names, by position where it doesn't."""
    by_name = {image.name: image.data for image in images}
    if set(by_name) == set(names):
        return [by_name[name] for name in names]
    return [image.data for image in images]


def amplifier_shapes(camera: Camera, amplifier) -> list[tuple[int, int]]:
    """The sizes (ny, nx) that an amplifier's HDU may have: as read out, or trimmed to its data."""
    ny = amplifier.rows.stop - amplifier.rows.start
    nx = amplifier.columns.stop - amplifier.columns.start
    full = (ny + camera.overscan_rows, camera.prescan + nx + camera.overscan)
    return list(dict.fromkeys([full, (ny, nx)]))


def check_header(header: Mapping, row: Mapping, tile: Mapping, limits: Mapping) -> None:
    """Check that a header belongs to the exposure that the table describes.

    Parameters
    ----------
    header : Mapping
        Cards of the primary HDU.
    row : Mapping
        The exposure's row: site, band, mjd, exptime.
    tile : Mapping
        The tile's row: ra, dec in degrees.
    limits : Mapping
        ``exptime`` (fraction), ``time`` (days), ``pointing`` (degrees): how far header and table
        may lie apart.

    Raises
    ------
    InputError
        One sentence: what is missing or contradicts the table.
    """
    missing = [key for key in NEEDED if key not in header]
    if missing:
        raise InputError(f"The header lacks {', '.join(missing)}.")
    for key, column in (("OBSERVAT", "site"), ("FILTER", "band")):
        found = str(header[key]).strip()
        if found != row[column]:
            raise InputError(f"The header says {key} {found}, the exposure table {row[column]}.")
    exptime = number(header, "EXPTIME")
    if abs(exptime - row["exptime"]) > limits["exptime"] * row["exptime"]:
        raise InputError(
            f"The header says EXPTIME {exptime:g} s, the exposure table {row['exptime']:g} s."
        )
    _check_time(header, row, limits["time"])
    ra, dec = pointing(header)
    apart = angle(ra, dec, tile["ra"], tile["dec"])
    if apart > limits["pointing"]:
        raise InputError(f"The header's pointing is {apart:.2f}° from the tile's centre.")


def _check_time(header: Mapping, row: Mapping, limit: float) -> None:
    start = header.get("DATE-OBS")
    if start is None:
        return
    try:
        middle = mjd_of(str(start)) + row["exptime"] / 2 / 86400
    except ValueError as error:
        raise InputError(f"The header's DATE-OBS {start!r} isn't a date.") from error
    if abs(middle - row["mjd"]) > limit:
        raise InputError(
            f"The header's DATE-OBS gives MJD {middle:.5f}, the exposure table {row['mjd']:.5f}."
        )


def mjd_of(text: str) -> float:
    """MJD of an ISO date and time in UTC; ValueError if it isn't one."""
    from datetime import UTC, datetime

    moment = datetime.fromisoformat(text.strip())
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (moment - datetime(1858, 11, 17, tzinfo=UTC)).total_seconds() / 86400


def number(header: Mapping, key: str) -> float:
    """A card as a number; InputError (one sentence) if it is none."""
    try:
        value = float(header[key])
    except (TypeError, ValueError) as error:
        raise InputError(f"The header's {key} {header[key]!r} isn't a number.") from error
    if not math.isfinite(value):
        raise InputError(f"The header's {key} isn't finite.")
    return value


def pointing(header: Mapping) -> tuple[float, float]:
    """RA and DEC of a primary header, degrees.

    Sexagesimal text (hours, degrees) or numbers in degrees. KMTNet writes 0, 0 where the
    telescope gave no position (KS4 pipeline, `ampcom`: such a frame is bad).

    Raises
    ------
    InputError
        One sentence, if they can't be read, lie off the sphere, or are both zero.
    """
    ra = _angle(header, "RA", 15.0)
    dec = _angle(header, "DEC", 1.0)
    if not (0 <= ra <= 360 and -90 <= dec <= 90):
        raise InputError(f"The header's pointing RA {ra:g}°, Dec {dec:g}° isn't on the sky.")
    if ra == 0 and dec == 0:
        raise InputError("The header's RA and DEC are both 0: the telescope gave no position.")
    return ra, dec


def _angle(header: Mapping, key: str, per_unit: float) -> float:
    text = header[key]
    if isinstance(text, str) and ":" in text:
        match = re.fullmatch(r"\s*([+-]?)(\d+):(\d+):(\d+(?:\.\d*)?)\s*", text)
        if match is None or int(match[3]) >= 60 or float(match[4]) >= 60:
            raise InputError(f"The header's {key} {text!r} isn't a sexagesimal angle.")
        value = int(match[2]) + int(match[3]) / 60 + float(match[4]) / 3600
        return per_unit * (-value if match[1] == "-" else value)
    return number(header, key)


def angle(ra1: float, dec1: float, ra2: float, dec2: float) -> float:
    """Angle between two positions, all in degrees."""
    ra1, dec1, ra2, dec2 = map(math.radians, (ra1, dec1, ra2, dec2))
    half = (
        math.sin((dec1 - dec2) / 2) ** 2
        + math.cos(dec1) * math.cos(dec2) * math.sin((ra1 - ra2) / 2) ** 2
    )
    return math.degrees(2 * math.asin(math.sqrt(min(1.0, half))))
