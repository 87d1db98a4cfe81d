"""From the measurements of an object on several tiles to one row of a master (Paper III §4.2.1).

| columns | rule |
|---|---|
| flux_*, fluxerr_* | weighted median of the clean measurements and its error (`weighted_median`) |
| mag_*, magerr_* | of those fluxes; null where a flux isn't positive |
| class_star, flux_radius, kron_radius, flux_max, theta_image, ellipticity, a_image, b_image | from the clean measurement with the smallest FWHM |
| fwhm_image | mean of the clean measurements |
| min_mjd, max_mjd, mean_mjd | least, greatest, mean over exposures |
| flags, imaflags_iso, ssflag | bitwise OR |
| ndith, sscount_30 | greatest, over all measurements |
| edge | logical OR, over all measurements |

Times and flags are those of the clean measurements; where a band has none, of all, so that a null
magnitude keeps its reason. A band without any detection is null here throughout, ndith too: from
the catalogues one can't tell whether it was observed (Paper III has 0 where it wasn't).
"""  # noqa: E501

from collections.abc import Mapping

import numpy as np

from .catalogues import APERTURES, SHAPES, ZERO_POINT
from .groups import Groups
from .weighted_median import weighted_median

LOG_TO_MAG = 2.5 / np.log(10)


def magnitudes(flux: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AB magnitude and its error of fluxes in µJy; NaN where the flux isn't positive."""
    flux = np.where(flux > 0, flux, np.nan)
    return ZERO_POINT - 2.5 * np.log10(flux), LOG_TO_MAG * error / flux


def sharpest(fwhm: np.ndarray, use: np.ndarray, groups: Groups) -> np.ndarray:
    """Row with the smallest FWHM of each group among those to be used; −1 where there is none.

    An unknown FWHM comes last; among equals the first tile wins.
    """
    fwhm = np.where(np.isnan(fwhm), np.inf, fwhm)
    smallest = use & (fwhm == groups.spread(groups.least(fwhm, use)))
    place = np.where(smallest[groups.order], np.arange(groups.order.size), groups.order.size)
    first = np.minimum.reduceat(place, groups.starts) if groups.starts.size else place
    return np.append(groups.order, -1)[first]


def combined_bits(values: np.ndarray, use: np.ndarray, groups: Groups) -> np.ndarray:
    """Bitwise OR over the rows to be used, as floats; NaN where a group has none."""
    use = use & np.isfinite(values)
    bits = groups.reduce(np.bitwise_or, np.where(use, values, 0).astype(np.int64))
    return np.where(groups.any(use), bits, np.nan)


def aggregate_band(
    columns: Mapping[str, np.ndarray], clean: np.ndarray, groups: Groups, pixel_scale: float
) -> dict[str, np.ndarray]:
    """One band's columns of a master.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (n,)
        The band's measurements (`catalogues.MEASURED`), NaN for null; sizes in pixels.
    clean : ndarray of bool, shape (n,)
        The measurements that enter photometry and shapes.
    groups : Groups
        The rows of each object.
    pixel_scale : float
        Arcsec per pixel.

    Returns
    -------
    dict of str to ndarray, shape (g,)
        Floats with NaN for null; fwhm_image and flux_radius in arcsec, a_image, b_image in pixels.
    """
    present = np.isfinite(columns["ndith"])
    described = present & (clean | ~groups.spread(groups.any(clean)))
    found = _photometry(columns, clean, groups)
    best = sharpest(columns["fwhm_image"], clean, groups)
    for name in SHAPES:
        found[name] = np.where(best >= 0, columns[name][best], np.nan)
    found["flux_radius"] = found["flux_radius"] * pixel_scale
    found["fwhm_image"] = groups.mean(columns["fwhm_image"], clean) * pixel_scale
    found["min_mjd"] = groups.least(columns["min_mjd"], described)
    found["max_mjd"] = groups.greatest(columns["max_mjd"], described)
    exposures = np.fmax(columns["ndith"], 1)  # NaN becomes 1; those rows aren't used
    found["mean_mjd"] = groups.mean(columns["mean_mjd"], described, exposures)
    for name in ("flags", "imaflags_iso", "ssflag"):
        found[name] = combined_bits(columns[name], described, groups)
    for name in ("ndith", "sscount_30", "edge"):
        found[name] = groups.greatest(columns[name], present)
    return found


def _photometry(
    columns: Mapping[str, np.ndarray], clean: np.ndarray, groups: Groups
) -> dict[str, np.ndarray]:
    found = {}
    for name in APERTURES:
        flux, error = columns[f"flux_{name}"], columns[f"fluxerr_{name}"]
        flux, error = weighted_median(flux, error, clean, groups)
        found[f"flux_{name}"], found[f"fluxerr_{name}"] = flux, error
        found[f"mag_{name}"], found[f"magerr_{name}"] = magnitudes(flux, error)
    return found
