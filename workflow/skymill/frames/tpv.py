"""The TPV projection (Calabretta et al. 2004, as registered with FITS): pixel ↔ plane ↔ sky.

Three systems, in this order: 0-based *pixels*; *intermediate* coordinates u, v = CD · (pixel −
CRPIX) in degrees; the tangent *plane* xi, eta in degrees, a cubic polynomial of u and v. All
chips of a camera share one tangent point.

FITS gives the second axis's polynomial with u and v swapped. Here both axes have coefficients
over the same terms, an array of shape (2, 12): `coefficients` and `with_coefficients` translate.
"""

from collections.abc import Mapping

import numpy as np

Cards = dict[str, float | str]

SWAP = np.array([0, 2, 1, 3, 6, 5, 4, 10, 9, 8, 7, 11])
"""Index of each TPV term after its two variables are swapped."""
POLYNOMIAL = np.array([0, 1, 2, 4, 5, 6, 7, 8, 9, 10])
"""Terms that are monomials; 3 and 11 are r and r³."""
DEGREE = np.array([0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3])
"""Degree of each term."""
ITERATIONS = 40
"""Fixed-point steps of the inverse: distortions of a few per cent converge in about 15."""


def terms(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The twelve TPV terms of intermediate coordinates in degrees, shape (..., 12)."""
    r = np.hypot(u, v)
    uu, uv, vv = u * u, u * v, v * v
    cubic = [u * uu, uu * v, u * vv, v * vv, r * (r * r)]  # powers would take ten times as long
    return np.stack([np.ones_like(r), u, v, r, uu, uv, vv, *cubic], axis=-1)


def coefficients(cards: Mapping[str, float | str]) -> np.ndarray:
    """Coefficients of xi and eta over `terms`, shape (2, 12), from PV cards; absent ones are 0."""
    first = np.array([float(cards.get(f"PV1_{k}", k == 1)) for k in range(12)])
    second = np.array([float(cards.get(f"PV2_{k}", k == 1)) for k in range(12)])
    return np.stack([first, second[SWAP]])


def with_coefficients(cards: Mapping[str, float | str], values: np.ndarray) -> Cards:
    """The same cards with PV terms that hold `values` (as `coefficients` gives them)."""
    changed = {key: value for key, value in cards.items() if not key.startswith("PV")}
    for axis, row in ((1, values[0]), (2, values[1][SWAP])):
        for k, value in enumerate(row):
            if value != 0.0 or k == 1:
                changed[f"PV{axis}_{k}"] = float(value)
    return changed


def moved(values: np.ndarray, matrix: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Coefficients of the plane after it is moved: matrix (2, 2) · (xi, eta) + shift (degrees)."""
    result = matrix @ values
    result[:, 0] += shift
    return result


def intermediate(
    cards: Mapping[str, float | str], x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Intermediate coordinates in degrees of 0-based pixels."""
    dx = np.asarray(x, dtype=float) + 1.0 - cards["CRPIX1"]
    dy = np.asarray(y, dtype=float) + 1.0 - cards["CRPIX2"]
    return (
        cards["CD1_1"] * dx + cards["CD1_2"] * dy,
        cards["CD2_1"] * dx + cards["CD2_2"] * dy,
    )


def plane_of_pixels(
    cards: Mapping[str, float | str], x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tangent-plane coordinates in degrees of 0-based pixels; CRVAL isn't needed."""
    u, v = intermediate(cards, x, y)
    plane = terms(u, v) @ coefficients(cards).T
    return plane[..., 0], plane[..., 1]


def pixels_of_plane(
    cards: Mapping[str, float | str], xi: np.ndarray, eta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """0-based pixels of tangent-plane coordinates in degrees: `plane_of_pixels` inverted.

    Far outside the field a cubic polynomial folds and has no inverse: such positions give NaN.
    """
    values = coefficients(cards)
    linear = np.linalg.inv(values[:, 1:3])
    target = np.stack([np.asarray(xi, dtype=float), np.asarray(eta, dtype=float)], axis=-1)
    place = (target - values[:, 0]) @ linear.T
    before = np.full(place.shape[:-1], np.inf)
    for _ in range(ITERATIONS):
        step = (target - terms(place[..., 0], place[..., 1]) @ values.T) @ linear.T
        size = np.hypot(step[..., 0], step[..., 1])
        diverges = (size > before) & (size > 1e-9)
        place = np.where(diverges[..., None], np.nan, place + step)
        before = size
        if np.nanmax(size, initial=0.0) < 1e-12:
            break
    cd = np.array([[cards["CD1_1"], cards["CD1_2"]], [cards["CD2_1"], cards["CD2_2"]]])
    pixels = place @ np.linalg.inv(cd).T
    return pixels[..., 0] + cards["CRPIX1"] - 1.0, pixels[..., 1] + cards["CRPIX2"] - 1.0


def sky_of_plane(
    xi: np.ndarray, eta: np.ndarray, ra0: float, dec0: float
) -> tuple[np.ndarray, np.ndarray]:
    """Right ascension in [0, 360) and declination of a TAN plane about (ra0, dec0), degrees."""
    xi, eta = np.radians(xi), np.radians(eta)
    sin0, cos0 = np.sin(np.radians(dec0)), np.cos(np.radians(dec0))
    below = cos0 - eta * sin0
    ra = ra0 + np.degrees(np.arctan2(xi, below))
    dec = np.degrees(np.arctan2(sin0 + eta * cos0, np.hypot(xi, below)))
    return ra % 360.0, dec


def plane_of_sky(
    ra: np.ndarray, dec: np.ndarray, ra0: float, dec0: float
) -> tuple[np.ndarray, np.ndarray]:
    """TAN plane about (ra0, dec0) of sky positions, degrees; NaN beyond 90° from the centre."""
    delta = np.radians(np.asarray(ra, dtype=float) - ra0)
    dec = np.radians(np.asarray(dec, dtype=float))
    sin0, cos0 = np.sin(np.radians(dec0)), np.cos(np.radians(dec0))
    depth = np.sin(dec) * sin0 + np.cos(dec) * cos0 * np.cos(delta)
    depth = np.where(depth > 0, depth, np.nan)
    xi = np.cos(dec) * np.sin(delta) / depth
    eta = (np.sin(dec) * cos0 - np.cos(dec) * sin0 * np.cos(delta)) / depth
    return np.degrees(xi), np.degrees(eta)


def sky_of_pixels(
    cards: Mapping[str, float | str], x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Right ascension and declination in degrees of 0-based pixels."""
    xi, eta = plane_of_pixels(cards, x, y)
    return sky_of_plane(xi, eta, float(cards["CRVAL1"]), float(cards["CRVAL2"]))


def pixels_of_sky(
    cards: Mapping[str, float | str], ra: np.ndarray, dec: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """0-based pixels of sky positions in degrees."""
    xi, eta = plane_of_sky(ra, dec, float(cards["CRVAL1"]), float(cards["CRVAL2"]))
    return pixels_of_plane(cards, xi, eta)
