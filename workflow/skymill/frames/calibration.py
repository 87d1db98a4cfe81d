"""From measured chips to a calibrated exposure: astrometry, its quality, zero points, verdict.

Pure: arrays and tables in, arrays and plain values out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from ..bits import Flag
from .astrometry import Astrometry, References, Stars, solve
from .color_term import ColorTerm
from .epoch import at_epoch
from .field_quality import chip_sections
from .measured_chip import MeasuredChip
from .photometric_fit import zero_points
from .quality import Sections
from .scaling import depth, scaled_noise
from .screening import Figures
from .seeing import Shape, star_shape
from .zero_point import ZeroPoint

Chips = Mapping[str, MeasuredChip]
BLENDS = int(Flag.NEIGHBOURS | Flag.BLENDED)


@dataclass(frozen=True)
class Calibration:
    """What is known of an exposure after calibration; each dict is keyed by chip.

    Attributes
    ----------
    astrometry : Astrometry
    sections : dict of str to Sections
    shapes : dict of str to Shape
    zero_points : dict of str to list of ZeroPoint
        Of each amplifier.
    color_term : ColorTerm or None
        None where zero points were given (`skymill.frames.ingest`).
    """

    astrometry: Astrometry
    sections: dict[str, Sections]
    shapes: dict[str, Shape]
    zero_points: dict[str, list[ZeroPoint]]
    color_term: ColorTerm | None = None


def calibrate(
    chips: Chips,
    priors: Mapping[str, Mapping[str, float | str]],
    gaia: Table,
    photometry: Table,
    exposure: Mapping,
    settings: Mapping,
    pixel_scale: float,
    tied: References | None = None,
) -> Calibration:
    """Calibrate an exposure.

    Parameters
    ----------
    chips : Mapping
        Chip → its measurement.
    priors : Mapping
        Chip → TPV cards without CRVAL.
    gaia : Table
        ``reference_gaia``.
    photometry : Table
        ``ra``, ``dec``, and ``mag``, ``magerr`` in the exposure's band; ``color``.
    exposure : Mapping
        ``mjd``, ``ra``, ``dec`` (the header's pointing, degrees).
    settings : Mapping
        The configuration's ``frames``.
    pixel_scale : float
        Arcsec.
    tied : References, optional
        As for `skymill.frames.astrometry.solve`.
    """
    ra, dec = at_epoch(
        *(np.asarray(gaia[name]) for name in ("ra", "dec", "pmra", "pmdec", "ref_epoch")),
        exposure["mjd"],
    )
    mag = np.asarray(gaia["phot_g_mean_mag"], dtype=float)
    known = np.isfinite(mag)
    references = References(ra[known], dec[known], mag[known])
    color = np.asarray(gaia["bp_rp"], dtype=float)[known]
    stars = {
        name: astrometric_stars(chip, settings["astrometry"], pixel_scale)
        for name, chip in chips.items()
    }
    solution = solve(
        priors,
        {name: star for name, (star, _) in stars.items()},
        references,
        (exposure["ra"], exposure["dec"]),
        settings["astrometry"],
        tied,
    )
    matched = {
        name: (index[solution.chips[name].first], solution.chips[name].second)
        for name, (_, index) in stars.items()
    }
    return Calibration(
        solution,
        chip_sections(chips, solution, references, color, matched, settings["quality"]),
        shapes(chips, matched, settings["screening"]),
        *zero_points(chips, solution, photometry, settings["photometry"]),
    )


def astrometric_stars(
    chip: MeasuredChip, settings: Mapping, pixel_scale: float
) -> tuple[Stars, np.ndarray]:
    """A chip's sources fit for astrometry, and their rows: clean, bright, with a position."""
    table = chip.sources
    error = np.hypot(np.asarray(table["x_error"]), np.asarray(table["y_error"])) / np.sqrt(2)
    fit = chip.clean & (chip.snr >= settings["snr"])
    fit &= np.isfinite(table["x"]) & np.isfinite(table["y"]) & np.isfinite(error)
    index = np.flatnonzero(fit)
    sigma = np.hypot(error[index] * pixel_scale, settings["floor"])
    x, y, flux = (np.asarray(table[name])[index] for name in ("x", "y", "flux_auto"))
    return Stars(x, y, flux, sigma), index


def shapes(
    chips: Chips, matched: Mapping[str, tuple[np.ndarray, np.ndarray]], settings: Mapping
) -> dict[str, Shape]:
    """Seeing and elongation of every chip, from bright clean stars; in a field so blurred that it
    has none, from fainter and then from blended ones.
    """
    result = {}
    for name, chip in chips.items():
        known = np.zeros(len(chip.sources), dtype=bool)
        known[matched[name][0]] = True
        table = chip.sources
        elongation = np.asarray(table["a_image"]) / np.maximum(np.asarray(table["b_image"]), 1e-6)
        faint = chip.snr >= settings["shape_snr_faint"]
        whole = np.asarray((table["flags"] & ~BLENDS) == 0) & faint
        samples = [chip.clean & (chip.snr >= settings["shape_snr"]), chip.clean & faint, whole]
        fwhm = np.asarray(table["fwhm_image"], dtype=float)
        result[name] = star_shape(fwhm, elongation, samples, known, settings["shape_clip"])
    return result


def bright_residuals(
    chip: MeasuredChip, rows: np.ndarray, dxi: np.ndarray, deta: np.ndarray, snr: float
) -> tuple[int, float, float]:
    """Number of matched stars of at least a S/N; rms of their residuals per axis, arcsec."""
    bright = chip.snr[rows] >= snr
    if not bright.any():
        return 0, np.nan, np.nan
    rms = [float(np.sqrt(np.mean(values[bright] ** 2))) for values in (dxi, deta)]
    return int(bright.sum()), *rms


def residuals(
    chips: Chips, result: Calibration, settings: Mapping, pixel_scale: float
) -> dict[str, tuple[int, float, float]]:
    """`bright_residuals` of every chip."""
    found = {}
    for name, chip in chips.items():
        solution = result.astrometry.chips[name]
        rows = astrometric_stars(chip, settings["astrometry"], pixel_scale)[1][solution.first]
        found[name] = bright_residuals(
            chip, rows, solution.dxi, solution.deta, settings["quality"]["bright_snr"]
        )
    return found


def figures(chips: Chips, result: Calibration, settings: Mapping, pixel_scale: float) -> Figures:
    """What screening looks at: the worst chip decides, except for elongation."""
    magzero = settings["photometry"]["magzero"]
    radius = settings["screening"]["depth_aperture"] / 2 / pixel_scale
    depths = [
        depth(scaled_noise(chip, result.zero_points[name], magzero), points, radius, magzero)
        for (name, chip), points in zip(chips.items(), result.zero_points.values(), strict=True)
    ]
    bright = residuals(chips, result, settings, pixel_scale).values()
    return Figures(
        seeing=_worst([s.fwhm * pixel_scale for s in result.shapes.values()]),
        elongation=_mean([s.elongation for s in result.shapes.values()]),
        sections=-_worst([-s.fraction for s in result.sections.values()]),
        residual=_worst([value for _, *both in bright for value in both]),
        bad_amplifiers=max(sum(p.bad for p in points) for points in result.zero_points.values()),
        sources=min(len(chip.sources) for chip in chips.values()),
        missing=max(chip.missing for chip in chips.values()),
        sky=-_worst([-chip.sky.level for chip in chips.values()]),
        depth=-_worst([-value for value in depths]),
    )


def _worst(values: list[float]) -> float:
    """The largest of those that are known; NaN if none is."""
    known = [value for value in values if np.isfinite(value)]
    return float(max(known)) if known else np.nan


def _mean(values: list[float]) -> float:
    """Mean of those that are known; NaN if none is."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan


def averages(chips: Chips, result: Calibration, pixel_scale: float) -> dict[str, float | None]:
    """Mean FWHM (arcsec), elongation and sky (ADU) over the chips; None where unknown."""
    values = {
        "fwhm": _mean([shape.fwhm * pixel_scale for shape in result.shapes.values()]),
        "elongation": _mean([shape.elongation for shape in result.shapes.values()]),
        "sky": _mean([chip.sky.level for chip in chips.values()]),
    }
    return {name: value if np.isfinite(value) else None for name, value in values.items()}
