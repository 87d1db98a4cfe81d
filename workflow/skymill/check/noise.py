"""The noise that a measurement must have: photons, sky, dark and read-out, from the truth alone."""

import numpy as np


def moffat_alpha(fwhm: float | np.ndarray, beta: float | np.ndarray) -> float | np.ndarray:
    """Scale radius of a Moffat profile, in the unit of its FWHM."""
    return fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))


def aperture_fraction(
    fwhm: float, beta: float, radius: float | np.ndarray, half_light: np.ndarray | float = 0.0
) -> np.ndarray:
    """Share of a source's light within a circle.

    Parameters
    ----------
    fwhm, beta : float
        Of the Moffat PSF; arcsec.
    radius : float or ndarray
        Arcsec.
    half_light : float or ndarray
        A galaxy's half-light radius, arcsec: it widens the Moffat profile so that their half-light
        radii add in quadrature, which is exact for a star and good to a few per cent otherwise.
    """
    alpha = moffat_alpha(fwhm, beta)
    half = alpha * np.sqrt(2 ** (1 / (beta - 1)) - 1)
    wide = alpha * np.hypot(half, half_light) / half
    return 1 - (1 + (np.asarray(radius) / wide) ** 2) ** (1 - beta)


def combined_fraction(fwhm: np.ndarray, beta: np.ndarray, radius: float, combine: str) -> float:
    """Share of a bright star's light within a circle of the mean or median of exposures.

    Pixel by pixel, of exposures of different seeing: a median of three sharp stars and a blurred
    one is as sharp as the three.

    Parameters
    ----------
    fwhm, beta : ndarray, shape (n,)
        Of each exposure's Moffat PSF; arcsec.
    radius : float
        Arcsec.
    combine : str
        ``mean`` or ``median``.
    """
    edges = np.linspace(0, radius, 1001)
    r = (edges[1:] + edges[:-1]) / 2
    alpha, power = moffat_alpha(fwhm, beta)[:, None], np.asarray(beta)[:, None]
    light = (power - 1) / (np.pi * alpha**2) * (1 + (r / alpha) ** 2) ** -power
    together = np.mean(light, axis=0) if combine == "mean" else np.median(light, axis=0)
    return float(np.sum(together * np.pi * np.diff(edges**2)))


def relative_error(
    electrons: np.ndarray, fraction: np.ndarray, pixels: np.ndarray | float, variance: np.ndarray
) -> np.ndarray:
    """Error of an aperture's flux over that flux.

    Parameters
    ----------
    electrons : ndarray
        The whole source's.
    fraction : ndarray
        Share of it in the aperture.
    pixels : float or ndarray
        Area of the aperture.
    variance : ndarray
        Of an empty pixel, e⁻².
    """
    inside = electrons * fraction
    return np.sqrt(inside + pixels * variance) / inside


def equal_median_variance(frames: np.ndarray) -> np.ndarray:
    """Variance of the median of n unit Gaussians: exact for n ≤ 2, to 0.5 % above.

    (π/2)/(n + c) tends to the asymptotic π/2n; c = 0.47 for odd and 1.33 for even n was fitted to
    10⁶ draws for n = 3 … 16.
    """
    frames = np.asarray(frames, float)
    fitted = np.pi / 2 / (frames + np.where(frames % 2 == 1, 0.47, 1.33))
    return np.where(frames <= 2, 1 / np.maximum(frames, 1), fitted)


def combined_error(errors: np.ndarray, combine: str) -> np.ndarray:
    """Error of the mean or median of independent Gaussian values.

    Parameters
    ----------
    errors : ndarray, shape (frames, n)
        NaN where a frame has no value.
    combine : str
        ``mean`` or ``median``.

    Returns
    -------
    ndarray, shape (n,)
        NaN without values.

    Notes
    -----
    The median's variance follows 1/⟨1/σ⟩², its asymptotic dependence on unequal errors, with the
    factor for equal ones; a median of two is their mean.
    """
    count = np.isfinite(errors).sum(axis=0)
    safe = np.maximum(count, 1)
    mean = np.sqrt(np.nansum(errors**2, axis=0)) / safe
    if combine == "mean":
        return np.where(count > 0, mean, np.nan)
    inverse = np.nansum(1 / errors, axis=0) / safe
    median = np.sqrt(equal_median_variance(safe)) / np.where(inverse > 0, inverse, np.nan)
    return np.where(count > 2, median, np.where(count > 0, mean, np.nan))


def mixture_scatter(errors: np.ndarray) -> float:
    """Robust scatter (1.4826 × median absolute deviation) of Gaussians of different errors.

    Each error stands for a Gaussian of which 200 quantiles are taken; equal errors give themselves.
    """
    from scipy.special import ndtri

    quantiles = np.abs(ndtri((np.arange(200) + 0.5) / 200))
    return float(1.4826 * np.median(np.outer(quantiles, errors)))
