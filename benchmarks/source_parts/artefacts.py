"""Artefacts over a simulated stack: satellites' trails, ghosts, stray-light arcs, bleeding, spikes.

What masks and clipping have left of them: a few σ of a pixel, of uneven light, in pieces.
"""

from collections.abc import Mapping

import numpy as np
from scipy.ndimage import gaussian_filter

from .field import SCALE, SKY_RMS, Field

KINDS = ("trail", "ghost", "arc", "bleed", "spike")
PER_FIELD = {"trail": 3, "ghost": 4, "arc": 3, "bleed": 4, "spike": 4}
"""For a field of 20′ a side; bleeding and spikes from its brightest stars, the last ones spikes."""


def draw(field: Field, seed: int) -> dict[str, np.ndarray]:
    """The light of each kind of artefact, an image of the field's shape each, image units."""
    side = field.image.shape[0]
    rng = np.random.default_rng([seed, side])
    share = (side * SCALE / 1200) ** 2
    numbers = {kind: max(round(n * share), 1) for kind, n in PER_FIELD.items()}
    y, x = (axis.astype(np.float32) for axis in np.mgrid[:side, :side])
    trails, ghosts, arcs, bleeds, spikes = (np.zeros((side, side), np.float32) for _ in KINDS)
    for _ in range(numbers["trail"]):
        trails += _trail(rng, x, y, side)
    for _ in range(numbers["ghost"]):
        ghosts += _ghost(rng, x, y, side)
    for _ in range(numbers["arc"]):
        arcs += _arc(rng, x, y, side)
    stars = np.column_stack([field.truth["x"], field.truth["y"]])
    for place in stars[: numbers["bleed"]]:
        bleeds += _bleed(rng, x, y, place)
    for place in stars[numbers["bleed"] :][: numbers["spike"]]:
        spikes += _spikes(rng, x, y, place)
    images = zip(KINDS, (trails, ghosts, arcs, bleeds, spikes), strict=True)
    return {kind: image * np.float32(SKY_RMS) for kind, image in images}


def kind_at(images: Mapping[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Index in `KINDS` of the artefact that gives most light at places (pixels); −1 without any."""
    nearby = np.array([gaussian_filter(images[kind], 2.0) for kind in KINDS])
    columns, rows = np.rint(x).astype(int), np.rint(y).astype(int)
    light = nearby[:, rows, columns]
    return np.where(light.max(axis=0) > 0.2 * SKY_RMS, light.argmax(axis=0), -1)


def _uneven(rng: np.random.Generator, shape: tuple[int, ...], size: float) -> np.ndarray:
    """Positive structure of mean 1: noise smoothed with a Gaussian of some pixels."""
    noise = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), size)
    return np.clip(1 + 0.6 * noise / noise.std(), 0, None)


def _trail(rng: np.random.Generator, x: np.ndarray, y: np.ndarray, side: int) -> np.ndarray:
    """A trail across the field, of uneven light and with gaps, as wide as the seeing."""
    angle, offset = rng.uniform(0, np.pi), rng.uniform(-0.3, 0.3) * side
    dx, dy = x - side / 2, y - side / 2
    along = (dx * np.cos(angle) + dy * np.sin(angle) + side).astype(np.int32)
    across = dy * np.cos(angle) - dx * np.sin(angle) - offset
    light = _uneven(rng, (2 * side + 1,), 25.0) * (_uneven(rng, (2 * side + 1,), 60.0) > 0.5)
    width = rng.uniform(2.0, 3.0)
    return rng.uniform(1.5, 4.0) * light[along] * np.exp(-0.5 * (across / width) ** 2)


def _ghost(rng: np.random.Generator, x: np.ndarray, y: np.ndarray, side: int) -> np.ndarray:
    """An out-of-focus reflection: a ring or disc with the shadows of what holds the mirror."""
    x0, y0 = rng.uniform(0.1, 0.9, 2) * side
    outer = rng.uniform(20, 60) / SCALE
    hole, turn = rng.uniform(0.0, 0.6) * outer, rng.uniform(0, np.pi)
    radius, angle = np.hypot(x - x0, y - y0), np.arctan2(y - y0, x - x0)
    inside = (radius < outer) & (radius > hole) & (np.abs(np.sin(2 * (angle - turn))) > 0.12)
    light = _uneven(rng, x.shape, rng.uniform(3, 6))
    return rng.uniform(1.0, 3.0) * inside * light


def _arc(rng: np.random.Generator, x: np.ndarray, y: np.ndarray, side: int) -> np.ndarray:
    """Stray light: part of a large, narrow ring."""
    x0, y0 = rng.uniform(0.2, 0.8, 2) * side
    size, width = rng.uniform(60, 240) / SCALE, rng.uniform(1.5, 3) / SCALE
    start = rng.uniform(-np.pi, np.pi)
    radius, angle = np.hypot(x - x0, y - y0), np.arctan2(y - y0, x - x0)
    inside = np.mod(angle - start, 2 * np.pi) < rng.uniform(0.6, 1.5)
    light = _uneven(rng, x.shape, 5.0) * inside
    return rng.uniform(1.5, 3.5) * light * np.exp(-0.5 * ((radius - size) / width) ** 2)


def _bleed(rng: np.random.Generator, x: np.ndarray, y: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Charge along the columns through a star, fading, in pieces."""
    length, width = rng.uniform(40, 150) / SCALE, rng.uniform(1.0, 2.5)
    dx, dy = x - place[0], y - place[1]
    rows = _uneven(rng, (x.shape[0], 1), 6.0)
    fading = np.exp(-np.abs(dy) / (0.4 * length)) * (np.abs(dy) < length)
    return rng.uniform(5, 20) * rows * fading * np.exp(-0.5 * (dx / width) ** 4)


def _spikes(
    rng: np.random.Generator, x: np.ndarray, y: np.ndarray, place: np.ndarray
) -> np.ndarray:
    """Four diffraction spikes of a star, their light falling with the distance."""
    angle, reach = rng.uniform(0, np.pi / 2), rng.uniform(30, 80) / SCALE
    dx, dy = x - place[0], y - place[1]
    u, v = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    radius, narrow = np.hypot(u, v), np.minimum(np.abs(u), np.abs(v))
    light = rng.uniform(3, 8) * _uneven(rng, x.shape, 3.0) * (radius < reach)
    return light * np.exp(-0.5 * (narrow / 2) ** 2) / (1 + (radius / (10 / SCALE)) ** 1.0)
