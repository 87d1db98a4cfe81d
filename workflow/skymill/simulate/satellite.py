"""Satellites: a straight trail across the whole field."""

import numpy as np


def draw_trail(rng: np.random.Generator, corner: float) -> tuple[float, float]:
    """Direction of a trail's normal (radians) and distance of the trail from the axis (pixels).

    Parameters
    ----------
    rng : Generator
    corner : float
        Distance of the field's corner from the axis, pixels.
    """
    return float(rng.uniform(0, np.pi)), float(rng.uniform(-0.6, 0.6) * corner)


def trail_profile(distance: np.ndarray, fwhm: float, beta: float) -> np.ndarray:
    """A Moffat PSF drawn out along a line: light per pixel, for unit light per pixel of length.

    The integral of (1 + r²/α²)^−β along a line is ∝ (1 + d²/α²)^(½−β).

    Parameters
    ----------
    distance : ndarray
        From the line, pixels.
    fwhm, beta : float
        Of the PSF; pixels.
    """
    from math import gamma, pi, sqrt

    alpha = fwhm / (2 * sqrt(2 ** (1 / beta) - 1))
    norm = gamma(beta - 0.5) / (gamma(beta - 1) * sqrt(pi) * alpha)
    return norm * (1 + (distance / alpha) ** 2) ** (0.5 - beta)


def satellite_trail(
    shape: tuple[int, int],
    axis: tuple[float, float],
    trail: tuple[float, float],
    strength: float,
    fwhm: float,
    beta: float,
) -> np.ndarray:
    """The light of a trail on a chip, electrons, float32.

    Parameters
    ----------
    shape : (ny, nx)
    axis : (x, y)
        Where the optical axis meets the chip's plane, 0-based pixels.
    trail : (float, float)
        As from `draw_trail`.
    strength : float
        Electrons per pixel of length.
    fwhm, beta : float
        Of the PSF; pixels.
    """
    angle, offset = trail
    x = (np.arange(shape[1]) - axis[0]) * np.cos(angle)
    light = np.empty(shape, np.float32)
    for row in range(shape[0]):
        distance = x + ((row - axis[1]) * np.sin(angle) - offset)
        light[row] = strength * trail_profile(distance, fwhm, beta)
    return light
