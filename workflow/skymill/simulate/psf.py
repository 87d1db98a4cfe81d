"""The point-spread function: an elliptical Moffat profile that varies slowly over the field.

The profile is that of a pixel's value (the pixel's own width is part of it), so a star's pixels
are samples of it and their sum over all pixels is its flux.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Psf:
    """An exposure's PSF.

    Attributes
    ----------
    fwhm : float
        On the axis, pixels.
    beta : float
        Moffat's exponent, a multiple of 0.5.
    rise : float
        Relative widening from the axis to the field's corner.
    ellipticity : float
        (a − b)/(a + b) at the field's corner.
    angle : float
        Direction of the ellipses against the radius vector, radians.
    corner : float
        Distance of the field's corner from the axis, pixels.
    """

    fwhm: float
    beta: float
    rise: float
    ellipticity: float
    angle: float
    corner: float

    def at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Covariance-like shape of the profile at places in the field.

        Parameters
        ----------
        x, y : ndarray
            Pixels from the axis, shape (n,).

        Returns
        -------
        ndarray
            (n, 3): cxx, cxy, cyy such that the profile is (1 + d·C⁻¹·d)^−β; C's determinant is α⁴,
            α = fwhm / (2 √(2^(1/β) − 1)).
        """
        fraction = np.minimum((x**2 + y**2) / self.corner**2, 1.5)
        scale = self.fwhm * (1 + self.rise * fraction) / moffat_width(self.beta)
        eta = np.clip(self.ellipticity * fraction, 0, 0.5)
        twice = 2 * (np.arctan2(y, x) + self.angle)
        stretch = (1 + eta) / (1 - eta)
        mean, half = (stretch + 1 / stretch) / 2, (stretch - 1 / stretch) / 2
        return np.stack(
            [
                scale**2 * (mean + half * np.cos(twice)),
                scale**2 * half * np.sin(twice),
                scale**2 * (mean - half * np.cos(twice)),
            ],
            axis=-1,
        )


def moffat_width(beta: float) -> float:
    """FWHM of a Moffat profile in units of α."""
    return 2 * np.sqrt(2 ** (1 / beta) - 1)


def moffat_mixture(beta: float) -> tuple[np.ndarray, np.ndarray]:
    """A Moffat profile as a sum of Gaussians: their shares of the flux and variances (α²).

    (1 + q)^−β is the gamma-weighted mean of exp(−t q); the trapezoidal rule in ln t gives a sum of
    Gaussians of variance 1/(2t) each.
    """
    t = np.geomspace(0.1, 8, 6)
    share = t ** (beta - 1) * np.exp(-t)
    return share / share.sum(), 1 / (2 * t)
