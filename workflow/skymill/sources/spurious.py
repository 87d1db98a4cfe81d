"""Spurious sources: detections that no catalogue knows and that come in groups.

Paper III, §3.2.1: match with a pool of catalogues within 1.1″, cluster what is left with DBSCAN,
drop what is in a cluster. Trails, spikes, ghosts and halos of bright stars break up into groups; a
variable, an asteroid or a faint source that the pool lacks stands alone and stays. The paper's
eps = 0.03 has no unit. Ours are angles, and how many sources make a group follows from how many
are scattered about, so that a pool which ends far above a stack's limit does no harm. Where it does
end there, position alone tells too little: sources are also compared with those of their own look.
Pieces of one artefact overlap and are deblended, are larger than stars, or elongated along a line;
few real faint sources are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .spurious_crowds import crowds, ladder
from .spurious_lines import Search, lines_through_sources, lines_through_stars

ROUNDS = 6
"""Groups and the density outside them settle in two or three rounds."""
BLENDED = 2
"""The bit of FLAGS of deblended sources."""
WELL_MEASURED = 10.0
"""Signal-to-noise of the known sources whose median half-light radius stands for the stars'."""


@dataclass(frozen=True)
class Look:
    """What sources look like; arrays of shape (n,).

    Attributes
    ----------
    xi, eta : ndarray
        Positions in the tangent plane, arcsec.
    angle : ndarray
        Of the major axis, from xi towards eta, degrees.
    ellipticity, radius, snr : ndarray
        1 − b/a, half-light radius (any unit; NaN without one), signal-to-noise in AUTO.
    flags : ndarray of int
        FLAGS.
    """

    xi: np.ndarray
    eta: np.ndarray
    angle: np.ndarray
    ellipticity: np.ndarray
    radius: np.ndarray
    snr: np.ndarray
    flags: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> "Look":
        return Look(*(values[rows] for values in vars(self).values()))


def spurious(look: Look, known: np.ndarray, area: float, limits: Mapping) -> np.ndarray:
    """Flag the unmatched sources that come in groups.

    Parameters
    ----------
    look : Look
        All sources.
    known : ndarray of bool
        Matched with the pool.
    area : float
        Area in which the sources lie, arcsec².
    limits : mapping
        The section sources.spurious.

    Returns
    -------
    ndarray of bool
        SSFLAG.

    Notes
    -----
    The density that matters is that of the unmatched sources outside groups, so groups and density
    are found in turn until they agree.
    """
    order = np.lexsort((look.eta, look.xi))
    rows = order[~known[order]]
    candidates = look[rows]
    kinds = _kinds(candidates, _star_radius(look[known]), limits)
    bright = look[look.snr > limits["star_snr"]]
    found = np.zeros(rows.size, bool)
    for _ in range(ROUNDS):
        before = found
        found = _groups(candidates, kinds, ~before, bright, area, limits)
        if (found == before).all():
            break
    flag = np.zeros(known.shape, bool)
    flag[rows] = found
    return flag


def _star_radius(known: Look) -> float:
    """Median half-light radius of well measured known sources; NaN without any."""
    radius = known.radius[(known.snr > WELL_MEASURED) & np.isfinite(known.radius)]
    return float(np.median(radius)) if radius.size else np.nan


def _kinds(look: Look, star_radius: float, limits: Mapping) -> dict[str, np.ndarray]:
    """Which sources are blended, diffuse, elongated."""
    large = look.radius > limits["diffuse"] * star_radius
    return {
        "blended": (look.flags & BLENDED) > 0,
        "diffuse": large | (~np.isfinite(look.radius) & np.isfinite(star_radius)),
        "elongated": look.ellipticity > limits["elongated"],
    }


def _groups(
    look: Look,
    kinds: Mapping[str, np.ndarray],
    alone: np.ndarray,
    bright: Look,
    area: float,
    limits: Mapping,
) -> np.ndarray:
    """What is in a group, given what was outside groups so far."""
    least, chance = limits["min_samples"], limits["chance_links"]
    every = np.ones(alone.shape, bool)
    found = np.zeros(alone.shape, bool)
    searches = [
        (every, limits["eps"]),
        (kinds["blended"], limits["odd_eps"]),
        (kinds["diffuse"], limits["odd_eps"]),
    ]
    for kind, longest in searches:
        eps = ladder(limits["shortest_eps"], longest)
        density = np.count_nonzero(kind & alone) / area
        found[kind] |= crowds(look.xi[kind], look.eta[kind], density, eps, least, chance)
    long = kinds["elongated"]
    found |= _lines(look, long, np.count_nonzero(long & alone) / area, bright, limits)
    odd = kinds["blended"] | kinds["diffuse"] | long
    near = count_within(look.xi, look.eta, look.xi[found], look.eta[found], limits["reach"]) > 0
    return found | (odd & near)


def _lines(
    look: Look, long: np.ndarray, density: float, bright: Look, limits: Mapping
) -> np.ndarray:
    """What lies in lines, along elongated sources or through bright stars."""
    shape = {
        "reach": ladder(limits["line_shortest"], limits["line_longest"]),
        "width": limits["line_width"],
        "angle": limits["line_angle"],
        "gap": limits["line_gap"],
        "beside": limits["reach"],
        "least": limits["min_samples"],
    }
    sources = look.xi, look.eta, look.angle, long
    own = Search(**shape, chance=limits["chance_links"])
    stars = Search(**shape | {"gap": limits["star_gap"]}, chance=limits["star_chance"])
    through_stars = lines_through_stars(*sources, (bright.xi, bright.eta), density, stars)
    return lines_through_sources(*sources, density, own) | through_stars


def count_within(
    xi: np.ndarray, eta: np.ndarray, other_xi: np.ndarray, other_eta: np.ndarray, radius: float
) -> np.ndarray:
    """How many other points lie within a radius (arcsec) of each point; int32."""
    from scipy.spatial import cKDTree

    if xi.size == 0 or other_xi.size == 0:
        return np.zeros(xi.shape, np.int32)
    tree = cKDTree(np.column_stack([other_xi, other_eta]))
    count = tree.query_ball_point(np.column_stack([xi, eta]), radius, return_length=True)
    return np.asarray(count, dtype=np.int32)
