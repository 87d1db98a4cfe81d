"""Small made-up releases: every product that the report and the manifest read, as the data model
describes it, with known numbers inside."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy.table import Table

from skymill.camera import Camera
from skymill.config import load_camera, read_yaml
from skymill.geometry import cells_of_positions, cells_of_square
from skymill.io.fits import Image, write_images
from skymill.io.json import write_json
from skymill.io.npy import write_npy
from skymill.io.parquet import TableSchema, table_schema, write_table
from skymill.io.provenance import recording
from skymill.paths import ROOT
from skymill.seeding import generator
from skymill.tree import APERTURES, HATS_GROUPS, MAP_ARCHIVES, MODES, Tree, map_name

TILES = {"0000.000-30": (359.99, -30.0), "0001.000-30": (0.02, -30.0)}
GAIA_OFFSET = (0.02, -0.01)
XP_OFFSET = {"B": 0.004, "V": -0.003, "R": 0.0, "I": 0.012}
SCATTER = 0.008
STAR_RADIUS = 3.0
AREA = 0.0016
DEPTH = {"B": 22.7, "V": 22.5, "R": 22.7, "I": 22.0}


@dataclass
class Fake:
    """A made-up release in the current folder.

    Attributes
    ----------
    config : Path
    settings : dict
        The configuration as in its file, quantities as strings.
    tree : Tree
    receipts : list of str
        In the order of the rooms.
    objects : int
        Objects in the masters; 0 makes every catalogue empty.
    none_pass : bool
        Every exposure fails, so that there are no data.
    """

    config: Path
    settings: dict
    tree: Tree
    objects: int
    none_pass: bool
    receipts: list[str] = field(default_factory=list)

    @property
    def bands(self) -> list[str]:
        """The release's bands."""
        return self.settings["bands"]

    @property
    def camera(self) -> Camera:
        """The mini camera."""
        return load_camera(self.settings["camera"])

    def record(self, step: str, unit: str, inputs: list[str]):
        """A record whose receipt is in the list."""
        path = self.tree.receipt(step.replace(" ", "_"), unit)
        self.receipts.append(path)
        return recording(step, {"fake": True}, inputs, path)

    def cells(self, order: int) -> list[int]:
        """Cells that the tiles touch."""
        tiles = self.settings["tiles"]
        side = tiles["size"] * float(tiles["pixel_scale"].split()[0]) / 3600
        return sorted({c for p in TILES.values() for c in cells_of_square(*p, side, order)})

    def exposures(self) -> dict[str, dict]:
        """Name → row."""
        rows = {}
        for tile in TILES:
            for band in self.bands:
                for i, site in enumerate(("CTIO", "SAAO", "CTIO")):
                    name = f"{site[0].lower()}{len(rows):03d}{band}"
                    rows[name] = {
                        "exposure": name,
                        "site": site,
                        "run": "run1",
                        "path": f"raw/{name}.fits",
                        "tile": tile,
                        "band": band,
                        "mjd": 60000.25 + len(rows) / 100,
                        "exptime": 60.0,
                        "sha256": "",
                        "fail": self.none_pass or (band == "B" and i == 2),
                    }
        return rows


