"""Injected sources, measured and found again: completeness, purity, bias, scatter.

Nothing here knows what was simulated: the stack's own stars say what a source looks like, and what
the stack shows without injected sources is what is real.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from astropy.table import Table, vstack

from .apertures import DIAMETERS
from .completeness import magnitude_at
from .injected import Seeing, light_within, total_flux
from .robust import scatter

CLASSES = ("star", "galaxy")
CROWDING = ("isolated", "crowded", "blended")
LEVELS = (0.9, 0.8, 0.5)
"""Completeness whose magnitudes are given."""
MEASURED = ("auto", *DIAMETERS)


@dataclass(frozen=True)
class Found:
    """What one round of injection gave.

    Attributes
    ----------
    injected : Table
        Of `skymill.sources.injected.draw_sources`, with ``neighbour`` (distance of the nearest
        source of the stack as it is, arcsec), ``recovered`` (bool), and of those recovered
        ``flux_…``, ``fluxerr_…``, ``class_star``; NaN of the others.
    new : Table
        What is detected now and wasn't before: ``mag`` (AUTO), ``star`` (bool: by its class),
        ``neighbour``, ``injected`` (bool).
    """

    injected: Table
    new: Table


def mutual(
    x1: np.ndarray, y1: np.ndarray, x2: np.ndarray, y2: np.ndarray, radius: float
) -> np.ndarray:
    """For each source of a list the one of another list that it is nearest to, and vice versa.

    Parameters
    ----------
    x1, y1, x2, y2 : ndarray
        Pixels.
    radius : float
        Largest distance, pixels.

    Returns
    -------
    ndarray of int64, shape (n1,)
        Index into the second list; −1 without a partner.
    """
    from scipy.spatial import cKDTree

    partner = np.full(len(x1), -1)
    if not len(x1) or not len(x2):
        return partner
    one, other = np.c_[x1, y1], np.c_[x2, y2]
    distance, near = cKDTree(other).query(one)
    back = cKDTree(one).query(other)[1]
    kept = (distance <= radius) & (back[near] == np.arange(len(x1)))
    partner[kept] = near[kept]
    return partner


def neighbours(x: np.ndarray, y: np.ndarray, before: Table, pixel_scale: float) -> np.ndarray:
    """Distance of the nearest source of a stack, arcsec; infinite without any."""
    from scipy.spatial import cKDTree

    if not len(before) or not len(x):
        return np.full(len(x), np.inf)
    tree = cKDTree(np.c_[before["x"], before["y"]])
    return tree.query(np.c_[x, y])[0] * pixel_scale


def recover(
    injected: Table,
    before: Table,
    after: Table,
    seeing: Seeing,
    zero: tuple[float, float],
    settings: Mapping,
    pixel_scale: float,
) -> Found:
    """Find injected sources among what is detected.

    Parameters
    ----------
    injected : Table
        Of `skymill.sources.injected.draw_sources`: those that were put in.
    before, after : Table
        Of `skymill.sources.measure`: the stack as it is, and with them.
    seeing : Seeing
    zero : (float, float)
        Zero point, mag, and the diameter of the aperture that it holds in, arcsec.
    settings : Mapping
        `sources.injection`.
    pixel_scale : float
        Arcsec.

    Notes
    -----
    A source is recovered by the detection nearest to it, within the radius, if no other injected
    source is nearer to that one. Where that detection was there before, it is the brighter one's:
    an injected source on top of a brighter real one isn't found.
    """
    radius = settings["match_radius"] / pixel_scale
    places = [(np.asarray(t["x"], float), np.asarray(t["y"], float)) for t in (before, after)]
    old = mutual(*places[1], *places[0], radius)
    own = mutual(np.asarray(injected["x"]), np.asarray(injected["y"]), *places[1], radius)
    recovered = own >= 0
    earlier = np.where(recovered, old[own] if len(after) else -1, -1)
    if len(before):
        was = np.nan_to_num(np.asarray(before["flux_auto"], float))[earlier]
        recovered &= (earlier < 0) | (np.asarray(injected["flux"]) > was)
    injected = injected.copy()
    injected["neighbour"] = neighbours(injected["x"], injected["y"], before, pixel_scale)
    injected["recovered"] = recovered
    names = [f"{kind}_{name}" for kind in ("flux", "fluxerr") for name in MEASURED]
    for name in (*names, "class_star"):
        injected[name] = np.full(len(injected), np.nan)
        injected[name][recovered] = np.asarray(after[name], float)[own[recovered]]
    beta = seeing.star.beta
    injected["light_auto"] = injected["flux"]
    for name, diameter in DIAMETERS.items():
        radius = diameter / 2 / pixel_scale
        injected[f"light_{name}"] = light_within(injected, radius, beta, pixel_scale)
    return Found(injected, _new(after, old, own[recovered], before, seeing, zero, pixel_scale))


def _new(
    after: Table,
    old: np.ndarray,
    own: np.ndarray,
    before: Table,
    seeing: Seeing,
    zero: tuple[float, float],
    pixel_scale: float,
) -> Table:
    """Detections that weren't there before, and the injected sources' own."""
    injected = np.zeros(len(after), bool)
    injected[own] = True
    chosen = injected | (old < 0)
    x, y = (np.asarray(after[name], float)[chosen] for name in ("x", "y"))
    unit = total_flux(zero[0], seeing.alpha(x, y), seeing.star.beta, zero, pixel_scale)
    with np.errstate(invalid="ignore", divide="ignore"):
        mag = zero[0] - 2.5 * np.log10(np.asarray(after["flux_auto"])[chosen] / unit)
    return Table(
        {
            "mag": mag,
            "star": np.asarray(after["class_star"])[chosen] >= 0.5,
            "neighbour": neighbours(x, y, before, pixel_scale),
            "injected": injected[chosen],
        }
    )


def edges(settings: Mapping) -> np.ndarray:
    """Of the bins of magnitude."""
    bright, faint, width = (settings[name] for name in ("bright", "faint", "bin"))
    return bright + width * np.arange(round((faint - bright) / width) + 1)


def statistics(rounds: list[Found], settings: Mapping) -> Table:
    """Count and compare, by class, crowding and magnitude.

    Parameters
    ----------
    rounds : list of Found
        None of them: nothing was injected.
    settings : Mapping
        `sources.injection`.

    Returns
    -------
    Table
        The columns of ``resources/tables/injection.yaml`` but tile and band: of each class the
        bins of all sources, then of each kind of crowding.
    """
    limits = edges(settings)
    injected = vstack([found.injected for found in rounds]) if rounds else None
    new = vstack([found.new for found in rounds]) if rounds else None
    rows = []
    for kind in CLASSES:
        for crowding in ("all", *CROWDING):
            for low, high in pairwise(limits):
                row = {"class": kind, "crowding": crowding, "mag_low": low, "mag_high": high}
                own, seen = (
                    None if t is None else t[_chosen(t, kind, crowding, low, high, settings)]
                    for t in (injected, new)
                )
                rows.append(row | _counts(own, seen) | _differences(own, kind, settings))
    return Table(rows)


def _chosen(
    table: Table, kind: str, crowding: str, low: float, high: float, settings: Mapping
) -> np.ndarray:
    mag, neighbour = np.asarray(table["mag"]), np.asarray(table["neighbour"])
    chosen = (mag >= low) & (mag < high) & (np.asarray(table["star"]) == (kind == "star"))
    if crowding == "all":
        return chosen
    far = neighbour >= settings["isolated"]
    near = neighbour < settings["blended"]
    return chosen & {"isolated": far, "blended": near, "crowded": ~far & ~near}[crowding]


def share_and_error(part: int, whole: int) -> tuple[float, float]:
    """A share and its binomial error: the standard deviation of its posterior under a flat prior,
    which isn't 0 where all or none are found (Cameron 2011, PASA 28, 128); NaN of nothing.
    """
    if not whole:
        return np.nan, np.nan
    variance = (part + 1) * (whole - part + 1) / ((whole + 2) ** 2 * (whole + 3))
    return part / whole, float(np.sqrt(variance))


def _counts(injected: Table | None, new: Table | None) -> dict[str, float]:
    whole, part, seen, true = 0, 0, 0, 0
    if injected is not None:
        whole, part = len(injected), int(np.sum(injected["recovered"]))
        seen, true = len(new), int(np.sum(new["injected"]))
    completeness, completeness_error = share_and_error(part, whole)
    purity, purity_error = share_and_error(true, seen)
    return {
        "injected": whole,
        "recovered": part,
        "completeness": completeness,
        "completeness_error": completeness_error,
        "new": seen,
        "purity": purity,
        "purity_error": purity_error,
    }


def _differences(injected: Table | None, kind: str, settings: Mapping) -> dict[str, float]:
    """Bias, its error, scatter and pull in each aperture; the share of right classes."""
    found = {}
    table = None if injected is None else injected[np.asarray(injected["recovered"])]
    for name in MEASURED:
        values = dict.fromkeys(("bias", "bias_error", "scatter", "pull"), np.nan)
        if table is not None:
            flux, error, light = (
                np.asarray(table[f"{what}_{name}"], float) for what in ("flux", "fluxerr", "light")
            )
            good = np.isfinite(flux) & np.isfinite(error) & (flux > 0)
            if good.sum() >= settings["fewest"]:
                off = -2.5 * np.log10(flux[good] / light[good])
                spread = scatter(off)
                values = {
                    "bias": float(np.median(off)),
                    "bias_error": float(np.sqrt(np.pi / 2) * spread / np.sqrt(off.size)),
                    "scatter": spread,
                    "pull": scatter((flux - light)[good] / error[good]),
                }
        found |= {f"{what}_{name}": value for what, value in values.items()}
    right = np.nan
    if table is not None:
        class_star = np.asarray(table["class_star"], float)
        known = np.isfinite(class_star)
        if known.any():
            right = float(np.mean((class_star[known] >= 0.5) == (kind == "star")))
    return found | {"class_right": right}


def complete_magnitudes(table: Table) -> dict[str, dict[str, float | None]]:
    """Class → the magnitudes at which completeness falls to each of `LEVELS`; None where unknown.

    Parameters
    ----------
    table : Table
        Of `statistics`.
    """
    found = {}
    for kind in CLASSES:
        rows = table[(table["class"] == kind) & (table["crowding"] == "all")]
        rows = rows[np.asarray(rows["injected"]) > 0]
        middle = (np.asarray(rows["mag_low"]) + np.asarray(rows["mag_high"])) / 2
        values = {
            f"{level:.0%}": magnitude_at(middle, np.asarray(rows["completeness"]), level)
            for level in LEVELS
        }
        found[kind] = {
            name: round(value, 3) if np.isfinite(value) else None for name, value in values.items()
        }
    return found
