"""What a tile's catalogue of one band shows: errors, sizes, classes and numbers by magnitude."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .histogram import Histogram
from .photometry import MAGNITUDES

APERTURES = ("aper5", "auto")
"""Those whose errors are shown."""
COLUMNS = (
    *(f"{name}_{aperture}" for aperture in APERTURES for name in ("mag", "magerr")),
    "flux_radius",
    "class_star",
)
LOG_ERRORS = (-3.5, 1.0, 225)
"""Axis of log₁₀ of an error in mag: bins of 0.02."""
RADII = (0.0, 6.0, 150)
"""Axis of half-light radii, arcsec: bins of 0.04."""
CLASSES = (0.0, 1.0001, 40)


@dataclass
class Catalogue:
    """Counts over one catalogue's sources; magnitudes are MAG_AUTO but for the errors'.

    Attributes
    ----------
    errors : dict
        Aperture → counts by its magnitude and log₁₀ of its error.
    classes, radii, star_radii : Histogram
        By magnitude and class_star; by magnitude and half-light radius (arcsec), of all and of
        star-like sources.
    sources, stars : Histogram
        By magnitude.
    """

    errors: dict[str, Histogram]
    classes: Histogram
    radii: Histogram
    star_radii: Histogram
    sources: Histogram
    stars: Histogram


def count(columns: Mapping[str, np.ndarray], pixel_scale: float, class_star: float) -> Catalogue:
    """Count the sources of a catalogue.

    Parameters
    ----------
    columns : Mapping
        `COLUMNS`, shape (n,); NaN is null.
    pixel_scale : float
        Arcsec.
    class_star : float
        A source above it is star-like.
    """
    found = Catalogue(
        {aperture: Histogram.regular(MAGNITUDES, LOG_ERRORS) for aperture in APERTURES},
        Histogram.regular(MAGNITUDES, CLASSES),
        *(Histogram.regular(MAGNITUDES, RADII) for _ in range(2)),
        *(Histogram.regular(MAGNITUDES) for _ in range(2)),
    )
    for aperture, histogram in found.errors.items():
        error = np.asarray(columns[f"magerr_{aperture}"], dtype=float)
        known = error > 0
        histogram.add(columns[f"mag_{aperture}"][known], np.log10(error[known]))
    magnitude, classes = columns["mag_auto"], columns["class_star"]
    radius = pixel_scale * columns["flux_radius"]
    star = classes > class_star
    found.classes.add(magnitude, classes)
    found.radii.add(magnitude, radius)
    found.star_radii.add(magnitude[star], radius[star])
    found.sources.add(magnitude)
    found.stars.add(magnitude[star])
    return found


def per_degree(histogram: Histogram, area: float) -> tuple[np.ndarray, np.ndarray]:
    """Numbers per magnitude and square degree, and their Poisson errors.

    Parameters
    ----------
    histogram : Histogram
        By magnitude.
    area : float
        deg².

    Returns
    -------
    density, error : ndarray, shape (bins,)
        NaN where there is no source, or no area.
    """
    counts = np.where((histogram.counts > 0) & (area > 0), histogram.counts, np.nan)
    scale = area * np.diff(histogram.edges[0]) if area > 0 else np.nan
    return counts / scale, np.sqrt(counts) / scale
