"""Cosmic rays: straight tracks of charge."""

import numpy as np

STEP = 0.2
"""Pixels between the points at which a track leaves charge."""
DIFFUSION = 0.35
"""rms spread of the charge on its way to the electrodes, pixels."""
LONGEST = 80.0
"""Tracks are cut at this length, pixels."""


def add_cosmic_rays(
    image: np.ndarray, rng: np.random.Generator, count: float, charge: float, thickness: float
) -> np.ndarray:
    """Add tracks to an image in place.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Electrons.
    rng : Generator
    count : float
        How many hits are expected.
    charge : float
        e⁻ per pixel of path, on average.
    thickness : float
        Of the detector, pixels.

    Returns
    -------
    ndarray
        The charge added, sparse: (y, x, e⁻) as float64, shape (n, 3), one row per pixel.
    """
    found = []
    for _ in range(rng.poisson(count)):
        points, each = _track(rng, image.shape, charge, thickness)
        inside = np.all((points >= 0) & (points < image.shape), axis=1)
        found.append(np.column_stack([points[inside], np.full(inside.sum(), each)]))
    if not found:
        return np.empty((0, 3))
    hits = np.concatenate(found)
    pixels, where = np.unique(hits[:, :2].astype(np.int64), axis=0, return_inverse=True)
    amount = np.bincount(where.ravel(), weights=hits[:, 2], minlength=len(pixels))
    image[pixels[:, 0], pixels[:, 1]] += amount
    return np.column_stack([pixels, amount])


def _track(rng, shape, charge, thickness) -> tuple[np.ndarray, float]:
    """Pixels (y, x) at which a track leaves charge, and how much each time."""
    cosine = rng.uniform() ** (1 / 3)  # intensity ∝ cos², area of the detector ∝ cos
    length = min(thickness * np.sqrt(1 / cosine**2 - 1), LONGEST)
    path = np.hypot(length, thickness)
    angle = rng.uniform(0, 2 * np.pi)
    start = rng.uniform((0, 0), shape)
    steps = max(int(path / STEP), 1)
    along = np.linspace(0, length, steps)[:, None]
    points = start + along * np.array([np.sin(angle), np.cos(angle)])
    points = np.floor(points + rng.normal(0, DIFFUSION, points.shape) + 0.5).astype(np.int64)
    total = charge * path * rng.lognormal(0, 0.35)
    return points, total / steps
