"""The frames of a stack: which are used, and each chip's pixels, noise and place."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from astropy.io.fits import Header
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS, WcsError

from ..camera import Chip
from ..errors import InputError
from ..io.json import read_json
from ..io.rows import RowImage, reading_rows

PASS = "pass"


@dataclass(frozen=True)
class Frame:
    """One candidate exposure: its files and what its verdict says.

    Attributes
    ----------
    exposure : str
    images, masks : tuple of Path
        Its calibrated image and its mask: a file of all chips, or one per chip.
    used : bool
        Whether it passed screening.
    mjd : float
        UTC at mid-exposure.
    exptime : float
        s.
    fwhm : float
        arcsec.
    reasons : tuple of str
        Why it didn't pass.
    """

    exposure: str
    images: tuple[Path, ...]
    masks: tuple[Path, ...]
    used: bool
    mjd: float
    exptime: float
    fwhm: float
    reasons: tuple[str, ...] = ()


def read_frames(
    images: Sequence[Path],
    masks: Sequence[Path],
    verdicts: Sequence[Path],
    tile: str,
    band: str,
) -> list[Frame]:
    """The candidates of a stack, ordered by exposure whatever the order of the files.

    An exposure's images and masks are one file each, or one per chip: as many for each verdict.

    Raises
    ------
    InputError
        If the three lists differ in length, or a verdict lacks a key, belongs to another tile or
        band, or occurs twice.
    """
    parts = len(images) // max(len(verdicts), 1)
    if (
        len(images) != len(masks)
        or len(images) != parts * len(verdicts)
        or (verdicts and not parts)
    ):
        raise InputError(
            f"{len(images)} images, {len(masks)} masks and {len(verdicts)} verdicts: expected one "
            "of each per exposure, or an image and a mask per chip, in the same order."
        )
    frames = []
    for n, verdict in enumerate(verdicts):
        own = slice(n * parts, (n + 1) * parts)
        files = [tuple(map(Path, paths[own])) for paths in (images, masks)]
        frames.append(_frame(*files, Path(verdict), tile, band))
    frames.sort(key=lambda frame: frame.exposure)
    for first, second in pairwise(frames):
        if first.exposure == second.exposure:
            raise InputError(f"{second.images[0]}: exposure {first.exposure} is given twice.")
    return frames


def _frame(
    images: tuple[Path, ...], masks: tuple[Path, ...], path: Path, tile: str, band: str
) -> Frame:
    verdict = read_json(path)
    wanted = ("exposure", "tile", "band", "verdict", "mjd", "exptime", "fwhm")
    missing = [key for key in wanted if key not in verdict]
    if missing:
        raise InputError(f"{path}: the verdict lacks {missing}; expected {list(wanted)}.")
    if (verdict["tile"], verdict["band"]) != (tile, band):
        raise InputError(
            f"{path}: expected a frame of tile {tile}, band {band}; got tile {verdict['tile']}, "
            f"band {verdict['band']}."
        )
    used = verdict["verdict"] == PASS
    if used and not all(_is_positive(verdict[key]) for key in ("mjd", "exptime", "fwhm")):
        raise InputError(f"{path}: a frame that passes needs positive mjd, exptime and fwhm.")
    values = [float(verdict[key] or 0) if used else 0.0 for key in ("mjd", "exptime", "fwhm")]
    reasons = tuple(map(str, verdict.get("reasons", ())))
    return Frame(verdict["exposure"], images, masks, used, *values, reasons)


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and np.isfinite(value) and value > 0


@dataclass(frozen=True)
class ChipFrame:
    """One chip of one exposure, open for reading by rows.

    Attributes
    ----------
    image, mask : RowImage
        float32 flux per pixel (NaN = no value) and uint8 bits.
    wcs : WCS
    noise : ndarray of float32
        Variance of the background per pixel, shape (strips, ny).
    strip : ndarray of int16
        The strip of each column: columns of one strip are read by the same amplifiers.
    saturation, gain, rms : float
        The lowest saturation level over the amplifiers, their harmonic mean gain (e⁻ per unit) and
        their median noise, bad amplifiers left out.
    level : float
        What is left of its background, to be subtracted from `image`.
    """

    image: RowImage
    mask: RowImage
    wcs: WCS
    noise: np.ndarray
    strip: np.ndarray
    saturation: float
    gain: float
    rms: float
    level: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        return self.image.shape


@contextmanager
def open_chips(frame: Frame, chips: Mapping[str, Chip]) -> Iterator[list[ChipFrame]]:
    """Open a frame's chips; a chip whose amplifiers are all bad is left out.

    Raises
    ------
    InputError
        If a file can't be read, holds another exposure, or a chip or card is missing or invalid.
    """
    with ExitStack() as stack:
        opened: dict[str, ChipFrame | None] = {}
        for path, mask_path in zip(frame.images, frame.masks, strict=True):
            images = stack.enter_context(reading_rows(path))
            masks = stack.enter_context(reading_rows(mask_path))
            found = images[0].header.get("EXPOSURE")
            if found != frame.exposure:
                raise InputError(
                    f"{images[0]}: expected EXPOSURE {frame.exposure}, as its verdict says; "
                    f"got {found}."
                )
            by_name = {image.name: image for image in masks}
            for image in images[1:]:
                if image.name not in chips or image.name not in by_name:
                    raise InputError(f"{image}: no chip of that name in the camera or {mask_path}.")
                if image.name in opened:
                    raise InputError(f"{image}: chip {image.name} is given twice.")
                opened[image.name] = chip_frame(image, by_name[image.name], chips[image.name])
        yield [chip for chip in opened.values() if chip is not None]


def chip_frame(image: RowImage, mask: RowImage, chip: Chip) -> ChipFrame | None:
    """Interpret a chip's cards; None if every amplifier is bad."""
    for found in (image, mask):
        if found.shape != chip.shape:
            raise InputError(
                f"{found}: expected {chip.shape} pixels (rows, columns), as the camera file says; "
                f"got {found.shape}. If the release made it, delete it and run again."
            )
    good = good_amplifiers(image, len(chip.amplifiers))
    if not good:
        return None
    noise, strip = amplifier_noise(image, chip, good)
    gains = [_card(image, f"GAIN{n}") for n in good]
    return ChipFrame(
        image,
        mask,
        read_wcs(image),
        noise,
        strip,
        _card(image, "SATURATE"),
        len(gains) / sum(1 / gain for gain in gains),
        float(np.median([_card(image, f"RMS{n}") for n in good])),
    )


