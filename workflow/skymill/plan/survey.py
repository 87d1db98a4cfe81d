"""The size of a job: how much it reads, and how much it makes.

In megapixels, but for jobs of a whole release that handle files or cells: in their number.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from .job import Job


@dataclass(frozen=True)
class Survey:
    """What sizes follow from.

    Attributes
    ----------
    frame : float
        Megapixels of one exposure, all chips.
    tile : float
        Megapixels of a tile's stack in one band.
    bands : int
        Number of bands.
    tiles : Mapping
        Tile → anything; its keys are the tiles.
    frames : Mapping
        (tile, band) → its exposures.
    calibrations : Mapping
        (site, run, kind, band) → calibration frames.
    master_tiles, sky_tiles : Mapping
        Cell → the tiles that touch it.
    sky_order : int
        HEALPix order of the sky's cells.
    """

    frame: float
    tile: float
    bands: int
    tiles: Mapping
    frames: Mapping
    calibrations: Mapping
    master_tiles: Mapping
    sky_tiles: Mapping
    sky_order: int

    @classmethod
    def of(cls, names: Mapping[str, object]) -> "Survey":
        """From what the rules' common part (``common.smk``) defines."""
        return cls(
            names["FRAME_PIXELS"] / 1e6,
            names["TILE_PIXELS"] / 1e6,
            len(names["BANDS"]),
            *(names[name] for name in ("TILES", "FRAMES", "MASTERS", "MASTER_TILES", "SKY_TILES")),
            names["SETTINGS"]["sky"]["cell_order"],
        )

    def stacks(self, tiles: int) -> float:
        """Megapixels of all stacks of some tiles."""
        return tiles * self.bands * self.tile

    @cached_property
    def touched(self) -> Counter:
        """Tile → how many cells of the sky's it touches."""
        return Counter(tile for tiles in self.sky_tiles.values() for tile in tiles)

    def sky_share(self, cell: str) -> float:
        """A cell's part of the stacks: those of each tile, divided among the cells it touches."""
        return sum(self.stacks(1) / self.touched[tile] for tile in self.sky_tiles[int(cell)])

    def candidates(self, tiles: Iterable[str]) -> float:
        """Megapixels of the exposures of some tiles."""
        return self.frame * sum(self.exposures[tile] for tile in tiles)

    @cached_property
    def exposures(self) -> Counter:
        """Tile → its exposures in all bands."""
        found = Counter()
        for (tile, _), names in self.frames.items():
            found[tile] += len(names)
        return found

    @cached_property
    def upper(self) -> int:
        """How many HiPS tiles a map has above those of the sky's cells (orders 0 to 4)."""
        orders = range(1, self.sky_order + 1)
        return sum(len({int(cell) >> 2 * k for cell in self.sky_tiles}) for k in orders)

    def calibration_frames(self, job: Job, kind: str) -> float:
        """Megapixels of the calibration frames of a kind that a job combines."""
        where = job.wildcards["site"], job.wildcards["run"]
        band = job.wildcards.get("band")
        return self.frame * sum(
            len(frames)
            for (site, run, k, b), frames in self.calibrations.items()
            if (site, run) == where and k == kind and (band is None or b == band)
        )


Size = Callable[[Survey, Job], float]


def _exposure(survey: Survey, job: Job) -> float:
    return survey.frame


def _stack(survey: Survey, job: Job) -> float:
    return survey.tile


def _tile(survey: Survey, job: Job) -> float:
    return survey.stacks(1)


def _release(survey: Survey, job: Job) -> float:
    return survey.stacks(len(survey.tiles))


def _bands(survey: Survey, job: Job) -> float:
    return survey.bands


def _nothing(survey: Survey, job: Job) -> float:
    return 0.0


def _stacks(survey: Survey, job: Job) -> float:
    return len(survey.tiles) * survey.bands


def _cells(survey: Survey, job: Job) -> float:
    return len(survey.master_tiles)


def _upper(survey: Survey, job: Job) -> float:
    return survey.upper * survey.bands


def _combined(kind: str) -> Size:
    return lambda survey, job: survey.calibration_frames(job, kind)


def _cell_tiles(survey: Survey, job: Job) -> float:
    return survey.stacks(len(survey.master_tiles[int(job.wildcards["cell"])]))


def _cell_share(survey: Survey, job: Job) -> float:
    return survey.sky_share(job.wildcards["cell"])


SIZES: dict[str, tuple[Size, Size]] = {
    "simulate_sky": (_release, _release),
    "simulate_exposure": (_exposure, _exposure),
    "simulate_calibration": (_exposure, _exposure),
    "reference_catalogue": (_release, _release),
    "master_bias": (_combined("bias"), _exposure),
    "slopes": (_combined("flat"), _exposure),
    "master_dark": (_combined("dark"), _exposure),
    "master_flat": (_combined("flat"), _exposure),
    "defects": (_exposure, _exposure),
    "crosstalk": (_combined("field"), _exposure),
    "frames_ingest": (_exposure, _exposure),
    "frames_share": (_exposure, _exposure),
    "frames_pixels": (_exposure, _exposure),
    "frames_calibrate": (_exposure, _exposure),
    "stack": (
        lambda survey, job: (
            survey.frame * len(survey.frames[job.wildcards["tile"], job.wildcards["band"]])
        ),
        _stack,
    ),
    "warp": (_exposure, _exposure),
    "single": (_stack, _stack),
    "stack_table": (_stacks, _stacks),
    "stellarity_model": (_nothing, _nothing),
    "idual": (_tile, _tile),
    "tile_catalogues": (_tile, _tile),
    "injection": (_stack, _stack),
    "injection_plot": (_bands, _bands),
    "idual_master": (_cell_tiles, _cell_tiles),
    "single_master": (_cell_tiles, _cell_tiles),
    "detections": (
        lambda survey, job: survey.candidates(survey.master_tiles[int(job.wildcards["cell"])]),
        _cell_tiles,
    ),
    "crossmatch": (_cell_tiles, _cell_tiles),
    "hats": (_cells, _cells),
    "hips_cell": (_cell_share, _cell_share),
    "hips": (_upper, _upper),
    "viewer": (_stacks, _stacks),
    "map_archive": (_stacks, _stacks),
    "catalogue_archive": (_release, _release),
    "report": (_stacks, _stack),
    "manifest": (_stacks, _stacks),
}
"""Rule → what its time goes with, and what its memory and files go with."""
