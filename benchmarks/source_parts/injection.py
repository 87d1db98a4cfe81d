"""Injected completeness against the true one: on simulated stacks, whose sources are known."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.table import Table
from figure import Figure

from skymill.config import switch
from skymill.paths import CONFIG
from skymill.sources.completeness import magnitude_at
from skymill.sources.inject import Stack, inject
from skymill.sources.injection import Found, mutual, share_and_error, statistics
from skymill.sources.measure import Band, measure_bands
from skymill.sources.planes import ArrayPlanes

from .field import SCALE, ZERO_POINT, Field, simulate
from .settings import default

SIDE, DENSITIES, SEEDS = 1600, (10.0, 20.0, 54.0), (11, 12)
ALL_LIGHT = 1e5
"""Diameter of the zero point's aperture, arcsec: the fields' zero point is that of all light."""
BRIGHT, FAINT = 18.0, 24.5


def figures(folder: Path) -> Iterator[Figure]:
    """χ² per bin of the difference, and where completeness falls to one half."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {**switch(CONFIG / "config.yaml", "sources", "injection"), "bright": BRIGHT}
    settings |= {"faint": FAINT, "rounds": 2}
    for density in DENSITIES:
        fields = [simulate(SIDE, density, seed) for seed in SEEDS]
        rounds: list[Found] = []
        for n, field in enumerate(fields):
            unit = f"{density:.0f}/arcmin²", str(n)
            rounds += inject(_stack(field), settings, default(), unit, folder / "lit")[0]
        table = statistics(rounds, settings)
        found = [recovered(field, settings) for field in fields]
        for kind, name in (("star", "stars"), ("galaxy", "galaxies")):
            rows = table[(table["class"] == kind) & (table["crowding"] == "all")]
            both = zip(fields, found, strict=True)
            true = sum(counts(field.truth, seen, kind, rows) for field, seen in both)
            yield from compared(rows, true, f"{name}, {density:.0f}/arcmin²")


def _stack(field: Field) -> Stack:
    planes = ArrayPlanes(field.image, field.variance, np.zeros(field.image.shape, np.uint8))
    band = Band(planes, field.gain, float("inf"))

    def good(window: tuple[slice, slice]) -> np.ndarray:
        return np.isfinite(field.image[window])

    zero = ZERO_POINT, ALL_LIGHT
    return Stack(band, good, zero, field.gain, float("inf"), float("nan"), SCALE)


def recovered(field: Field, settings: dict) -> np.ndarray:
    """Which true sources are found, bool.

    As of an injected one, a detection is that of the brightest source that it may be.
    """
    found = measure_bands({"": _stack(field).band}, "", default(), SCALE)[""]
    truth = field.truth  # brightest first
    radius = settings["match_radius"] / SCALE
    seen = np.zeros(len(truth), bool)
    left = np.ones(len(found), bool)
    # The brightest choose first, half a magnitude at a time: a faint one may be nearer by chance.
    for low in np.arange(12.0, 26.0, 0.5):
        some = np.flatnonzero((truth["mag"] >= low) & (truth["mag"] < low + 0.5))
        free = np.flatnonzero(left)
        partner = mutual(
            truth["x"][some], truth["y"][some], found["x"][free], found["y"][free], radius
        )
        seen[some[partner >= 0]] = True
        left[free[partner[partner >= 0]]] = False
    return seen


def counts(truth: Table, found: np.ndarray, kind: str, rows: Table) -> np.ndarray:
    """True sources in each bin, and those found, shape (bins, 2)."""
    own = np.asarray(truth["star"]) == (kind == "star")
    numbers = []
    for row in rows:
        here = own & (truth["mag"] >= row["mag_low"]) & (truth["mag"] < row["mag_high"])
        numbers.append((here.sum(), (here & found).sum()))
    return np.array(numbers)


def compared(rows: Table, true: np.ndarray, what: str) -> Iterator[Figure]:
    """The difference of the two in units of its errors, and of their limits."""
    injected = np.stack([rows["injected"], rows["recovered"]], axis=1).astype(int)
    off, spread, shares = [], [], []
    for (whole, part), (own, seen) in zip(true, injected, strict=True):
        share, error = share_and_error(part, whole)
        other, own_error = share_and_error(seen, own)
        shares.append((share, other))
        off.append(other - share)
        spread.append(np.hypot(error, own_error))
    off, spread, shares = np.array(off), np.array(spread), np.array(shares)
    middle = np.asarray(rows["mag_low"] + rows["mag_high"]) / 2
    for n, mag in enumerate(middle):
        (whole, part), (own, seen) = true[n], injected[n]
        text = f"true {part}/{whole}, injected {seen}/{own}"
        print(f"# {what} {mag:.2f}: {text}, {off[n]:+.3f} ± {spread[n]:.3f}", flush=True)
    known = np.isfinite(off)
    yield Figure(f"injected − true completeness, χ² per bin, {what}",
                 float(np.mean((off / spread)[known] ** 2)), 2.0, "")  # fmt: skip
    half = [magnitude_at(middle[known], shares[known, n], 0.5) for n in (0, 1)]
    yield Figure(f"|injected − true 50 % magnitude|, {what}", abs(half[1] - half[0]), 0.1, "mag")