def write_text(path: Path | str, text: str) -> None:
    """Write text, making folders."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def blank(schema: TableSchema, length: int) -> Table:
    """A table of zeros by schema."""
    kinds = {c.name: object if c.type == "string" else c.type for c in schema.columns}
    table = Table({name: np.zeros(length, kind) for name, kind in kinds.items()})
    if "number" in kinds:
        table["number"] = np.arange(1, length + 1, dtype=np.int32)
    return table


def write_frames(fake: Fake) -> None:
    """Raw files, slopes, intermediates, frames with verdicts; a bad amplifier, a failed frame."""
    sites = sorted({row["site"] for row in fake.exposures().values()})
    for site in sites:
        path = fake.tree.calib(site, "run1", "slopes.json")
        with fake.record("calibrations slopes", f"{site}.run1", []) as record:
            amplifiers = {
                a.name: {"gain": a.gain + 0.01 * (site == "SAAO"), "read_noise": a.read_noise}
                for a in fake.camera.amplifiers()
            }
            write_json(path, {"amplifiers": amplifiers}, record)
    for name, row in fake.exposures().items():
        raw = fake.tree.raw(row["path"])
        write_text(raw, f"raw pixels of {name}")
        slopes = fake.tree.calib(row["site"], "run1", "slopes.json")
        middle = f"{fake.tree.work}/frames/{name}.pixels.fits"
        with fake.record("frames pixels", name, [raw, slopes]) as record:
            write_images(middle, [Image(np.zeros((2, 2), np.float32))], record)
        reference = fake.tree.reference("gaiaxp", fake.cells(5)[0])
        with fake.record("frames calibrate", name, [middle, reference]) as record:
            write_images(fake.tree.frame(name, "fits"), [Image(np.ones((2, 2)))], record)
            write_json(fake.tree.frame(name, "json"), verdict(fake, row), record)
        Path(middle).unlink()


def verdict(fake: Fake, row: dict) -> dict:
    """A verdict as the data model describes it; the failed one is broken and holds no numbers."""
    facts = {key: row[key] for key in ("exposure", "site", "run", "tile", "band", "mjd", "exptime")}
    if row["fail"]:
        reasons = ["seeing 4.1 arcsec is above 3.5 arcsec.", "<b>trailed</b>"]
        empty = {"fwhm": None, "elongation": None, "sky": None, "chips": {}, "checks": {}}
        return {**facts, "verdict": "fail", "reasons": reasons, **empty}
    numbers = generator("verdict", row["exposure"])
    chips = {}
    for chip in fake.camera.chips.values():
        amplifiers = {
            a.name: {
                "zp": 27.0 + 0.05 * a.index + numbers.normal(0, 0.005),
                "slope": 1e-6,
                "stars": 40,
                "rms": 0.01,
                "bad": a.name == "N02" and row["site"] == "CTIO",
            }
            for a in chip.amplifiers
        }
        chips[chip.name] = {
            "footprint": [[0, -30], [0.1, -30], [0.1, -29.9], [0, -29.9]],
            "astrometry": {"stars": 90, "rms_ra": 0.025, "rms_dec": 0.030, "sections_good": 9},
            "amplifiers": amplifiers,
        }
    return {
        **facts,
        "verdict": "pass",
        "reasons": [],
        "checks": {
            "seeing": {"value": 2.0, "limit": 3.5, "unit": "arcsec", "pass": True},
            "depth": {"value": 21.5, "limit": 19.5, "unit": "mag", "pass": True},
        },
        "color_term": {
            "slope": 0.04,
            "error": 0.004,
            "pivot": 0.6,
            "stars": 400,
            "bins": [
                {"color": c, "residual": 0.04 * (c - 0.6), "stars": 50} for c in (0.2, 0.6, 1.0)
            ],
        },
        "fwhm": 1.9 + 0.1 * fake.bands.index(row["band"]) + float(numbers.normal(0, 0.05)),
        "elongation": 1.05,
        "sky": 800.0,
        "chips": chips,
    }


def write_stacks(fake: Fake) -> None:
    """Stacks with stars and a masked corner, their table, maps, completeness."""
    size = fake.settings["tiles"]["size"]
    schema = table_schema("stacks")
    rows = blank(schema, len(TILES) * len(fake.bands))
    at = 0
    for tile, (ra, dec) in TILES.items():
        for band in fake.bands:
            frames = [
                fake.tree.frame(name, suffix)
                for name, row in fake.exposures().items()
                if (row["tile"], row["band"]) == (tile, band)
                for suffix in ("fits", "json")
            ]
            empty = fake.none_pass or (tile, band) == ("0001.000-30", "R")
            with fake.record("tiles combine", f"{tile}.{band}", frames) as record:
                image, mask = stack_pixels(size, tile, band, empty)
                write_images(fake.tree.unscaled(tile, band, "image"), [Image(image)], record)
                write_images(fake.tree.stack(tile, band, "mask"), [Image(mask)], record)
                for plane, values in other_planes(image).items():
                    name = "MEAN" if plane == "mjd" else ""
                    head = [Image(None)] if plane == "mjd" else []
                    images = [*head, Image(values, name=name)]
                    write_images(fake.tree.stack(tile, band, plane), images, record)
            unscaled = [fake.tree.unscaled(tile, band, "image")]
            with fake.record("sources homogenise", f"{tile}.{band}", unscaled) as record:
                write_images(fake.tree.stack(tile, band, "image"), [Image(image)], record)
            write_maps(fake, tile, band, empty)
            write_single(fake, tile, band, empty)
            values = {
                "fwhm": 2.0,
                "zp": 30.0,
                "zperr": 0.01,
                "depth_5sigma": DEPTH[band],
                "area": AREA,
            }
            values |= {
                "depth_seeing": DEPTH[band] + 0.5,
                "depth_empirical": DEPTH[band] - 0.2,
                "masked": 0.02,
                "fdr": 0.01,
                "min_mjd": 60000.0,
            }
            rows[at]["tile"], rows[at]["band"], rows[at]["ra"], rows[at]["dec"] = (
                tile,
                band,
                ra,
                dec,
            )
            rows[at]["candidates"], rows[at]["nexp"] = 3, 0 if empty else 3 - (band == "B")
            rows[at]["exptime"], rows[at]["sources"] = 180, 0 if empty else 1200
            rows[at]["spurious"] = 0 if empty else 12
            for name, value in values.items():
                rows[at][name] = np.nan if empty else value
            at += 1
    with fake.record("sources table", "all", []) as record:
        write_table(f"{fake.tree.out}/stacks/stacks.parquet", rows, schema, record)
    for tile in TILES:
        write_completeness(fake, tile)
        for band in fake.bands:
            write_injected(fake, tile, band)


def stack_pixels(size: int, tile: str, band: str, empty: bool) -> tuple[np.ndarray, np.ndarray]:
    """An image of stars on noise, blank below its lowest tenth, and its mask."""
    numbers = generator("stack", tile, band)
    if empty:
        return np.full((size, size), np.nan, np.float32), np.zeros((size, size), np.uint8)
    image = numbers.normal(0, 5, (size, size))
    y, x = np.mgrid[-9:10, -9:10]
    star = np.exp(-(x**2 + y**2) / (2 * 2.1**2))
    for _ in range(size * size // 1200):
        row, column = numbers.integers(10, size - 10, 2)
        image[row - 9 : row + 10, column - 9 : column + 10] += star * 20 * numbers.pareto(1.0)
    image[: size // 10] = np.nan
    mask = np.zeros((size, size), np.uint8)
    mask[size // 2 :, size // 3] |= 4
    mask[size // 4 : size // 3, size // 4 : size // 3] |= 2
    mask[-size // 8 :, -size // 8 :] |= 8
    mask[numbers.integers(0, size, size), numbers.integers(0, size, size)] |= 1
    return image.astype(np.float32), mask


def other_planes(image: np.ndarray) -> dict[str, np.ndarray]:
    """Noise, exposures, exposure time and epochs that go with an image."""
    known = np.isfinite(image)
    nexp = np.where(known, 2 + (np.indices(image.shape)[1] > image.shape[1] // 2), 0)
    return {
        "variance": np.where(known, 25 / np.maximum(nexp, 1), np.nan).astype(np.float32),
        "nexp": nexp.astype(np.int16),
        "exptime": (60 * nexp).astype(np.float32),
        "mjd": np.where(nexp > 0, 60000.2 + nexp, np.nan),
    }


def write_single(fake: Fake, tile: str, band: str, empty: bool) -> None:
    """A tile's catalogue: the objects' magnitudes, off by XP_OFFSET, with the errors of DEPTH.

    Every third object is a galaxy, twice as wide as a star and seen to be none.
    """
    schema = table_schema("single")
    ra, dec = sky_positions(0 if empty else fake.objects)
    size = fake.settings["tiles"]["size"]
    table = blank(schema, ra.size)
    table["ra"], table["dec"] = ra, dec
    table["x_image"] = ((ra + 180) % 360 - 180 + 0.02) / 0.05 * size
    table["y_image"] = (dec + 30.015) / 0.03 * size
    galaxy = np.arange(ra.size) % 3 == 0
    table["class_star"] = np.where(galaxy, 0.03, 0.98)
    table["flux_radius"] = np.where(galaxy, 2, 1) * STAR_RADIUS
    for aperture in ("aper5", "auto"):
        magnitude = true_magnitudes(fake)[band][: ra.size] + XP_OFFSET[band]
        table[f"mag_{aperture}"] = magnitude
        table[f"magerr_{aperture}"] = 10 ** (0.4 * (magnitude - DEPTH[band])) * 1.0857 / 5
    with fake.record("sources finish", f"{tile}.{band}", []) as record:
        write_table(fake.tree.catalogue(tile, f"single_{band}"), table, schema, record)


def write_maps(fake: Fake, tile: str, band: str, empty: bool) -> None:
    """All maps of a tile and band: a gradient, and a corner without a star."""
    x, y = np.mgrid[0:7, 0:7]
    stars = np.where((x == 0) & (y == 0) | empty, 0, 12).astype(float)
    values = {
        "zp": 30 + 0.002 * x - 0.001 * y,
        "zperr": np.full((7, 7), 0.004),
        "pstar": stars,
        "align": 0.05 + 0.002 * y,
        "alerr": np.full((7, 7), 0.02),
        "astar": stars,
        "shift": np.stack([0.02 + 0.001 * x, -0.01 * np.ones((7, 7))], axis=-1),
    }
    for mode in MODES:
        with fake.record("sources maps", f"{tile}.{band}.{mode}", []) as record:
            for kind, value in values.items():
                photometric = kind in ("zp", "zperr", "pstar")
                for aperture in APERTURES if photometric else ("",):
                    name = map_name(kind, tile, band, mode, aperture)
                    write_npy(f"{fake.tree.out}/maps/{tile}/{name}", value, record)


def write_completeness(fake: Fake, tile: str) -> None:
    """Completeness that falls through one half exactly at 0.5 mag below the depth."""
    schema = table_schema("completeness")
    low = np.arange(16, 24, 0.5)
    table = blank(schema, len(low) * len(fake.bands))
    table["tile"], table["band"] = tile, np.repeat(fake.bands, len(low))
    table["mag_low"], table["mag_high"] = (np.tile(e, len(fake.bands)) for e in (low, low + 0.5))
    half = np.repeat([DEPTH[b] - 0.5 for b in fake.bands], len(low))
    ratio = np.clip(0.5 - 0.5 * (np.tile(low + 0.25, len(fake.bands)) - half), 0, 1)
    table["pool"] = 0 if fake.objects == 0 else 1000
    table["found"] = np.round(ratio * np.asarray(table["pool"]))
    table["completeness"] = np.where(np.asarray(table["pool"]) > 0, ratio, np.nan)
    with fake.record("sources finish", tile, []) as record:
        write_table(fake.tree.completeness(tile), table, schema, record)


def write_injected(fake: Fake, tile: str, band: str) -> None:
    """Injected stars, found to the depth, and galaxies, to a magnitude less; faint by 0.02 mag."""
    schema = table_schema("injection")
    kinds = [(k, c) for k in ("star", "galaxy") for c in ("all", "isolated", "crowded", "blended")]
    low = np.arange(16, 24, 0.5)
    table = blank(schema, len(low) * len(kinds))
    table["tile"], table["band"] = tile, band
    for n, name in enumerate(("class", "crowding")):
        table[name] = np.repeat([kind[n] for kind in kinds], len(low))
    table["mag_low"], table["mag_high"] = (np.tile(e, len(kinds)) for e in (low, low + 0.5))
    half = DEPTH[band] - (np.asarray(table["class"]) == "galaxy")
    table["completeness"] = np.clip(0.5 - 0.5 * (np.asarray(table["mag_low"]) + 0.25 - half), 0, 1)
    table["completeness_error"], table["purity"], table["purity_error"] = 0.02, 0.95, 0.02
    table["injected"] = 0 if fake.none_pass else 1000
    table["bias_auto"], table["scatter_auto"] = 0.02, 0.05
    levels = {"50%": DEPTH[band], "80%": DEPTH[band] - 0.6, "90%": DEPTH[band] - 0.8}
    if fake.none_pass:
        for name in ("completeness", "purity", "bias_auto", "bias_aper5"):
            table[name] = np.nan
        levels = dict.fromkeys(levels)
    complete = {"star": levels, "galaxy": dict.fromkeys(levels, levels["50%"])}
    facts = {"tile": tile, "band": band, "injected": 16000, "recovered": 9000}
    path, summary = fake.tree.injected(tile, band)
    stack = [fake.tree.stack(tile, band, "image")]
    with fake.record("sources inject", f"{tile}.{band}", stack) as record:
        write_table(path, table, schema, record)
        write_json(summary, {**facts, "complete": complete}, record)


def sky_positions(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of objects across RA 0."""
    numbers = generator("objects", number)
    return numbers.uniform(-0.02, 0.03, number) % 360, numbers.uniform(-30.015, -29.985, number)


