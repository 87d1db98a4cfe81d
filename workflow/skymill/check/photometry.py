"""Magnitudes of clean stars against their true ones, per band and tile.

Stars: between 15 and 19 mag in the band (reference system), isolated, without an unresolved
neighbour that matters, without a spoilt pixel within the aperture in any exposure used (so
unsaturated too). Those that calibrated anything are left out,
whether a fit used or clipped them; a second offset counts them in, for they are the bright ones.
Frames are compared at their epoch, variables too, and in their natural system, which agrees with
the reference system at the usual star's colour; masters with constant stars alone, in the reference
system. Both give a star's total light in either aperture. The scatter's
limit is that of Gaussians of √(0.02² + expected²), the expected noise from the truth alone; only
the size of a star's AUTO aperture is the catalogue's own.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..simulate.light import COLOR
from .depth import usual_color
from .figure import Figure, Judge
from .matching import at_rows, nearest_row
from .noise import mixture_scatter
from .survey import Survey

APERTURES = ("aper5", "auto")
KRON_REACH = 2.1
"""Radius of a star's AUTO aperture on a frame, in its FWHM: measured on stacks, 1.9 to 2.3."""

Positions = Callable[[str], tuple[np.ndarray, np.ndarray]]


def robust_scatter(values: np.ndarray) -> float:
    """1.4826 × median absolute deviation."""
    return float(1.4826 * np.median(np.abs(values - np.median(values)))) if values.size else np.nan


def calibrators(survey: Survey, band: str, positions: Positions) -> np.ndarray:
    """Which true sources calibrated a band."""
    ra, dec = positions(band)
    radius = survey.samples["calibrator_match"]
    return nearest_row(*survey.position, ra, dec, radius) >= 0


def judged(
    judge: Judge,
    catalogue: str,
    where: str,
    aperture: str,
    offset: np.ndarray,
    expected: np.ndarray,
    held_out: np.ndarray,
) -> list[Figure]:
    """The figures of one sample of stars.

    Parameters
    ----------
    judge : Judge
    catalogue, where, aperture : str
    offset, expected : ndarray, shape (n,)
        Measured − true magnitude, and its expected noise.
    held_out : ndarray of bool
        Stars that calibrated nothing.
    """
    known = np.isfinite(offset) & np.isfinite(expected)
    offset, expected, held_out = offset[known], expected[known], held_out[known]
    found, least = [], judge.samples["least_stars"]
    for quantity, sample in (("offset", held_out), ("offset_all", np.ones_like(held_out))):
        name, stars = f"{aperture}_{quantity}", int(sample.sum())
        if stars < least:
            found.append(judge.absent(name, catalogue, where, stars))
        else:
            middle = abs(np.median(offset[sample]))
            found.append(judge(name, catalogue, where, middle, stars))
    name, stars = f"{aperture}_scatter", int(held_out.sum())
    if stars < least:
        return [*found, judge.absent(name, catalogue, where, stars)]
    limit = mixture_scatter(np.hypot(judge.target(name), expected[held_out]))
    value = robust_scatter(offset[held_out])
    return [*found, judge(name, catalogue, where, value, stars, limit)]


def usable(survey: Survey, band: str, mag: np.ndarray, kinds: Sequence[str]) -> np.ndarray:
    """Which sources are isolated stars in the range of magnitudes."""
    samples = survey.samples
    chosen = survey.kind(*kinds) & survey.single[band]
    return chosen & (mag >= samples["bright"]) & (mag <= samples["faint"])


