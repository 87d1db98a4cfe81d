"""Linking and weighted medians against stilts and SciPy, on one core, in one run.

    PYTHONPATH=workflow python benchmarks/masters.py [millions of rows, 2 by default]

Each contender gets the same rows: 11 % of the sources lie in the overlap of two tiles, 0.08″ apart,
at 19 sources per arcmin². CPU seconds are user + system, of the whole process for stilts (Debian
package `stilts`, left out where it is absent), of the call for the others; numba's compilation and
the making of the rows aren't counted.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from skymill.geometry import unit_vectors
from skymill.masters.groups import Groups
from skymill.masters.link import link
from skymill.masters.weighted_median import weighted_median

RADIUS = 0.5
DENSITY = 19 * 3600
"""Sources per square degree."""


def rows(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions on two overlapping tiles, in random order: ra, dec, tile."""
    generator = np.random.default_rng(1)
    pairs = int(0.11 * count) // 2
    side = np.sqrt(count / DENSITY)
    low, high = np.sin(np.radians([-50 - side / 2, -50 + side / 2]))
    dec = np.degrees(np.arcsin(generator.uniform(low, high, count - pairs)))
    ra = 30 + generator.uniform(0, side / np.cos(np.radians(50)), count - pairs)
    shift = generator.normal(0, 0.08 / 3600, (2, pairs))
    twin_ra = ra[:pairs] + shift[0] / np.cos(np.radians(dec[:pairs]))
    tile = np.concatenate([generator.integers(0, 2, count - pairs), np.zeros(pairs, int)])
    tile[-pairs:] = 1 - tile[:pairs]
    order = generator.permutation(count)
    ra, dec = np.concatenate([ra, twin_ra]), np.concatenate([dec, dec[:pairs] + shift[1]])
    return ra[order], dec[order], tile[order]


def tree_link(ra: np.ndarray, dec: np.ndarray, tile: np.ndarray) -> int:
    """Friends of friends with SciPy's k-d tree; the number of groups."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    tree = cKDTree(unit_vectors(ra, dec), balanced_tree=False, compact_nodes=False)
    pairs = tree.query_pairs(2 * np.sin(np.radians(RADIUS / 3600) / 2), output_type="ndarray")
    pairs = pairs[tile[pairs[:, 0]] != tile[pairs[:, 1]]]
    ones = np.ones(len(pairs), np.int8)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(ra.size, ra.size))
    return connected_components(graph, directed=False)[0]


def stilts_link(ra: np.ndarray, dec: np.ndarray) -> float | None:
    """CPU seconds of stilts tmatch1 on the same positions; None where stilts isn't installed."""
    if shutil.which("stilts") is None:
        return None
    from astropy.table import Table

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.fits"
        Table({"ra": ra, "dec": dec}).write(source)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            ["stilts", "-Xmx6g", "tmatch1", "matcher=sky", f"params={RADIUS}", "values=ra dec",
             "action=identify", "runner=sequential", "progress=none", f"in={source}",
             f"out={folder}/groups.fits"],
            check=True,
            env={**os.environ, "JAVA_TOOL_OPTIONS": "-XX:+UseSerialGC"},
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Run all contenders and print seconds and ratios."""
    count = int(float(sys.argv[1] if len(sys.argv) > 1 else 2) * 1e6)
    small = rows(10_000)
    groups = Groups.of(link(*small, RADIUS), small[2])
    ones = np.ones(small[0].size, np.float32)
    weighted_median(ones, ones, ones > 0, groups)  # compiled
    ra, dec, tile = rows(count)
    start = time.process_time()
    group = link(ra, dec, tile, RADIUS)
    own = time.process_time() - start
    print(f"{count} rows, {group.max() + 1} objects")
    print(f"link         {own:7.2f} s  {count / own / 1e6:5.1f} M rows/s")
    start = time.process_time()
    objects = tree_link(ra, dec, tile)
    tree = time.process_time() - start
    print(f"cKDTree      {tree:7.2f} s  × {tree / own:.1f}   ({objects} objects)")
    stilts = stilts_link(ra, dec)
    if stilts is None:
        print("stilts       not installed")
    else:
        print(f"stilts       {stilts:7.2f} s  × {stilts / own:.1f}")
    start = time.process_time()
    groups = Groups.of(group, tile)
    print(f"group layout {time.process_time() - start:7.2f} s")
    flux = np.random.default_rng(2).normal(100, 5, count).astype(np.float32)
    error = np.full(count, 5, np.float32)
    start = time.process_time()
    weighted_median(flux, error, np.ones(count, bool), groups)
    took = time.process_time() - start
    print(f"median       {took:7.2f} s  {count / took / 1e6:5.1f} M values/s")


if __name__ == "__main__":
    main()
