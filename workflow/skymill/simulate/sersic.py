"""Galaxies' profiles: Sérsic's law as a sum of Gaussians (Hogg & Lang 2013), so that a galaxy
convolved with the PSF is a sum of Gaussians as well."""

from functools import cache

import numpy as np

SMALLEST, LARGEST, WIDTHS = 0.03, 5.0, 8
"""Widths among which the Gaussians are chosen: from, to (half-light radii), how many."""
EXTENT = 8.0
"""Radius, in half-light radii, up to which the profile is fitted."""


@cache
def sersic_mixture(index: float) -> tuple[np.ndarray, np.ndarray]:
    """A circular Sérsic profile as a sum of Gaussians, fitted to its curve of growth.

    Parameters
    ----------
    index : float
        Sérsic's n, from 0.5 to about 6.

    Returns
    -------
    share, variance : ndarray
        Of the flux (sum 1) and in units of the half-light radius squared.
    """
    from scipy.optimize import nnls
    from scipy.special import gammainc, gammaincinv

    b = gammaincinv(2 * index, 0.5)
    radius = np.geomspace(0.01, EXTENT, 200)
    growth = gammainc(2 * index, b * radius ** (1 / index))
    sigma = np.geomspace(SMALLEST, LARGEST, WIDTHS)
    basis = 1 - np.exp(-0.5 * (radius[:, None] / sigma) ** 2)
    share, _ = nnls(np.vstack([basis, np.full(sigma.size, 30.0)]), np.append(growth, 30.0))
    kept = share > 1e-4
    share = share[kept] / share[kept].sum()
    return share, sigma[kept] ** 2
