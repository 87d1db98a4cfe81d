"""The bias of MAG_AUTO, before and after its correction, on stars held out of the fit.

Fields of one PSF stand for parts of a tile. Every other detection takes part in the fit, where
reference stars end at 18.5 mag; the others are corrected with what it found. Stars are clean and
isolated. Magnitudes in 5″ and in AUTO are calibrated by the bright reference stars' medians.
"""

from collections.abc import Iterator

import numpy as np
from astropy.table import Table, vstack
from figure import Figure
from scipy.spatial import cKDTree

from skymill.config import read_yaml
from skymill.paths import CONFIG
from skymill.schema import convert, load_schema
from skymill.sources.magnitude_bias import isolated
from skymill.sources.measure import measure
from skymill.sources.tile_catalogue import bias_of, correct_magnitude_bias

from . import settings
from .field import SCALE, ZERO_POINT, simulate

SIDE, DENSITY, SEEDS = 2500, 20.0, (1, 2, 3, 4, 5, 6)
REFERENCE = 18.5
"""Where reference stars end, mag."""
BRIGHT, FAINT, STEP = 14.0, 20.0, 0.5
SATURATION = 6e4
MATCH = 1.0
"""arcsec."""


def figures() -> Iterator[Figure]:
    """The worst half-magnitude bin of each: uncorrected, corrected, against the truth."""
    limits = convert(read_yaml(CONFIG / "config.yaml")["sources"], load_schema("sources"))
    limits = limits["magnitude_bias"]
    for name in ("default", "ks4"):
        table = vstack([_one_field(seed, getattr(settings, name)()) for seed in SEEDS])
        reference = np.asarray(table["star"]) & (np.asarray(table["true"]) < REFERENCE)
        _calibrate(table, reference)
        fitted = np.arange(len(table)) % 2 == 0
        curve = bias_of(table[fitted], "", reference[fitted], table["alone"][fitted], limits)
        rest = table[~fitted]
        before = np.array(rest["mag_auto"])
        changed = correct_magnitude_bias(rest, "", curve, reference[~fitted], limits)
        yield from _bins(name, rest, before, changed)
        same = np.array_equal(before[~changed], rest["mag_auto"][~changed], equal_nan=True)
        yield Figure(f"uncorrected classes untouched, {name}", float(same), 1, "", least=True)


def _one_field(seed: int, extraction: dict) -> Table:
    """Measurements of a field, with what is true of each source that is alone in the truth too."""
    field = simulate(SIDE, DENSITY, seed, rise=0.0)
    mask = np.zeros(field.image.shape, np.uint8)
    table = measure(
        field.image, field.variance, mask, extraction, SCALE, field.gain, SATURATION
    )  # fmt: skip
    place = np.column_stack([table["x"], table["y"]])
    true = field.truth
    distance, nearest = cKDTree(np.column_stack([true["x"], true["y"]])).query(place)
    table["true"] = np.where(SCALE * distance < MATCH, true["mag"][nearest], np.nan)
    table["star"] = np.asarray(true["star"])[nearest] & (SCALE * distance < MATCH)
    table["alone"] = isolated(SCALE * table["x"], SCALE * table["y"], 5.0)
    table.meta.clear()
    return table


def _calibrate(table: Table, reference: np.ndarray) -> None:
    clean = reference & (np.asarray(table["flags"]) == 0) & np.asarray(table["alone"])
    for name in ("auto", "aper5"):
        flux = np.ma.filled(np.ma.asarray(table[f"flux_{name}"]).astype(float), np.nan)
        mag = ZERO_POINT - 2.5 * np.log10(np.where(flux > 0, flux, np.nan))
        table[f"mag_{name}"] = mag - np.nanmedian((mag - table["true"])[clean])


def _bins(name: str, table: Table, before: np.ndarray, changed: np.ndarray) -> Iterator[Figure]:
    chosen = changed & table["star"] & table["alone"] & (table["flags"] == 0)
    true, fixed = np.asarray(table["true"]), np.asarray(table["mag_aper5"])
    worst = {"before correction": 0.0, "after": 0.0, "after, against truth": 0.0}
    for low in np.arange(BRIGHT, FAINT, STEP):
        rows = np.flatnonzero(chosen & (true >= low) & (true < low + STEP))
        after = np.asarray(table["mag_auto"])
        values = before - fixed, after - fixed, after - true
        medians = [1e3 * abs(np.median(v[rows])) for v in values]
        error = 1.25e3 * np.std((after - fixed)[rows]) / np.sqrt(rows.size)
        print(
            f"  {name} {low:.1f}: {rows.size} stars, error {error:.1f} mmag,", np.round(medians, 2)
        )
        worst = {key: max(worst[key], m) for key, m in zip(worst, medians, strict=True)}
    for key, value in worst.items():
        target = 3.0 if key == "after" else np.inf
        yield Figure(f"bias of AUTO to 20 mag, worst bin, {key}, {name}", value, target, "mmag")
