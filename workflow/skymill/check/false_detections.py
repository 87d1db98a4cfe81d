"""Rows that nothing true explains.

A row is explained if true sources within 1.5″ of it have at least 0.3 of its flux together;
asteroids stand wherever an exposure of the band saw them. A row counts if its flux in 5″ exceeds
ten times the noise that the truth expects there. On frames, rows with a mask bit in the isophote
or saturated pixels aren't counted: those are named as doubtful; in the masters every row is.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from .exposure import TrueExposure
from .figure import Figure, Judge
from .matching import neighbours
from .noise import aperture_fraction, combined_error
from .seen import asteroid_positions
from .stack import tile_border
from .survey import Survey

SATURATED = 4
ZERO_POINT = 23.9
"""AB magnitude of 1 µJy."""


def explained(
    ra: np.ndarray,
    dec: np.ndarray,
    mag: np.ndarray,
    true_ra: np.ndarray,
    true_dec: np.ndarray,
    true_mag: np.ndarray,
    samples: Mapping,
) -> np.ndarray:
    """Whether true sources explain each row.

    Parameters
    ----------
    ra, dec, mag : ndarray, shape (n,)
        Rows; a row without magnitude is explained by any source.
    true_ra, true_dec, true_mag : ndarray, shape (m,)
    samples : mapping
        ``crowd`` (arcsec) and ``explained`` (share of the flux).
    """
    flux = 10 ** (-0.4 * np.asarray(true_mag, float))
    close = neighbours(ra, dec, true_ra, true_dec, samples["crowd"])
    light = np.array([flux[own].sum() for own in close]) if close else np.zeros(0)
    needed = samples["explained"] * 10 ** (-0.4 * np.nan_to_num(np.asarray(mag, float), nan=99.0))
    return light >= needed


def flux_error(
    exposures: Sequence[TrueExposure],
    ra: np.ndarray,
    dec: np.ndarray,
    mag: np.ndarray,
    radius: float,
    combine: str,
) -> np.ndarray:
    """Relative error that a point source of a measured magnitude must have.

    Parameters
    ----------
    exposures : sequence of TrueExposure
        That make the stack; one for a frame.
    ra, dec, mag : ndarray, shape (n,)
        Degrees; AB.
    radius : float
        Of the aperture, arcsec.
    combine : str
        mean or median.

    Returns
    -------
    ndarray, shape (n,)
        NaN where there is no data or no magnitude.
    """
    from .noise import relative_error

    errors = np.full((max(len(exposures), 1), np.size(ra)), np.nan)
    for error, exposure in zip(errors, exposures, strict=False):
        place = exposure.place(ra, dec)
        electrons = 10 ** (0.4 * (exposure.zero_point(place) - mag))
        share = aperture_fraction(exposure.seeing, exposure.beta, radius)
        pixels = np.pi * (radius / exposure.pixel_scale) ** 2
        found = relative_error(electrons, share, pixels, exposure.variance(place))
        error[:] = np.where(place.live, found, np.nan)
    return combined_error(errors, combine)


def frame_figures(judge: Judge, survey: Survey, frames: Mapping[str, Mapping]) -> list[Figure]:
    """False detections on the good exposures of each band.

    Parameters
    ----------
    judge : Judge
    survey : Survey
    frames : mapping
        Exposure → columns of table ``frame``.
    """
    samples, found = judge.samples, []
    for band in survey.truth.bands:
        parts = []
        for exposure in survey.truth.good(band=band):
            if exposure.name not in frames:
                continue
            frame, seen = frames[exposure.name], survey.seen[exposure.name]
            row = frame["ra"], frame["dec"], frame["mag_aper5"]
            error = flux_error([exposure], *row, samples["aperture"], "mean")
            known = (frame["imaflags_iso"] == 0) & (frame["flags"] < SATURATED)
            counted = known & (np.nan_to_num(1 / error) >= samples["snr"])
            good = explained(*row, seen.ra, seen.dec, seen.mag, samples)
            parts.append(~good[counted])
        if parts:
            found.append(judge.share("unexplained", "frames", band, np.concatenate(parts)))
    return found


def master_figures(judge: Judge, survey: Survey, masters: Mapping[str, Mapping]) -> list[Figure]:
    """False rows of the masters in each band.

    Parameters
    ----------
    judge : Judge
    survey : Survey
    masters : mapping
        Catalogue → its columns.
    """
    found = []
    for name, master in masters.items():
        for band in survey.truth.bands:
            counted, good = master_rows(survey, master, band)
            found.append(judge.share("unexplained", name, band, ~good[counted]))
    return found


def master_rows(survey: Survey, master: Mapping, band: str) -> tuple[np.ndarray, np.ndarray]:
    """Which rows of a master exceed the limit in a band, and which are explained."""
    samples, truth = survey.samples, survey.truth
    mag = ZERO_POINT - 2.5 * np.log10(np.where(
        master[f"flux_aper5_{band.lower()}"] > 0, master[f"flux_aper5_{band.lower()}"], np.nan
    ))  # fmt: skip
    row = master["ra"], master["dec"], mag
    errors = []
    for tile, centre in truth.tiles.items():
        error = flux_error(truth.good(tile, band), *row, samples["aperture"], truth.combine)
        border = tile_border(centre, truth.side, *row[:2])
        errors.append(np.where(np.isnan(error) | (border <= 0), np.inf, error))
    counted = 1 / np.min(errors, axis=0) >= samples["snr"]
    return counted, explained(*row, *true_light(survey, band), samples)


def true_light(survey: Survey, band: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions and magnitudes of all that gives light in a band's stacks: ra, dec, mag."""
    rest = ~survey.truth.moving()
    ra, dec = (axis[rest] for axis in survey.position)
    mag = survey.truth.magnitude(band)
    parts = [(ra, dec, mag[rest])]
    for exposure in survey.truth.good(band=band):
        rows, moving_ra, moving_dec = asteroid_positions(survey.truth, exposure.mjd)
        parts.append((moving_ra, moving_dec, mag[rows]))
    return tuple(np.concatenate(values) for values in zip(*parts, strict=True))
