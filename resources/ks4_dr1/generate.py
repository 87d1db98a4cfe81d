"""Write KS4 DR1's planning tables: its grid of tiles and a list of exposures with DR1's numbers.

usage: python resources/ks4_dr1/generate.py

KS4's grid follows from a formula; which 979 of its tiles DR1 holds, and its exposures, aren't
published as a list. So the tables are for planning: the graph, its jobs, hours and disk. What a
survey replaces with its own: every row of exposures.csv, and in tiles.csv the choice of tiles.
Nothing is random; the same code writes the same bytes.
"""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent

RINGS = [*range(-62, -90, -2), -90, *range(-30, -62, -2)]
"""Declinations of the rings, in the order of the tiles' numbers: 0–694, the pole, 696–2748."""
SOUTHERNMOST = -85.0  # degrees: fields beyond can't be reached (P3 §2)
EXAMPLES = (294, 698)  # P3's dense and its sparse field
TILES = 979  # P3 §2

SITES = {"CTIO": ("c", -70.804), "SSO": ("a", 149.062556), "SAAO": ("s", 20.810444)}
"""Site → letter in file names, longitude in degrees east (code: ToO_observation)."""
BEGINS = {"CTIO": date(2020, 10, 11), "SSO": date(2020, 10, 11), "SAAO": date(2019, 11, 29)}
ENDS = date(2023, 12, 21)  # DR1's cut-off (P3 §1–2)
EXPOSURES = {  # P3, table 1: exposures of a band at CTIO, SSO, SAAO; binding
    "B": (1560, 762, 1925),
    "V": (1456, 850, 1988),
    "R": (1416, 899, 2260),
    "I": (1138, 623, 2749),
}
TILES_WITH = {  # P3, table 2: tiles with 4, 5, 6, 7, 8 and 9 or more exposures
    "B": (786, 114, 44, 18, 6, 11),
    "V": (761, 126, 55, 14, 9, 14),
    "R": (643, 155, 98, 44, 23, 16),
    "I": (736, 103, 46, 21, 49, 24),
}
LEAST, MOST = 4, 9
EXPTIME, CADENCE = 120, 180  # s: exposure (P3 §2), and with 60 s of read-out (KASI)

TILES_SAY = """\
# KS4's tiles, by the formula of its grid (rings 2° apart, ceil(180 cos(|dec| - 1°)) tiles a ring).
# For planning: DR1's choice of 979 isn't published; these are the nearest to its two published
# examples, 0294 and 0698. A survey replaces the choice. Written by generate.py.
"""
EXPOSURES_SAY = """\
# A planning table, no list of what was observed: KS4 DR1's numbers of exposures per band and site
# (P3, table 1) and per tile and band (P3, table 2, but for 4 tiles in B and 6 in V with one
# exposure less, since the tables disagree). Tiles, sites, names and times of single rows are made
# up; all are 120 s long. A survey replaces every row with its own, and adds checksums.
# Written by generate.py.
"""


def grid() -> Iterator[tuple[int, float, float]]:
    """Every tile of KS4's grid: number, RA and Dec in degrees, in the order of the numbers."""
    number = 0
    for dec in RINGS:
        # Rounded first, for cos(60°) × 180 must be 90, not the next float above.
        count = max(1, math.ceil(round(180 * math.cos(math.radians(abs(dec) - 1)), 9)))
        count = 1 if dec == -90 else count
        for k in range(count):
            yield number, 360 * k / count, float(dec)
            number += 1


def name(number: int, ra: float, dec: float) -> str:
    """A tile's name: number, RA and |Dec| rounded half up to whole degrees."""
    return f"{number:04d}.{math.floor(ra + 0.5):03d}-{math.floor(abs(dec) + 0.5):02d}"


