"""Spurious removal: how much of injected artefacts goes, how much of the real sources with it.

A field is measured without and with artefacts. A detection is an artefact's if it lies on one and
neither on a detection of the clean field nor on a true source; it is real if it lies on both of
these. A real source is isolated if no artefact's detection lies within 15″. The pool is the truth
to a limit, 98 % complete.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from figure import Figure
from scipy.spatial import cKDTree

from skymill.config import read_yaml
from skymill.paths import CONFIG
from skymill.schema import convert, load_schema
from skymill.sources.measure import measure
from skymill.sources.spurious import Look, spurious

from . import settings
from .artefacts import KINDS, draw, kind_at
from .field import SCALE, Field, simulate

SIDE, SEEDS = 2000, (2,)
DENSITIES = (10.0, 20.0, 54.0)
POOL_LIMITS = (21.0, 22.0, 23.0)
COMPLETE = 0.98
MATCH = 1.1
"""arcsec: a detection lies on a source within it."""
VISIBLE = 23.5
"""Truth that an artefact's detection may not lie on."""
ISOLATED = 15.0
"""arcsec from the next artefact's detection."""
SATURATION = 6e4


@dataclass
class Counts:
    """Flagged and all detections: of artefacts by kind, of isolated real sources, of all real."""

    flagged: np.ndarray
    total: np.ndarray

    @classmethod
    def none(cls) -> "Counts":
        return cls(np.zeros(len(KINDS) + 2), np.zeros(len(KINDS) + 2))

    def add(self, flag: np.ndarray, classes: list[np.ndarray]) -> None:
        """Add a field's detections."""
        self.flagged += [np.count_nonzero(flag & chosen) for chosen in classes]
        self.total += [np.count_nonzero(chosen) for chosen in classes]

    def share(self, rows: slice | int) -> float:
        return float(np.sum(self.flagged[rows]) / np.sum(self.total[rows]))


def figures() -> Iterator[Figure]:
    """Shares per settings, density and limit of the pool."""
    limits = convert(read_yaml(CONFIG / "config.yaml")["sources"], load_schema("sources"))
    for name in ("default", "ks4"):
        for density in DENSITIES:
            counts = {limit: Counts.none() for limit in POOL_LIMITS}
            for seed in SEEDS:
                _one_field(counts, density, seed, getattr(settings, name)(), limits["spurious"])
            yield from _lines(f"{name}, {density:g}/arcmin²", counts)


def _lines(label: str, counts: dict[float, Counts]) -> Iterator[Figure]:
    for limit, found in counts.items():
        where = f"{label}, pool to {limit:g}"
        kinds = slice(0, len(KINDS))
        yield Figure(f"artefacts flagged, {where}", found.share(kinds), 0.95, "", least=True)
        for row, kind in enumerate(KINDS):
            yield Figure(f"  {kind}s ({found.total[row]:.0f})", found.share(row), 0.95, "", True)
        yield Figure(f"isolated real ones flagged, {where}", found.share(len(KINDS)), 0.002, "")
        yield Figure("  of all real ones", found.share(len(KINDS) + 1), np.inf, "")


def _one_field(
    counts: dict[float, Counts], density: float, seed: int, extraction: dict, limits: dict
) -> None:
    field = simulate(SIDE, density, seed)
    light = draw(field, seed)
    total = sum(light.values())
    rng = np.random.default_rng([seed, SIDE, 7])
    noise = rng.standard_normal(total.shape, dtype=np.float32) * np.sqrt(total / field.gain)
    clean = _measured(field, field.image, extraction)
    table = _measured(field, field.image + total + noise.astype(np.float32), extraction)
    classes = _classes(table, clean, field.truth, light)
    look = _look(table)
    for limit, found in counts.items():
        inside = (field.truth["mag"] < limit) & (rng.random(len(field.truth)) < COMPLETE)
        known = _distance(table, field.truth[inside]) <= MATCH
        found.add(spurious(look, known, (SIDE * SCALE) ** 2, limits), classes)


def _measured(field: Field, image: np.ndarray, extraction: dict) -> Table:
    mask = np.zeros(image.shape, np.uint8)
    return measure(image, field.variance, mask, extraction, SCALE, field.gain, SATURATION)


def _classes(
    table: Table, clean: Table, truth: Table, light: dict[str, np.ndarray]
) -> list[np.ndarray]:
    """Which detections are those of each kind of artefact, isolated real ones, real ones."""
    seen = _distance(table, clean) <= MATCH
    kind = kind_at(light, table["x"], table["y"])
    near = _distance(table, truth[truth["mag"] < VISIBLE]) <= MATCH
    artefact = ~seen & ~near & (kind >= 0)
    real = seen & (_distance(table, truth[truth["mag"] < VISIBLE + 0.5]) <= MATCH)
    alone = real & (_distance(table, table[artefact]) > ISOLATED) & (kind < 0)
    return [*(artefact & (kind == row) for row in range(len(KINDS))), alone, real]


def _distance(table: Table, others: Table) -> np.ndarray:
    """From each to the nearest of the others, arcsec."""
    tree = cKDTree(np.column_stack([others["x"], others["y"]]))
    return SCALE * tree.query(np.column_stack([table["x"], table["y"]]))[0]


def _look(table: Table) -> Look:
    """The field's x and y for the tangent plane's."""
    names = ("x", "y", "theta_image", "ellipticity", "flux_radius", "flux_auto", "fluxerr_auto")
    x, y, angle, ellipticity, radius, flux, error = (
        np.ma.filled(np.ma.asarray(table[name]).astype(float), np.nan) for name in names
    )
    flags = np.asarray(table["flags"]).astype(int)
    return Look(SCALE * x, SCALE * y, angle, ellipticity, radius, flux / error, flags)
