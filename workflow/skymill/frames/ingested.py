"""What is measured on an exposure that arrives calibrated: noise, sources, relative zero point."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..bits import FULL_WELL
from ..camera import Camera, Chip
from ..errors import DataError, InputError
from ..geometry import match, separation
from ..io.fits import Image, read_images
from ..sources.instrumental import instrumental
from .astrometry import Astrometry
from .background import subtract_sky
from .calibration import Calibration, shapes
from .distortion import ChipSolution
from .measured_chip import MeasuredChip, with_sources
from .pointing import NO_VOTE
from .products import amplifier_record, outlines
from .scaling import depth, scaled_noise
from .screening import Figures
from .tpv import sky_of_pixels
from .zero_point import ZeroPoint

ROUNDS = 10
PROJECTIONS = ("TPV", "TAN")


@dataclass(frozen=True)
class Ingested:
    """An exposure as it was measured.

    Attributes
    ----------
    chips : dict of str to MeasuredChip
    wcs : dict of str to dict
        Chip → its TPV cards.
    ra, dec : float
        Centre of the first chip, degrees.
    """

    chips: dict[str, MeasuredChip]
    wcs: dict[str, dict[str, float | str]]
    ra: float
    dec: float


def measure_exposure(path: Path, camera: Camera, settings: Mapping) -> Ingested:
    """Read an exposure, take out what sky is left, and measure noise and sources.

    Parameters
    ----------
    path : Path
        Images with a WCS, an HDU per chip in the camera file's order.
    camera : Camera
    settings : Mapping
        The configuration's ``frames``: background, detection.

    Raises
    ------
    InputError
        If the file can't be read, or its images or WCS aren't as expected.
    DataError
        If detection fails.
    """
    images = chip_images(path, camera)
    chips, wcs = {}, {}
    for (name, chip), image in zip(camera.chips.items(), images, strict=True):
        wcs[name] = tpv_cards({key: value for key, value, _ in image.cards}, path.name)
        chips[name] = _measured(chip, image.data, settings, camera.pixel_scale)
    first = next(iter(camera.chips.values()))
    middle = ((n - 1) / 2 for n in reversed(first.shape))
    ra, dec = sky_of_pixels(wcs[first.name], *(np.array([value]) for value in middle))
    return Ingested(chips, wcs, float(ra[0]), float(dec[0]))


def chip_images(path: Path, camera: Camera) -> list[Image]:
    """The images of a file, one per chip; InputError if they aren't the camera's."""
    found = [image for image in read_images(path) if image.data is not None and image.data.size]
    got, wanted = [i.data.shape for i in found], [c.shape for c in camera.chips.values()]
    if got != wanted:
        raise InputError(f"{path.name}: expected images of {wanted} pixels (ny, nx), got {got}.")
    return found


def tpv_cards(header: Mapping, name: str) -> dict[str, float | str]:
    """The WCS of a header as TPV cards; a plain TAN is a TPV without terms.

    Raises
    ------
    InputError
        If it is no such projection in equatorial coordinates, or a card is missing.
    """
    types = [str(header.get(f"CTYPE{axis}", "")).split("-") for axis in (1, 2)]
    if [t[0] for t in types] != ["RA", "DEC"] or not {t[-1] for t in types} <= set(PROJECTIONS):
        raise InputError(
            f"{name}: CTYPE is {header.get('CTYPE1')!r}, {header.get('CTYPE2')!r}; expected "
            "RA and DEC in TPV or TAN."
        )
    numbers = ["CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "CD1_1", "CD1_2", "CD2_1", "CD2_2"]
    missing = [key for key in numbers if key not in header]
    if missing:
        raise InputError(f"{name}: the header lacks {', '.join(missing)} of its WCS.")
    numbers += [f"PV{axis}_{k}" for axis in (1, 2) for k in range(12)]
    cards: dict[str, float | str] = {
        "CTYPE1": "RA---TPV",
        "CTYPE2": "DEC--TPV",
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "RADESYS": "ICRS",
    }
    return cards | {key: float(header[key]) for key in numbers if key in header}


def _measured(chip: Chip, image: np.ndarray, settings: Mapping, pixel_scale: float) -> MeasuredChip:
    image = image.astype(np.float32)
    saturation = min(amplifier.saturation for amplifier in chip.amplifiers)
    mask = np.where(image >= saturation, np.uint8(FULL_WELL), np.uint8(0))
    sky = subtract_sky(image, mask, chip.amplifiers, settings["background"])
    good = (mask == 0) & np.isfinite(sky.image)
    places = [(amplifier.rows, amplifier.columns) for amplifier in chip.amplifiers]
    noise = [histogram_noise(sky.image[place][good[place]]) for place in places]
    gain = np.array([amplifier.gain for amplifier in chip.amplifiers])
    sky = replace(sky, noise=np.array(noise))
    return with_sources(chip, mask, sky, gain, saturation, settings["detection"], pixel_scale)


def histogram_noise(values: np.ndarray) -> float:
    """Rms of the sky from the histogram of pixels, clipped at 3σ; NaN without pixels.

    Neighbouring pixels of an image that was resampled share their noise, so that their
    differences (`background.sky_noise`) would tell too little.
    """
    for _ in range(ROUNDS):
        if not values.size:
            return np.nan
        middle = np.median(values)
        sigma = 1.4826 * float(np.median(np.abs(values - middle)))
        kept = values[np.abs(values - middle) <= 3 * sigma]
        if kept.size == values.size:
            break
        values = kept
    return sigma


def check_pointing(found: Ingested, tile: Mapping, limit: float) -> None:
    """InputError if the exposure lies farther than `limit` degrees from its tile's centre."""
    apart = float(separation(found.ra, found.dec, tile["ra"], tile["dec"])) / 3600
    if apart > limit:
        raise InputError(f"The image's centre is {apart:.2f}° from the tile's centre.")


