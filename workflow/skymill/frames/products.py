"""What a calibrated exposure is written as: cards, catalogue, verdict."""

from collections.abc import Mapping

import numpy as np
from astropy.table import Table, vstack

from ..camera import Chip
from ..io.fits import Card
from ..io.parquet import table_schema
from .astrometry import Astrometry
from .calibration import Calibration, Chips, residuals
from .footprint import footprint, good_regions
from .measured_chip import MeasuredChip
from .photometric_fit import LOG_ERROR
from .quality_cards import quality_cards
from .scaling import middle_factor, scaled_noise, scaled_saturation
from .tpv import plane_of_sky, sky_of_pixels
from .zero_point import ZeroPoint, middle_row


def chip_cards(
    chip: MeasuredChip,
    name: str,
    result: Calibration,
    pixel_scale: float,
    magzero: float,
) -> list[Card]:
    """The header of a chip's scaled image."""
    points = result.zero_points[name]
    cards = wcs_cards(result.astrometry.chips[name].cards)
    cards.append(("MAGZERO", magzero, "[mag] AB zero point of the image"))
    shape = result.shapes[name]
    cards += _known("FWHM", shape.fwhm * pixel_scale, "[arcsec] of stars")
    cards += _known("ELONG", shape.elongation, "a/b of stars")
    cards += _known("SKYLEVEL", chip.sky.level, "[adu] sky that was taken out")
    saturation = scaled_saturation(chip, points, magzero)
    cards.append(("SATURATE", round(saturation, 3), "lowest saturation level, scaled"))
    noise = scaled_noise(chip, points, magzero)
    if np.isfinite(noise).any():
        noise = np.where(np.isfinite(noise), noise, np.nanmedian(noise))
    for n, point in enumerate(points, 1):
        zp = point.zp if np.isfinite(point.zp) else magzero
        factor = middle_factor(point, magzero)
        cards.append((f"OFFSET{n}", round(zp, 6), "[mag] zero point at the middle row"))
        cards.append((f"SLOPE{n}", float(f"{point.slope:.6e}"), "[mag/pix] along y"))
        cards.append((f"FITSTAR{n}", point.stars, "stars of the fit"))
        cards += _known(f"RMS{n}", noise[n - 1], "background noise per pixel, scaled")
        gain = float(f"{chip.gain[n - 1] / factor:.8e}")
        cards.append((f"GAIN{n}", gain, "[electron] per scaled unit"))
    digits = "".join(str(int(point.bad)) for point in points)
    cards.append(("BADAMP", digits, "1: bad amplifier; first digit: amplifier 1"))
    if name in result.sections:  # an exposure that arrived calibrated wasn't aligned
        sections, bad = result.sections[name], sum(point.bad for point in points)
        cards += quality_cards(result.astrometry.chips[name], sections, bad)
    return cards


def _known(keyword: str, value: float, comment: str) -> list[Card]:
    """A card, or none where there is no value."""
    return [(keyword, float(f"{value:.8g}"), comment)] if np.isfinite(value) else []


def wcs_cards(cards: Mapping[str, float | str]) -> list[Card]:
    """A chip's solution in the order in which headers give it."""
    order = ["RADESYS", "CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2", "CRVAL1", "CRVAL2"]
    order += ["CRPIX1", "CRPIX2", "CD1_1", "CD1_2", "CD2_1", "CD2_2"]
    order += [f"PV{axis}_{k}" for axis in (1, 2) for k in range(12)]
    return [(key, cards[key], "") for key in order if key in cards]


def catalogue(
    chips: Chips, result: Calibration, aper5: Mapping[str, float], pixel_scale: float
) -> Table:
    """The detections of an exposure, calibrated: the table ``frame``.

    `aper5` adds to each chip's MAG_APER5, in mag: zero points that are AUTO's need an aperture
    correction there.
    """
    parts = [
        _chip_catalogue(
            chip,
            name,
            result.astrometry.chips[name].cards,
            result.zero_points[name],
            {"auto": 0.0, "aper5": aper5[name]},
            pixel_scale,
        )
        for name, chip in chips.items()
        if len(chip.sources)
    ]
    return vstack(parts, metadata_conflicts="silent") if parts else table_schema("frame").empty()


