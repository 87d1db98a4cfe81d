"""The true astrometry of an exposure: the camera's prior, a site's deviation from it, pointing."""

from collections.abc import Mapping

import numpy as np

Cards = dict[str, float | str]

TERMS = 11
"""Of a cubic TPV polynomial: 1, x, y, r, x², xy, y², x³, x²y, xy², y³."""


def tpv_terms(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The terms of a cubic TPV polynomial, shape (n, 11); the radial term (index 3) is left out."""
    one, zero = np.ones_like(x), np.zeros_like(x)
    return np.stack(
        [one, x, y, zero, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3], axis=-1
    )


def corner_offsets(cards: Mapping, shape: tuple[int, int]) -> np.ndarray:
    """Intermediate coordinates (degrees, CD applied) of a grid over a chip, shape (n, 2)."""
    ny, nx = shape
    x, y = np.meshgrid(np.linspace(1, nx, 9), np.linspace(1, ny, 9))
    u, v = x.ravel() - cards["CRPIX1"], y.ravel() - cards["CRPIX2"]
    return np.stack(
        [cards["CD1_1"] * u + cards["CD1_2"] * v, cards["CD2_1"] * u + cards["CD2_2"] * v], axis=-1
    )


def deviate(
    rng: np.random.Generator, cards: Cards, shape: tuple[int, int], largest: float
) -> Cards:
    """Change a chip's distortion by a random cubic polynomial.

    Parameters
    ----------
    rng : Generator
    cards : dict
        TPV cards without CRVAL.
    shape : (ny, nx)
        Of the chip.
    largest : float
        The deviation's maximum over the chip, arcsec.
    """
    places = corner_offsets(cards, shape)
    span = np.abs(places).max()
    changed = dict(cards)
    for axis, (first, second) in enumerate(((0, 1), (1, 0)), start=1):
        terms = tpv_terms(places[:, first], places[:, second])
        weight = np.array([0.5, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1])
        order = np.array([0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3])
        change = rng.normal(size=TERMS) * weight / span**order
        change *= rng.uniform(0.5, 1) * largest / np.sqrt(2) / 3600 / np.abs(terms @ change).max()
        for k in np.flatnonzero(change):
            changed[f"PV{axis}_{k}"] = float(changed.get(f"PV{axis}_{k}", 0.0) + change[k])
    return changed


def rotate(cards: Cards, angle: float) -> Cards:
    """Turn a chip about the tangent point by `angle` degrees, counter-clockwise in the plane."""
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    cd = np.array([[cards["CD1_1"], cards["CD1_2"]], [cards["CD2_1"], cards["CD2_2"]]])
    turned = np.array([[cos, -sin], [sin, cos]]) @ cd
    names = [["CD1_1", "CD1_2"], ["CD2_1", "CD2_2"]]
    return cards | {names[i][j]: float(turned[i, j]) for i in (0, 1) for j in (0, 1)}


def pointed(cards: Cards, ra: float, dec: float) -> Cards:
    """Give a solution its CRVAL, degrees."""
    return cards | {"CRVAL1": float(ra % 360), "CRVAL2": float(dec)}