def zero_points(found: Ingested, first: Ingested, settings: Mapping) -> dict[str, list[ZeroPoint]]:
    """The exposure's zero point, from stars that it shares with the first one.

    Parameters
    ----------
    found, first : Ingested
        The exposure, and the first of its tile and band.
    settings : Mapping
        The section frames.ingest.

    Returns
    -------
    dict of str to list of ZeroPoint
        Chip → the same zero point for every amplifier, its slope 0.

    Raises
    ------
    DataError
        If too few stars are common.
    """
    difference, error = _differences(found, first, settings["snr"], settings["match_radius"])
    error = np.hypot(error, settings["floor"])
    if difference.size < settings["least_stars"]:
        raise DataError(
            f"Only {difference.size} stars in common with the first exposure; expected "
            f"{settings['least_stars']} for a zero point."
        )
    kept = _clipped(difference, error, settings["clip"])
    difference, weight = difference[kept], 1 / error[kept] ** 2
    mean = float(np.average(difference, weights=weight))
    rms = float(np.sqrt(np.average((difference - mean) ** 2, weights=weight)))
    sigma = float(1 / np.sqrt(weight.sum()))
    zp = settings["zero_point"] + mean
    point = ZeroPoint(zp, 0.0, sigma, int(kept.sum()), rms, False, "relative to the first exposure")
    return {name: [point] * len(chip.chip.amplifiers) for name, chip in found.chips.items()}


def _differences(
    found: Ingested, first: Ingested, snr: float, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Magnitudes in the first exposure − those here of common stars, in 5″; and their errors."""
    ra, dec, mag, error = _stars(found, snr)
    other_ra, other_dec, other_mag, other_error = _stars(first, snr)
    mine, theirs, _ = match(ra, dec, other_ra, other_dec, radius)
    return other_mag[theirs] - mag[mine], np.hypot(error[mine], other_error[theirs])


def _stars(found: Ingested, snr: float) -> tuple[np.ndarray, ...]:
    """Position, instrumental magnitude in 5″ (which seeing hardly changes) and its error."""
    parts = []
    for name, chip in found.chips.items():
        flux, error = (np.asarray(chip.sources[f"{k}_aper5"], float) for k in ("flux", "fluxerr"))
        rows = np.flatnonzero(chip.clean & (chip.snr >= snr) & (flux > 0))
        x, y = (np.asarray(chip.sources[axis], dtype=float)[rows] for axis in "xy")
        mag, magerr = instrumental(flux[rows], error[rows])
        parts.append((*sky_of_pixels(found.wcs[name], x, y), mag, magerr))
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _clipped(values: np.ndarray, error: np.ndarray, clip: float) -> np.ndarray:
    """Which values lie within `clip` of their own errors of the weighted mean of those kept.

    The mean starts from the median, and at most half of the values may go.
    """
    middle = np.median(values)
    for _ in range(ROUNDS):
        off = np.abs(values - middle) / error
        kept = off <= max(clip, float(np.median(off)))
        mean = np.average(values[kept], weights=1 / error[kept] ** 2)
        if mean == middle:
            break
        middle = mean
    return kept


def as_calibration(
    found: Ingested, points: dict[str, list[ZeroPoint]], settings: Mapping
) -> Calibration:
    """An exposure's calibration as `frames calibrate` would hold it, the header's WCS in it."""
    none, empty = np.empty(0, int), np.empty(0)
    solutions = {
        name: ChipSolution(cards, none, none, empty, empty, 0) for name, cards in found.wcs.items()
    }
    astrometry = Astrometry(NO_VOTE, None, solutions)
    matched = dict.fromkeys(found.chips, (none, none))
    return Calibration(astrometry, {}, shapes(found.chips, matched, settings), points)


def figures(found: Ingested, result: Calibration, settings: Mapping, pixel_scale: float) -> Figures:
    """What screening looks at; what only a reference catalogue tells is NaN, and not checked."""
    magzero = settings["ingest"]["magzero"]
    radius = settings["screening"]["depth_aperture"] / 2 / pixel_scale
    depths = [
        depth(scaled_noise(chip, result.zero_points[name], magzero), points, radius, magzero)
        for (name, chip), points in zip(
            found.chips.items(), result.zero_points.values(), strict=True
        )
    ]
    return Figures(
        seeing=float(max(shape.fwhm for shape in result.shapes.values()) * pixel_scale),
        elongation=float(np.mean([shape.elongation for shape in result.shapes.values()])),
        sections=np.nan,
        residual=np.nan,
        bad_amplifiers=0,
        sources=min(len(chip.sources) for chip in found.chips.values()),
        missing=max(chip.missing for chip in found.chips.values()),
        sky=np.nan,
        depth=float(min(depths)),
    )


def chip_records(found: Ingested, result: Calibration, border_points: int) -> dict[str, dict]:
    """The verdict's part about the chips; nothing was measured against Gaia."""
    unknown = {"stars": 0, "bright_stars": 0, "rms_ra": None, "rms_dec": None, "degree": 0}
    return {
        name: {
            **outlines(found.wcs[name], result.zero_points[name], chip.chip, border_points),
            "astrometry": {**unknown, "sections_good": 0, "sections_judged": 0},
            "amplifiers": {
                amplifier.name: amplifier_record(point)
                for amplifier, point in zip(
                    chip.chip.amplifiers, result.zero_points[name], strict=True
                )
            },
        }
        for name, chip in found.chips.items()
    }