def write_references(fake: Fake) -> None:
    """Gaia XP: the objects' true magnitudes in every band."""
    schema = table_schema("reference_gaiaxp", tuple(fake.bands))
    ra, dec = sky_positions(fake.objects)
    magnitudes = true_magnitudes(fake)
    cells = cells_of_positions(ra, dec, 5)
    with fake.record("references import", "gaiaxp", []) as record:
        for cell in fake.cells(5):
            chosen = cells == cell
            table = blank(schema, chosen.sum())
            table["ra"], table["dec"] = ra[chosen], dec[chosen]
            for band in fake.bands:
                table[f"mag_{band.lower()}"] = magnitudes[band][chosen]
            write_table(fake.tree.reference("gaiaxp", cell), table, schema, record)


def true_magnitudes(fake: Fake) -> dict[str, np.ndarray]:
    """AB magnitudes of the objects by band, 14 to 21."""
    numbers = generator("magnitudes")
    base = 21 - 7 * np.sqrt(numbers.uniform(0, 1, fake.objects))
    slope = numbers.uniform(0.1, 1.0, fake.objects)
    return {band: base + slope * (1.5 - i) for i, band in enumerate(fake.bands)}


def write_masters(fake: Fake) -> None:
    """The four HATS catalogues, cell by cell."""
    order = fake.tree.master_order
    ra, dec = sky_positions(fake.objects)
    of_cell = cells_of_positions(ra, dec, order)
    for cell in fake.cells(order):
        chosen = of_cell == cell
        for name in ("idual_master", "single_master"):
            table, schema = master(fake, name, ra, dec, chosen)
            write_cell(fake, name, cell, table, schema)
        write_cell(fake, "detections", cell, *detections(fake, ra, dec, chosen))
        write_cell(fake, "gaia", cell, *crossmatch(ra, dec, chosen))
    for name in HATS_GROUPS:
        with fake.record("masters hats", name, []) as record:
            write_json(fake.tree.hats(name, "hats.properties"), {"catalogue": name}, record)


