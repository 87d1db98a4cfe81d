"""Interpolation kernels as tables: a row of six weights for each sub-pixel phase."""

import numpy as np

PHASES = 1024
"""Sub-pixel positions of a kernel's table: a position is rounded by at most 1/2048 pixel, 0.2 mas
at KMTNet's scale, and the table (24 kB) stays in the first-level cache."""

TAPS = 6
"""Pixels along each axis that a kernel may weigh, from 2 before the position's pixel to 3 after."""

KERNELS = ("nearest", "bilinear", "lanczos3")


def kernel_table(name: str) -> np.ndarray:
    """Weights of a kernel at every phase.

    Parameters
    ----------
    name : str
        ``nearest``, ``bilinear`` or ``lanczos3`` (KS4: LANCZOS3, P3 §3.1.2), here with its first
        moment put right (`centred`).

    Returns
    -------
    ndarray of float32
        Shape (`PHASES` + 1, `TAPS`): row p holds the weights of pixels i − 2 … i + 3 for a position
        i + p/`PHASES`. Each row's sum is 1, so that a flat image stays flat; its first
        moment about the position is 0 (but for ``nearest``), so that a slope stays in its place.

    Raises
    ------
    ValueError
        If there is no kernel of that name.
    """
    distance = np.arange(-2, 4)[None, :] - (np.arange(PHASES + 1) / PHASES)[:, None]
    if name == "nearest":
        weights = (np.abs(distance) <= 0.5).astype(float)
    elif name == "bilinear":
        weights = np.clip(1 - np.abs(distance), 0, None)
    elif name == "lanczos3":
        lanczos = np.where(np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0)
        weights = centred(lanczos / lanczos.sum(axis=1, keepdims=True), distance)
    else:
        raise ValueError(f"kernel {name!r}: expected one of {', '.join(KERNELS)}")
    weights[np.abs(weights) < 1e-12] = 0
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def centred(weights: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Weights of sum 1 with first moment 0 and the same sum, changed as little as that takes.

    The Lanczos kernel, its sum put right, moves what it interpolates by up to 0.02 pixel, 8 mas at
    KMTNet's scale, to and fro within each pixel. Where input and output pixels differ in size by
    some per cent, as distortion has it, that compresses a star here and stretches it there: its
    flux errs as much as its place. Both vanish with the first moment. Pixels change by less than a
    hundredth of their noise.

    Parameters
    ----------
    weights, distance : ndarray
        Of each pixel, and how far it lies from the position; shape (positions, `TAPS`).
    """
    off = distance - distance.mean(axis=1, keepdims=True)
    moment = np.sum(weights * distance, axis=1, keepdims=True)
    return weights - moment / np.sum(off**2, axis=1, keepdims=True) * off


def noise_correlation(table: np.ndarray, diameter: float | None = None) -> float:
    """How much more the noise of an aperture is than its pixels' variances tell.

    A resampled pixel is a weighted mean, Σw = 1, so its variance is Σw² of the input's, while
    neighbours share noise. Over many pixels the sum's noise is the input's: √(1/⟨Σw²⟩) an axis more
    than independent pixels would give (Fruchter & Hook 2002, PASP 114, 144, §7); less in an
    aperture of few, many of which have neighbours outside.

    Parameters
    ----------
    table : ndarray
        A kernel's table (`kernel_table`).
    diameter : float, optional
        Of a circular aperture, pixels; by default it is large.
    """
    weights = table[:-1].astype(float)
    shared = np.array([np.sum(weights[:, n:] * weights[:, : TAPS - n]) for n in range(TAPS)])
    shared /= shared[0]
    axis = np.concatenate([shared[:0:-1], shared])
    if diameter is None:
        return float(axis.sum())
    pixels = np.pad(circle(diameter), TAPS)
    along = np.apply_along_axis(np.convolve, 1, pixels, axis, "same")
    both = np.apply_along_axis(np.convolve, 0, along, axis, "same")
    return float(np.sqrt(np.sum(pixels * both) / np.sum(pixels)))


def circle(diameter: float, fine: int = 16) -> np.ndarray:
    """How much of each pixel lies in a circle about the middle of an image."""
    side = int(np.ceil(diameter)) + 1
    at = (np.arange(side * fine) + 0.5) / fine - side / 2
    inside = np.hypot(at, at[:, None]) <= diameter / 2
    return inside.reshape(side, fine, side, fine).mean(axis=(1, 3))