def master_figures(
    judge: Judge, survey: Survey, masters: Mapping[str, Mapping], positions: Positions, scale: float
) -> list[Figure]:
    """The masters' magnitudes.

    Parameters
    ----------
    judge : Judge
    survey : Survey
    masters : mapping
        Catalogue → its columns.
    positions : callable
        Band → positions of the stars that zero-point maps are made from.
    scale : float
        Of the stacks, arcsec per pixel.
    """
    found = []
    for name, master in masters.items():
        row = nearest_row(*survey.position, master["ra"], master["dec"], survey.samples["match"])
        for band in survey.truth.bands:
            held_out = ~calibrators(survey, band, positions)
            mag = survey.truth.magnitude(band)
            chosen = usable(survey, band, mag, ("star",)) & (row >= 0)
            for aperture in APERTURES:
                radius = _radius(master, band.lower(), aperture, row, scale, survey.samples)
                clean = chosen & survey.clean(band, radius)
                measured = at_rows(master[f"mag_{aperture}_{band.lower()}"], row)
                for tile in survey.truth.tiles:
                    stack = survey.stacks[tile, band]
                    use = clean & stack.within(survey.samples["margin"])
                    expected = 1.0857 * _best_error(survey, band, radius)[use]
                    sample = (measured - mag)[use], expected, held_out[use]
                    found += judged(judge, name, f"{band} {tile}", aperture, *sample)
    return found


def _radius(
    master: Mapping, band: str, aperture: str, row: np.ndarray, scale: float, samples: Mapping
) -> np.ndarray:
    """Radius of the aperture of each source's row, arcsec; an ellipse's as its mean."""
    if aperture == "aper5":
        return np.full(row.size, samples["aperture"])
    kron, a, b = (
        at_rows(master[f"{name}_{band}"], row) for name in ("kron_radius", "a_image", "b_image")
    )
    radius = kron * np.sqrt(a * b) * scale
    return np.where(np.isfinite(radius), radius, samples["aperture"])


def _best_error(survey: Survey, band: str, radius: np.ndarray) -> np.ndarray:
    """Expected relative error in the best stack that has a source: a master is no worse."""
    own = [s.error(radius) for (_, b), s in survey.stacks.items() if b == band]
    return np.min(np.where(np.isnan(own), np.inf, own), axis=0)


def frame_figures(
    judge: Judge, survey: Survey, frames: Mapping[str, Mapping], positions: Positions
) -> list[Figure]:
    """The magnitudes of the good exposures of each tile and band, together.

    Parameters
    ----------
    judge : Judge
    survey : Survey
    frames : mapping
        Exposure → columns of table ``frame``.
    positions : callable
        Band → positions of the stars that exposures are calibrated with.
    """
    found = []
    for band in survey.truth.bands:
        held_out = ~calibrators(survey, band, positions)
        for tile in survey.truth.tiles:
            names = [e.name for e in survey.truth.good(tile, band) if e.name in frames]
            for aperture in APERTURES if names else ():
                parts = [_frame(survey, name, frames[name], aperture, held_out) for name in names]
                sample = map(np.concatenate, zip(*parts, strict=True))
                found += judged(judge, "frames", f"{band} {tile}", aperture, *sample)
    return found


def _frame(
    survey: Survey, name: str, frame: Mapping, aperture: str, held_out: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets, expected noise and the held-out stars of one exposure."""
    seen, samples = survey.seen[name], survey.samples
    radius = samples["aperture"] if aperture == "aper5" else KRON_REACH * seen.exposure.seeing
    chosen = usable(survey, seen.exposure.band, seen.mag, ("star", "variable"))
    chosen &= seen.place.live & (seen.place.edge > samples["margin"]) & (seen.artefact > radius)
    use = np.flatnonzero(chosen)
    row = nearest_row(seen.ra[use], seen.dec[use], frame["ra"], frame["dec"], samples["match"])
    use, row = use[row >= 0], row[row >= 0]
    expected = 1.0857 * seen.error(radius)[use]
    blue, red = (survey.truth.magnitude(b) for b in COLOR[seen.exposure.band])
    unusual = (blue - red)[use] - usual_color(survey.truth, seen.exposure.band, samples)
    true = seen.mag[use] + seen.exposure.color_term * unusual
    return frame[f"mag_{aperture}"][row] - true, expected, held_out[use]
