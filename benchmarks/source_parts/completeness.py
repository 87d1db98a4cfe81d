"""Completeness, purity and the scatter of magnitudes against truth, beside source-extractor's.

All tools see the same pixels and are asked for the same sources, so that only those count which one
finds and another doesn't. Sources are those that were put in, stars and galaxies, blended or not.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from astropy.table import Table, vstack
from figure import Figure
from scipy.spatial import cKDTree

from skymill.sources.measure import measure

from .extractor import source_extractor, write_planes
from .field import SCALE, Field, simulate
from .settings import default, ks4

FIELDS = {10: (3000, 4), 20: (3000, 3), 54: (2000, 3)}
"""Sources per square arcminute → side of a field, pixels, and number of fields."""
TOOLS = {"default": default, "as KS4": ks4}
THEIRS = "source-extractor"
RADIUS = 2.5
"""Of a detection from its source, at most, pixels: 1″."""
BINS = np.arange(14.0, 24.6, 0.5)
FEWEST = 400
"""A bin with fewer sources is counted with the next fainter one."""
BRIGHT = 22.05
"""Magnitude above which S/N in 5″ exceeds 10."""
DRAWS = 300
"""Bootstrap samples that the error of a ratio comes from."""
APERTURES = {'5"': "flux_aper5", "AUTO": "flux_auto"}


def figures(folder: Path) -> Iterator[Figure]:
    """Of both settings, at each density."""
    for density, (side, count) in FIELDS.items():
        parts = [run(folder, density, side, seed) for seed in range(11, 11 + count)]
        truth = vstack([part for part, _ in parts])
        purity = {name: np.mean([share[name] for _, share in parts]) for name in parts[0][1]}
        for name in TOOLS:
            lost, where = worst_bin(truth, name)
            own, its = 100 * purity[name], 100 * purity[THEIRS]
            text = f"{name}, {density}/arcmin²"
            print(f"purity, {text}: {own:.1f} %, source-extractor's {its:.1f} %")
            yield Figure(f"completeness lost, {text}, {where}", lost, 0.5, "%")
            for aperture in APERTURES:
                ratio, error = scatter_ratio(truth, name, aperture)
                yield Figure(f"scatter ÷ its, {text}, {aperture}", ratio, 1 + error, "")


def run(folder: Path, density: float, side: int, seed: int) -> tuple[Table, dict[str, float]]:
    """Measure a field with all tools.

    Returns
    -------
    Table
        Its sources: ``mag``, ``star`` and, for each tool, ``<tool>`` (found) and
        ``<tool> <aperture>`` (measured − true magnitude, NaN where there is none).
    dict
        Each tool's share of detections that are a source's.
    """
    field = simulate(side, density, seed)
    mask = np.zeros(field.image.shape, np.uint8)
    folder = folder / f"{density}_{seed}"
    write_planes(folder, field.image, field.variance, mask.astype(np.int16))
    truth = field.truth["mag", "star", "x", "y", "flux"]
    table, _ = source_extractor(folder, field.gain, field.fwhm)
    found = Table({
        "x": table["XWIN_IMAGE"] - 1, "y": table["YWIN_IMAGE"] - 1,
        "flux_aper5": table["FLUX_APER"][:, 1], "flux_auto": table["FLUX_AUTO"],
    })  # fmt: skip
    purity = {THEIRS: compared(truth, found, THEIRS)}
    for name, settings in TOOLS.items():
        purity[name] = compared(truth, ours(field, mask, settings()), name)
    truth.remove_columns(["x", "y", "flux"])
    return truth, purity


def ours(field: Field, mask: np.ndarray, settings: dict) -> Table:
    return measure(field.image, field.variance, mask, settings, SCALE, field.gain, 1e9)


def compared(truth: Table, found: Table, name: str) -> float:
    """Add a tool's columns to the truth; return the purity of what it found."""
    match = matched(truth, found)
    hit = match >= 0
    truth[name] = hit
    for aperture, column in APERTURES.items():
        offset = np.full(len(truth), np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            offset[hit] = -2.5 * np.log10(
                np.asarray(found[column])[match[hit]] / truth["flux"][hit]
            )
        truth[f"{name} {aperture}"] = offset
    return hit.sum() / len(found)


def matched(truth: Table, found: Table) -> np.ndarray:
    """The nearest detection within `RADIUS` of each source, brightest first; −1 for none.

    A detection is one source's only.
    """
    places, sources = (np.c_[table["x"], table["y"]].astype(float) for table in (found, truth))
    near = cKDTree(places).query_ball_point(sources, RADIUS)
    taken, match = np.zeros(len(found), bool), np.full(len(truth), -1)
    for n, choice in enumerate(near):
        free = [k for k in choice if not taken[k]]
        if free:
            distance = np.hypot(*(places[free] - sources[n]).T)
            match[n] = free[int(np.argmin(distance))]
            taken[match[n]] = True
    return match


def worst_bin(truth: Table, name: str) -> tuple[float, str]:
    """The most that a tool's completeness falls below source-extractor's in a bin, %, and where."""
    mag = np.asarray(truth["mag"])
    edges = [BINS[0]]
    for edge in BINS[1:]:
        if ((mag >= edges[-1]) & (mag < edge)).sum() >= FEWEST:
            edges.append(edge)
    lost = {}
    for low, high in pairwise(edges):
        chosen = (mag >= low) & (mag < high)
        missed = truth[THEIRS][chosen].astype(float) - truth[name][chosen]
        lost[f"{low:.1f}–{high:.1f} mag"] = 100 * float(missed.mean())
    where = max(lost, key=lost.get)
    return lost[where], where


def scatter_ratio(truth: Table, name: str, aperture: str) -> tuple[float, float]:
    """Ratio of the scatters of both tools about their means, bin by bin, and its error.

    Of the sources brighter than `BRIGHT` that both found. The scatter is half of what the middle
    68 % span; means are those of stars and of galaxies of each half magnitude.
    """
    pair = np.stack([np.asarray(truth[f"{tool} {aperture}"]) for tool in (name, THEIRS)])
    chosen = np.isfinite(pair).all(axis=0) & (truth["mag"] < BRIGHT)
    pair = pair[:, chosen]
    group = np.digitize(truth["mag"][chosen], BINS) + 100 * np.asarray(truth["star"][chosen])
    for which in np.unique(group):
        pair[:, group == which] -= np.median(pair[:, group == which], axis=1)[:, None]
    rng = np.random.default_rng(5)
    draws = rng.integers(0, pair.shape[1], (DRAWS, pair.shape[1]))
    return _ratio(pair), float(np.std([_ratio(pair[:, draw]) for draw in draws]))


def _ratio(pair: np.ndarray) -> float:
    low, high = np.percentile(pair, [16, 84], axis=1)
    return float((high - low)[0] / (high - low)[1])