def write_cell(fake: Fake, name: str, cell: int, table: Table, schema: TableSchema) -> None:
    """Write one cell of a HATS catalogue."""
    inputs = [fake.tree.completeness(tile) for tile in TILES]
    with fake.record(f"masters {name}", str(cell), inputs) as record:
        write_table(fake.tree.hats_cell(name, cell), table, schema, record)


def master(fake: Fake, name: str, ra, dec, chosen) -> tuple[Table, TableSchema]:
    """A master: magnitudes off by XP_OFFSET with SCATTER, one object in ten flagged and wrong."""
    schema = table_schema(name, tuple(fake.bands))
    table = blank(schema, chosen.sum())
    table["ra"], table["dec"] = ra[chosen], dec[chosen]
    table["coadd_object_id"] = np.flatnonzero(chosen)
    for band, magnitude in true_magnitudes(fake).items():
        b = band.lower()
        noise = generator(name, band).normal(0, SCATTER, fake.objects)[chosen]
        flags = np.arange(chosen.sum()) % 10 == 0
        table[f"mag_auto_{b}"] = magnitude[chosen] + XP_OFFSET[band] + noise + 0.3 * flags
        table[f"flags_{b}"] = flags
        table[f"class_star_{b}"] = 0.98
        if fake.objects and band == "R":
            table[f"mag_auto_{b}"][:3] = np.nan
    return table, schema