def good_amplifiers(image: RowImage, count: int) -> list[int]:
    """Numbers, from 1, of the amplifiers that BADAMP doesn't mark.

    Raises
    ------
    InputError
        If BADAMP isn't a string of as many digits.
    """
    digits = str(image.header.get("BADAMP", ""))
    if len(digits) != count or not set(digits) <= {"0", "1"}:
        raise InputError(f"{image}: BADAMP: expected {count} digits 0 or 1, got {digits!r}.")
    return [n for n, digit in enumerate(digits, 1) if digit == "0"]


def amplifier_noise(
    image: RowImage, chip: Chip, good: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Variance of the background per pixel, from the cards RMSn and SLOPEn.

    The frame was scaled by 10^(0.4 (30 − zp(y))), so the noise follows zp(y) = OFFSET + SLOPE (y −
    middle). A bad amplifier gets the good ones' median: its pixels are masked.

    Returns
    -------
    noise : ndarray of float32
        Shape (strips, ny).
    strip : ndarray of int16
        The strip of each column, shape (nx,).
    """
    edges = sorted({a.columns.start for a in chip.amplifiers})
    strip = np.searchsorted(edges, np.arange(chip.shape[1]), side="right") - 1
    typical = float(np.median([_card(image, f"RMS{n}") for n in good]))
    noise = np.full((len(edges), chip.shape[0]), typical**2)
    for n in good:
        amplifier = chip.amplifiers[n - 1]
        rows = amplifier.rows
        y = np.arange(rows.start, rows.stop) - (rows.start + rows.stop - 1) / 2
        slope = _card(image, f"SLOPE{n}", positive=False)
        noise[np.unique(strip[amplifier.columns]), rows] = (
            _card(image, f"RMS{n}") * 10 ** (-0.4 * slope * y)
        ) ** 2
    return noise.astype(np.float32), strip.astype(np.int16)


def _card(image: RowImage, keyword: str, positive: bool = True) -> float:
    value = image.header.get(keyword)
    is_number = isinstance(value, int | float) and np.isfinite(value)
    if not is_number or (positive and value <= 0):
        kind = "a positive number" if positive else "a number"
        raise InputError(f"{image}: card {keyword}: expected {kind}, got {value!r}.")
    return float(value)


def read_wcs(image: RowImage) -> WCS:
    """The WCS of an image.

    Raises
    ------
    InputError
        If its cards make no celestial WCS.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            wcs = WCS(wcs_cards(image.header))
    except (WcsError, ValueError, MemoryError) as error:
        raise InputError(f"{image}: its cards make no WCS ({error}).") from error
    if not wcs.has_celestial:
        raise InputError(
            f"{image}: expected a celestial WCS (CTYPE RA---TPV, RA---TAN-SIP or RA---TAN)."
        )
    return wcs


def wcs_cards(header: Header) -> Header:
    """The cards of a header that a WCS may read; KMTNet's own have others that break it."""
    prefixes = ("CTYPE", "CUNIT", "CRVAL", "CRPIX", "CD", "PV", "NAXIS", "RADESYS", "EQUINOX")
    prefixes += ("A_", "B_", "AP_", "BP_")  # SIP's
    kept = Header()
    for card in header.cards:
        if card.keyword.startswith(prefixes):
            kept.append(card, end=True)
    return kept
