"""The tree of a release: the path of every product, named in one place.

Arguments may be wildcards such as ``"{tile}"``, so the workflow's rules use the same names.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass

from .config import read_yaml

APERTURES = ("APER3", "APER5", "APER10", "AUTO")
MODES = ("single", "Idual")
PHOTOMETRIC_MAPS = ("zp", "zperr", "pstar")
ASTROMETRIC_MAPS = ("align", "alerr", "astar", "shift")
"""KS4's three, and one of ours."""
MAP_ARCHIVES = {
    "AstroCalibNumStars": "astar",
    "Astrometry": "align",
    "AstrometryError": "alerr",
    "PhotCalibNumStars": "pstar",
    "ZeroPoint": "zp",
    "ZeroPointError": "zperr",
}
"""The six archives of KS4 DR1's Zenodo record: name → the kind of map that each holds."""
HATS_GROUPS = {
    "idual_master": "masters",
    "single_master": "masters",
    "detections": "masters",
    "gaia": "crossmatch",
}
"""The HATS catalogues: name → the folder that each lies in."""
NEEDS_REFERENCE = {"gaia": "gaia"}
"""HATS catalogue → the reference catalogue without which it isn't made."""
HATS_FILES = (
    "hats.properties",
    "partition_info.csv",
    "dataset/_metadata",
    "dataset/_common_metadata",
)
COLOR = "color"


def map_name(kind: str, tile: str, band: str, mode: str, aperture: str = "") -> str:
    """File name of a calibration map, as KS4 names it; astrometric maps have no aperture."""
    return f"{kind}_map_{tile}_{band}_{mode}{'_' + aperture if aperture else ''}.npy"


def hats_groups(references: Container[str]) -> dict[str, str]:
    """The HATS catalogues of a release that has these reference catalogues: name → folder."""
    return {
        name: group
        for name, group in HATS_GROUPS.items()
        if name not in NEEDS_REFERENCE or NEEDS_REFERENCE[name] in references
    }


@dataclass(frozen=True)
class Tree:
    """Paths of one release, relative to the folder in which Skymill runs.

    Attributes
    ----------
    release : str
        Its name.
    master_order : int
        HEALPix order of the master catalogues' cells.
    chips : tuple of str
        Chips whose calibrated frames lie in files of their own; none: an exposure's are one file.
    """

    release: str
    master_order: int
    chips: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Mapping) -> "Tree":
        """The tree of a checked configuration."""
        by_chip = settings["frames"]["files"] == "chip"
        chips = tuple(read_yaml(settings["camera"])["chips"]) if by_chip else ()
        return cls(settings["release"]["name"], settings["masters"]["cell_order"], chips)

    @property
    def data(self) -> str:
        """Inputs: raw/, reference/, and truth/ where simulated."""
        return f"data/{self.release}"

    @property
    def out(self) -> str:
        """Products."""
        return f"results/{self.release}"

    @property
    def run(self) -> str:
        """Logs, benchmarks, receipts, intermediate files: no product."""
        return f"{self.out}/run"

    @property
    def work(self) -> str:
        """Intermediate files."""
        return f"{self.run}/work"

    @property
    def config(self) -> str:
        """The configuration as the jobs read it."""
        return f"{self.run}/config.yaml"

    def receipt(self, step: str, unit: str | int) -> str:
        """Where a command notes what it read and wrote."""
        return f"{self.run}/receipts/{step}/{unit}.json"

    def raw(self, path: str) -> str:
        """A raw file as the tables name it: absolute, or inside the data folder."""
        return path if path.startswith("/") else f"{self.data}/{path}"

    def reference(self, catalogue: str, cell: str | int) -> str:
        """A cell of a reference catalogue."""
        return f"{self.data}/reference/{catalogue}/{cell}.parquet"

    def calib(self, site: str, run: str, name: str) -> str:
        """A calibration master."""
        return f"{self.out}/calib/{site}/{run}/{name}"

    def frame(self, exposure: str, suffix: str) -> str:
        """A product of one exposure, by one of `frame_suffixes`."""
        return f"{self.out}/frames/{exposure}.{suffix}"

    @property
    def image_suffixes(self) -> tuple[str, ...]:
        """Of an exposure's calibrated frame."""
        return tuple(f"{chip}.fits" for chip in self.chips) or ("fits",)

    @property
    def mask_suffixes(self) -> tuple[str, ...]:
        """Of its masks, in the frame's order."""
        return tuple(f"{chip}.mask.fits" for chip in self.chips) or ("mask.fits",)

    @property
    def frame_suffixes(self) -> tuple[str, ...]:
        """Of all products of an exposure: images, masks, catalogue, verdict."""
        return (*self.image_suffixes, *self.mask_suffixes, "cat.parquet", "json")

    def stack(self, tile: str, band: str, plane: str) -> str:
        """A plane of a stack: image, variance, mask, nexp, exptime or mjd."""
        return f"{self.out}/stacks/{tile}/{band}/{plane}.fits"

    def warp(self, tile: str, band: str, exposure: str, plane: str) -> str:
        """A plane of one exposure on the tile's grid: image, variance or mask."""
        return f"{self.out}/stacks/{tile}/{band}/warps/{exposure}.{plane}.fits"

    def unscaled(self, tile: str, band: str, plane: str) -> str:
        """A plane of the stack before homogenisation, image or variance; or its epochs by pixel."""
        return f"{self.work}/stacks/{tile}/{band}/{plane}.fits"

    def maps(self, tile: str, band: str, mode: str, kinds: tuple[str, ...]) -> list[str]:
        """Calibration maps of some kinds, in every aperture where the kind has apertures."""
        folder = f"{self.out}/maps/{tile}"
        return [
            f"{folder}/{map_name(kind, tile, band, mode, aperture)}"
            for kind in kinds
            for aperture in (APERTURES if kind in PHOTOMETRIC_MAPS else ("",))
        ]

    def catalogue(self, tile: str, name: str) -> str:
        """A tile's catalogue: single_<band> or Idual."""
        return f"{self.out}/catalogs/{tile}/{name}.parquet"

    def completeness(self, tile: str) -> str:
        """A tile's completeness table."""
        return f"{self.out}/completeness/{tile}.parquet"

    def injected(self, tile: str, band: str) -> tuple[str, str]:
        """What injected sources show of a stack: their table and its summary."""
        path = f"{self.out}/completeness/injected_{tile}_{band}"
        return f"{path}.parquet", f"{path}.json"

    def injected_plot(self, tile: str) -> str:
        """The picture of a tile's injected sources, all bands."""
        return f"{self.out}/completeness/injected_{tile}.png"

    def hats(self, catalogue: str, name: str) -> str:
        """A file of a HATS catalogue."""
        return f"{self.out}/{HATS_GROUPS[catalogue]}/{catalogue}/{name}"

    def hats_cell(self, catalogue: str, cell: str | int) -> str:
        """A cell of a HATS catalogue; HATS groups cells by 10,000, so up to order 4 it's Dir=0."""
        return self.hats(catalogue, f"dataset/Norder={self.master_order}/Dir=0/Npix={cell}.parquet")

    def archive(self, prefix: str, name: str) -> str:
        """An archive."""
        return f"{self.out}/archives/{prefix}_{name}.tar.gz"