def separation(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Angle between two positions, degrees."""
    (ra1, dec1), (ra2, dec2) = ([math.radians(x) for x in p] for p in (a, b))
    cosine = math.sin(dec1) * math.sin(dec2)
    cosine += math.cos(dec1) * math.cos(dec2) * math.cos(ra1 - ra2)
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


def chosen_tiles() -> list[tuple[str, float, float]]:
    """Name, RA and Dec of the tiles nearest to the examples, in the order of their numbers."""
    every = {number: (ra, dec) for number, ra, dec in grid()}
    centres = [every[number] for number in EXAMPLES]

    def distance(number: int) -> tuple[float, int]:
        nearest = min(separation(every[number], centre) for centre in centres)
        return round(nearest, 6), number

    reachable = [number for number, (_, dec) in every.items() if dec >= SOUTHERNMOST]
    chosen = sorted(sorted(reachable, key=distance)[:TILES])
    return [(name(number, *every[number]), *every[number]) for number in chosen]


def numbers_of_exposures(band: str) -> list[int]:
    """How many exposures the tiles have in a band, descending; their sum is table 1's."""
    wanted = sum(EXPOSURES[band])
    numbers = [n for n, tiles in enumerate(TILES_WITH[band], LEAST) for _ in range(tiles)][::-1]
    at = 0
    while sum(numbers) < wanted:  # the last column is "9 or more"
        numbers[at] += 1
        at = (at + 1) % TILES_WITH[band][-1]
    last = len(numbers) - numbers[::-1].index(LEAST + 1) - 1 if LEAST + 1 in numbers else 0
    while sum(numbers) > wanted:  # the tables disagree: tiles with 5 give one
        numbers[last] -= 1
        last -= 1
    return numbers


def shuffled(tiles: Sequence[str], band: str) -> list[str]:
    """The tiles in an order of no meaning, another one for each band."""
    return sorted(tiles, key=lambda tile: sha256(f"{band} {tile}".encode()).hexdigest())


def visits(tiles: Sequence[str]) -> list[tuple[str, str, str]]:
    """Site, tile and band of each exposure: a tile's four dithers are one site's, mostly."""
    found = []
    for band in EXPOSURES:
        order = list(zip(shuffled(tiles, band), numbers_of_exposures(band), strict=True))
        sequence = [tile for tile, _ in order for _ in range(LEAST)]
        sequence += [tile for tile, number in order for _ in range(number - LEAST)]
        sites = [s for s, n in zip(SITES, EXPOSURES[band], strict=True) for _ in range(n)]
        found += [(site, tile, band) for site, tile in zip(sites, sequence, strict=True)]
    return found


def rows(tiles: Sequence[str]) -> Iterator[list]:
    """The rows of exposures.csv, site by site: exposures spread over the site's nights."""
    every = visits(tiles)
    for site, (code, longitude) in SITES.items():
        here = [visit for visit in every if visit[0] == site]
        nights = (ENDS - BEGINS[site]).days
        before, of_night = None, 0
        for serial, (_, tile, band) in enumerate(here, 1):
            night = BEGINS[site] + timedelta(days=(serial - 1) * nights // len(here))
            before, of_night = night, of_night + 1 if night == before else 0
            noon = datetime(night.year, night.month, night.day, 12)
            middle = noon + timedelta(hours=12 - longitude / 15, seconds=CADENCE * of_night)
            exposure = f"kmt{code}.{night:%Y%m%d}.{serial:06d}"
            mjd = (middle - datetime(1858, 11, 17)).total_seconds() / 86400
            path = f"raw/{exposure}.fits"
            yield [exposure, site, f"{night:%Y%m}", path, tile, band, f"{mjd:.5f}", EXPTIME, ""]


def write(path: Path, said: str, header: Sequence[str], lines: Iterator | Sequence) -> None:
    """Write a CSV table under a comment."""
    stream = io.StringIO(said, newline="")
    stream.seek(0, io.SEEK_END)
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    path.write_text(stream.getvalue(), encoding="utf-8")


def main(folder: Path = HERE) -> None:
    """Write the tables into a folder."""
    tiles = chosen_tiles()
    lines = [[tile, f"{ra:.8f}", f"{dec:.1f}"] for tile, ra, dec in tiles]
    write(folder / "tiles.csv", TILES_SAY, ["tile", "ra", "dec"], lines)
    header = ["exposure", "site", "run", "path", "tile", "band", "mjd", "exptime", "sha256"]
    write(folder / "exposures.csv", EXPOSURES_SAY, header, rows([tile for tile, *_ in tiles]))
    header = ["frame", "site", "run", "kind", "band", "path", "exptime", "sha256"]
    write(folder / "calibrations.csv", "# None: frames arrive reduced.\n", header, [])


if __name__ == "__main__":
    main()