def detections(fake: Fake, ra, dec, chosen) -> tuple[Table, TableSchema]:
    """Three detections of each object in each band, scattered by SCATTER."""
    schema = table_schema("detections")
    tables = []
    for band, magnitude in true_magnitudes(fake).items():
        for visit in range(3):
            table = blank(schema, chosen.sum())
            table["coadd_object_id"] = np.flatnonzero(chosen)
            table["band"], table["exposure"], table["chip"] = band, f"e{visit}", "M"
            noise = generator("detections", band, visit).normal(0, SCATTER, fake.objects)
            table["mag_auto"] = (magnitude + noise)[chosen]
            table["magerr_auto"] = np.where(magnitude[chosen] < 17, 0.005, 0.02)
            tables.append(table)
    whole = blank(schema, sum(map(len, tables)))
    for column in schema.names:
        whole[column] = np.concatenate([np.asarray(t[column]) for t in tables])
    return whole, schema


def crossmatch(ra, dec, chosen) -> tuple[Table, TableSchema]:
    """Offsets to Gaia: GAIA_OFFSET with 0.03″ scatter on each axis."""
    schema = table_schema("gaia_crossmatch")
    table = blank(schema, chosen.sum())
    numbers = generator("gaia")
    offsets = numbers.normal(GAIA_OFFSET, 0.03, (len(ra), 2))[chosen]
    table["dra"], table["ddec"] = offsets.T
    table["separation"] = np.hypot(*offsets.T)
    return table, schema


