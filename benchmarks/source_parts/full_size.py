"""A full-size tile in four bands: what memory and CPU time each command of the room takes."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from astropy.table import Table
from astropy.wcs import WCS
from figure import Figure, Used, skymill

from skymill.geometry import tile_cards
from skymill.io.fits import make_header
from skymill.io.json import write_json
from skymill.io.parquet import table_schema, write_table
from skymill.io.provenance import Record, recording
from skymill.io.rows import writing_rows
from skymill.paths import CONFIG, ROOT

from .field import GAIN, SCALE, simulate

SIZE, BLOCK = 22000, 2200
"""Pixels a side: of the tile, and of the field that is laid side by side in it."""
DENSITIES = {"mean": 36.0, "dense": 130.0}
"""As of `simulate`: 20 and 55 sources per arcmin² are detected, as in KS4 and at its densest."""
MOST = 4.0
"""GB of a job."""
TILE, CENTRE = "0000.000-30", (359.88, -30.0)
BANDS = ("B", "V", "R", "I")
EXPOSURE, MJD = "exposure", 60000.25
PLANES = ("image", "variance", "mask", "epoch", "nexp")


@dataclass(frozen=True)
class Job:
    """A tile's inputs in a folder; all bands are one and the same stack.

    Attributes
    ----------
    folder : Path
    size : int
        Pixels a side of the tile.
    """

    folder: Path
    size: int = SIZE

    def make(self, density: float) -> None:
        """Write the stack, the tables and the configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        field = simulate(BLOCK, density, seed=2)
        with recording("benchmark", {}, [], None) as record:
            self._write_planes(field.image, field.variance, record)
            self._write_references(field.truth, record)
            corners = (
                np.array([1, 1, self.size, self.size]),
                np.array([1, self.size] * 2)[[0, 1, 3, 2]],
            )
            outline = [[float(v) for v in sky] for sky in zip(*self.sky(*corners), strict=True)]
            chips = {"M": {"observed": [outline]}}
            for band in BANDS:
                verdict = {"exposure": EXPOSURE, "band": band, "mjd": MJD, "verdict": "pass"}
                write_json(self.folder / f"{band}.json", verdict | {"chips": chips}, record)
        self._configure()

    def sky(self, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """ra, dec (degrees) of 1-based pixels."""
        return WCS(make_header(self._cards())).all_pix2world(x, y, 1)

    def _cards(self) -> list[tuple]:
        cards = [("TILE", TILE, ""), ("FILTER", "I", ""), ("MAGZERO", 30.0, ""), ("NUMEXP", 4, "")]
        cards += [("EXPTIME", 480.0, ""), ("MINMJD", MJD, ""), ("MAXMJD", MJD, "")]
        cards += [("MEANMJD", MJD, ""), ("GAIN", GAIN, ""), ("VARSRC", False, "")]
        return [*tile_cards(*CENTRE, self.size, SCALE), *cards]

    def _write_planes(self, image: np.ndarray, variance: np.ndarray, record: Record) -> None:
        mask = np.zeros(image.shape, np.uint8)
        mask[::53, ::59] = 4
        planes = [
            image,
            variance,
            mask,
            np.full(image.shape, MJD),
            np.full(image.shape, 4, np.int16),
        ]
        for name, plane in zip(PLANES, planes, strict=True):
            path, type_ = self.folder / f"{name}.fits", plane.dtype.name
            with writing_rows(path, (self.size,) * 2, type_, self._cards(), record) as write:
                for row in range(0, self.size, BLOCK):
                    wide = np.tile(plane[: self.size - row], -(-self.size // BLOCK))
                    write(wide[:, : self.size])

    def _write_references(self, truth: Table, record: Record) -> None:
        """Gaia XP: the stars of 14 to 19 mag; the pool: what is brighter than 23 mag."""
        steps = np.arange(0, self.size, BLOCK)
        for name, row in (
            ("gaiaxp", truth["star"] & (truth["mag"] > 14) & (truth["mag"] < 19)),
            ("pool", truth["mag"] < 23),
        ):
            x, y = (
                (np.asarray(truth[axis][row])[:, None, None] + step + 1).ravel()
                for axis, step in (
                    ("x", np.broadcast_to(steps[:, None], (steps.size,) * 2)),
                    ("y", np.broadcast_to(steps[None, :], (steps.size,) * 2)),
                )
            )
            mag = np.repeat(np.asarray(truth["mag"][row]), steps.size**2)
            inside = (x < self.size) & (y < self.size)
            ra, dec = self.sky(x[inside], y[inside])
            columns = {"source_id": np.arange(ra.size), "ra": ra, "dec": dec}
            columns |= {"cstar": np.zeros(ra.size)} if name == "gaiaxp" else {}
            for band in BANDS:
                columns[f"mag_{band.lower()}"] = mag[inside]
                columns[f"magerr_{band.lower()}"] = np.full(ra.size, 0.003)
            schema = table_schema(f"reference_{name}", BANDS)
            write_table(self.folder / f"{name}.parquet", Table(columns), schema, record)

    def _configure(self) -> None:
        content = yaml.safe_load((CONFIG / "config.yaml").read_text(encoding="utf-8"))
        content["tiles"]["size"] = self.size
        content["camera"] = str(ROOT / content["camera"])
        content["tables"] |= {name: f"{self.folder}/{name}.csv" for name in ("tiles", "exposures")}
        (self.folder / "tiles.csv").write_text(f"tile,ra,dec\n{TILE},{CENTRE[0]},{CENTRE[1]}\n")
        lines = ["exposure,site,run,path,tile,band,mjd,exptime,sha256"]
        lines += [f"{EXPOSURE}{b},SAAO,1,raw/{b}.fits,{TILE},{b},{MJD},120," for b in BANDS]
        (self.folder / "exposures.csv").write_text("\n".join(lines) + "\n")
        (self.folder / "config.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")

    def run(self, step: str, *words: object) -> Used:
        """Run a command of the room."""
        config = self.folder / "config.yaml"
        return skymill(["sources", step, "--config", config, "--tile", TILE, *words], self.folder)

    def extract(self) -> Used:
        planes = [
            word for name in PLANES[:4] for word in (f"--{name}", self.folder / f"{name}.fits")
        ]
        return self.run("extract", "--band", "I", *planes, "--catalogue", self.folder / "I.parquet")

    def maps(self, mode: str, bands: Sequence[str], catalogue: str) -> Used:
        return self.run(
            *("maps", "--band", *bands, "--mode", mode, "--catalogue", self.folder / catalogue),
            *("--reference", self.folder / "gaiaxp.parquet", "--folder", self.folder / "maps"),
            *("--verdicts", *(self.folder / f"{band}.json" for band in bands)),
        )

    def homogenise(self) -> Used:
        planes = [f"--{name}" for name in ("image", "variance", "mask", "nexp")]
        words = [word for name in planes for word in (name, self.folder / f"{name[2:]}.fits")]
        out = self.folder / "out"
        return self.run(
            *("homogenise", "--band", "I", *words, "--catalogue", self.folder / "I.parquet"),
            *("--maps", self.folder / "maps", "--out-image", out / "image.fits"),
            *("--out-variance", out / "variance.fits", "--row", out / "row.json"),
        )

    def forced(self) -> Used:
        lists = {f"{name}s": [self.folder / f"{name}.fits"] * len(BANDS) for name in PLANES[:4]}
        words = [word for name, paths in lists.items() for word in (f"--{name}", *paths)]
        catalogue = self.folder / "Idual.parquet"
        return self.run("forced", "--bands", *BANDS, *words, "--catalogue", catalogue)

    def finish(self) -> Used:
        folder, out = self.folder, self.folder / "out"
        return self.run(
            *("finish", "--bands", *BANDS, "--single", *[folder / "I.parquet"] * len(BANDS)),
            *("--idual", folder / "Idual.parquet", "--nexps", *[folder / "nexp.fits"] * len(BANDS)),
            *("--maps", folder / "maps", "--verdicts", *(folder / f"{b}.json" for b in BANDS)),
            *("--pool", folder / "pool.parquet", "--reference", folder / "gaiaxp.parquet"),
            *("--out-single", *(out / f"{band}.parquet" for band in BANDS)),
            *("--out-idual", out / "Idual.parquet", "--out-completeness", out / "counts.parquet"),
            *("--out-spurious", out / "spurious.parquet"),
        )


def figures(folder: Path, size: int = SIZE) -> Iterator[Figure]:
    """Peak memory of each command; its CPU time stands in the figure's name."""
    for name, density in DENSITIES.items():
        job = Job(folder / name, size)
        job.make(density)
        yield _figure("extract", job.extract(), name, size)
        used = [job.maps("single", [band], "I.parquet") for band in BANDS]
        yield _figure("maps, one band", max(used, key=lambda one: one.memory), name, size)
        yield _figure("homogenise", job.homogenise(), name, size)
        shutil.rmtree(job.folder / "out")
        yield _figure("forced, four bands", job.forced(), name, size)
        yield _figure("maps, Idual", job.maps("Idual", BANDS, "Idual.parquet"), name, size)
        yield _figure("finish", job.finish(), name, size)
        shutil.rmtree(job.folder)


def _figure(step: str, used: Used, density: str, size: int) -> Figure:
    what = f"{size}², {density} density, {step}, {used.cpu:.0f} CPU s, memory"
    return Figure(what, used.memory, MOST, "GB")