def _chip_catalogue(
    chip: MeasuredChip,
    name: str,
    cards: Mapping[str, float | str],
    points: list[ZeroPoint],
    corrections: Mapping[str, float],
    pixel_scale: float,
) -> Table:
    table = chip.sources
    x, y = np.asarray(table["x"], dtype=float), np.asarray(table["y"], dtype=float)
    reader = chip.amplifier_of(x, y)
    zp = np.full(x.size, np.nan)
    for amplifier, point in zip(chip.chip.amplifiers, points, strict=True):
        mine = reader == amplifier.index
        zp[mine] = point.zp + point.slope * (y[mine] - middle_row(amplifier.rows))
    ra, dec = sky_of_pixels(cards, x, y)
    columns = {
        "chip": np.full(x.size, name, dtype=object),
        "amplifier": reader + 1,
        "x_image": x + 1,
        "y_image": y + 1,
        "ra": ra,
        "dec": dec,
        "fwhm": np.asarray(table["fwhm_image"]) * pixel_scale,
        "elongation": np.asarray(table["a_image"]) / np.maximum(table["b_image"], 1e-6),
        "theta_image": np.asarray(table["theta_image"]),
        "flags": np.asarray(table["flags"]),
        "imaflags_iso": np.asarray(table["imaflags_iso"]),
    }
    for aperture, correction in corrections.items():
        flux, error = (np.asarray(table[f"{k}_{aperture}"]) for k in ("flux", "fluxerr"))
        positive = np.where(flux > 0, flux, np.nan)
        columns[f"mag_{aperture}"] = zp + correction - 2.5 * np.log10(positive)
        columns[f"magerr_{aperture}"] = LOG_ERROR * error / positive
    return Table(columns)


def chip_records(
    chips: Chips,
    result: Calibration,
    settings: Mapping,
    pixel_scale: float,
) -> dict[str, dict]:
    """The verdict's part about the chips; `settings` is the configuration's ``frames``."""
    bright = residuals(chips, result, settings, pixel_scale)
    points = settings["astrometry"]["border_points"]
    return {
        name: {
            **outlines(
                result.astrometry.chips[name].cards, result.zero_points[name], chip.chip, points
            ),
            "astrometry": _astrometry_record(result, name, bright[name]),
            "amplifiers": {
                amplifier.name: amplifier_record(point)
                for amplifier, point in zip(
                    chip.chip.amplifiers, result.zero_points[name], strict=True
                )
            },
        }
        for name, chip in chips.items()
    }


def outlines(
    cards: Mapping[str, float | str], zero_points: list[ZeroPoint], chip: Chip, points: int
) -> dict[str, list]:
    """The whole chip's outline, and those of what its good amplifiers observed."""
    whole = tuple(slice(0, side) for side in chip.shape)
    good = good_regions(chip.amplifiers, [point.bad for point in zero_points])
    return {
        "footprint": footprint(cards, whole, points),
        "observed": [footprint(cards, region, points) for region in good],
    }


def _astrometry_record(
    result: Calibration, name: str, bright: tuple[int, float, float]
) -> dict[str, float | int | None]:
    solution, sections = result.astrometry.chips[name], result.sections[name]
    return {
        "stars": int(solution.first.size),
        "bright_stars": bright[0],
        "rms_ra": finite(bright[1]),
        "rms_dec": finite(bright[2]),
        "degree": solution.degree,
        "sections_good": sections.good,
        "sections_judged": sections.judged,
    }


def amplifier_record(point: ZeroPoint) -> dict[str, float | int | bool | str | None]:
    """What a verdict says of an amplifier."""
    return {
        "zp": finite(point.zp),
        "zp_error": finite(point.error),
        "slope": finite(point.slope),
        "stars": point.stars,
        "rms": finite(point.rms),
        "bad": point.bad,
        "note": point.reason,
    }


def finite(value: float) -> float | None:
    """A number as JSON knows it: None where it's not finite."""
    return float(value) if np.isfinite(value) else None


def pointing_record(astrometry: Astrometry, ra: float, dec: float) -> dict[str, float | int | None]:
    """Where the telescope pointed and how clearly the field was recognised."""
    winner, field = astrometry.vote, astrometry.pointing
    record: dict[str, float | int | None] = {
        "votes": winner.votes,
        "chance_votes": finite(winner.chance),
        "ra": None,
        "dec": None,
        "offset": None,
    }
    if field is not None:
        xi, eta = plane_of_sky(np.array([field.ra]), np.array([field.dec]), ra, dec)
        record |= {"ra": field.ra, "dec": field.dec}
        record["offset"] = finite(float(np.hypot(xi, eta)[0]) * 3600)
    return record