def write_sky(fake: Fake) -> None:
    """A tile of HiPS with its record, and coverage maps: 10 cells of order 12."""
    from mocpy import MOC

    schema = table_schema("hips_record")
    tile = Path(f"{fake.tree.out}/hips/B/Norder10/Dir120000/Npix123456.png")
    write_text(tile, "a sky tile")
    table = blank(schema, 1)
    with fake.record(
        "sky cell", "100", [fake.tree.stack(t, "B", "image") for t in TILES]
    ) as record:
        record.wrote(tile)
        facts = record.outputs.pop(f"hips/B/Norder10/Dir120000/{tile.name}")
        table["map"], table["order"], table["npix"], table["format"] = "B", 10, 123456, "png"
        table["size"], table["sha256"] = facts["size"], facts["sha256"]
        write_table(f"{fake.tree.out}/hips/cells/100.parquet", table, schema, record)
    with fake.record("sky hips", "all", [f"{fake.tree.out}/hips/cells/100.parquet"]) as record:
        for name in (*fake.bands, fake.tree.release):
            path = Path(f"{fake.tree.out}/moc/{name}.fits")
            path.parent.mkdir(parents=True, exist_ok=True)
            cells = np.arange(0 if fake.none_pass else 10, dtype=np.uint64)
            depth = np.full(len(cells), 12, np.uint8)
            MOC.from_healpix_cells(cells, depth, max_depth=12).save(path, format="fits")
            record.wrote(path)


def write_archives(fake: Fake) -> None:
    """Stand-ins of the archives; the tests of archives make real ones."""
    prefix = fake.settings["release"]["archive_prefix"]
    for name in [*(f"{name}_Maps" for name in MAP_ARCHIVES), *HATS_GROUPS]:
        with fake.record("release archive", name, []) as record:
            write_text(fake.tree.archive(prefix, name), f"archive {name}")
            record.wrote(fake.tree.archive(prefix, name))


def write_tables(fake: Fake) -> None:
    """The survey's tables and the configuration."""
    rows = fake.exposures().values()
    names = [name for name in next(iter(rows)) if name != "fail"]
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    write_text("tables/exposures.csv", "\n".join(lines) + "\n")
    lines = ["tile,ra,dec", *(f"{tile},{ra},{dec}" for tile, (ra, dec) in TILES.items())]
    write_text("tables/tiles.csv", "\n".join(lines) + "\n")
    write_text("tables/calibrations.csv", "frame,site,run,kind,band,path,exptime,sha256\n")
    write_text(fake.config, yaml.safe_dump(fake.settings, allow_unicode=True))


def build(size: int = 96, objects: int = 600, none_pass: bool = False) -> Fake:
    """Build a made-up release in the current folder."""
    settings = read_yaml(ROOT / "config" / "config.yaml")
    settings.pop("simulate", None)
    settings["release"] |= {"name": "fake", "title": "A <made-up> release"}
    settings["camera"] = str(ROOT / "config/cameras/mini.yaml")
    settings["tables"] = {
        name: f"tables/{name}.csv" for name in ("tiles", "exposures", "calibrations")
    }
    settings["tiles"]["size"] = size
    tree = Tree("fake", settings["masters"]["cell_order"])
    fake = Fake(Path("config.yaml"), settings, tree, 0 if none_pass else objects, none_pass)
    write_tables(fake)
    write_references(fake)
    write_frames(fake)
    write_stacks(fake)
    write_masters(fake)
    write_sky(fake)
    write_archives(fake)
    write_text("receipts.txt", "\n".join(fake.receipts) + "\n")
    return fake


@pytest.fixture(scope="session")
def builder() -> Callable[..., Fake]:
    """The function that builds a made-up release in the current folder."""
    return build


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Fake]:
    """A builder of made-up releases, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    return build
