"""Frames of known stars, noise and masks, written as the frames room writes them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml
from astropy.io import fits
from astropy.wcs import WCS
from figure import Used, skymill

from skymill.camera import Camera
from skymill.config import load_camera
from skymill.geometry import tile_cards
from skymill.io.fits import make_header
from skymill.paths import CONFIG
from skymill.tiles.footprint import tile_wcs
from skymill.tiles.stack import PLANES

TILE, BAND, RA, DEC = "0000.000-30", "R", 359.87, -30.0
SCALE = 0.4
"""arcsec per pixel of the tile."""
BETA = 3.0
"""Of the Moffat profiles, as the simulator's."""


@dataclass(frozen=True)
class Stars:
    """ra, dec (deg) and flux (at zero point 30) of stars; arrays of one length."""

    ra: np.ndarray
    dec: np.ndarray
    flux: np.ndarray


@dataclass(frozen=True)
class Shot:
    """An exposure to be made.

    Attributes
    ----------
    name : str
    east, north : float
        Arcmin from the tile's centre to where the camera points.
    fwhm : float
        arcsec.
    rms : float
        Noise of a frame pixel.
    mjd : float
    """

    name: str
    east: float = 0.0
    north: float = 0.0
    fwhm: float = 2.0
    rms: float = 18.0
    mjd: float = 6e4


@dataclass(frozen=True)
class Scene:
    """A folder with a configuration of one tile, and frames in it.

    Attributes
    ----------
    folder : Path
    camera_name : str
    size : int
        Pixels a side of the tile.
    chips : tuple of str
        Those that frames are made of; the camera's file says where they lie.
    names : list of str
        The exposures written.
    """

    folder: Path
    camera_name: str
    size: int
    chips: tuple[str, ...]
    names: list[str] = field(default_factory=list)

    @property
    def camera(self) -> Camera:
        return load_camera(CONFIG / "cameras" / f"{self.camera_name}.yaml")

    def centre(self) -> tuple[float, float]:
        """ra, dec of the tile: the middle of a chip that is alone, else that of the camera."""
        if len(self.chips) > 1:
            return RA, DEC
        chip = self.camera.chips[self.chips[0]]
        wcs = WCS(make_header(self.chip_cards(self.chips[0], Shot(""))))
        ra, dec = wcs.wcs_pix2world(chip.shape[1] / 2, chip.shape[0] / 2, 0)
        return float(ra) % 360, float(dec)

    def tile(self) -> WCS:
        return tile_wcs(*self.centre(), self.size, SCALE)

    def chip_cards(self, chip: str, shot: Shot) -> list[tuple]:
        cards = dict(self.camera.chips[chip].wcs)
        cards["CRVAL1"] = RA + shot.east / 60 / np.cos(np.radians(DEC))
        cards["CRVAL2"] = DEC + shot.north / 60
        return [(key, value, "") for key, value in cards.items()]

    def chip_wcs(self, chip: str, shot: Shot) -> WCS:
        return WCS(make_header(self.chip_cards(chip, shot)))

    def configure(self, **changes: object) -> None:
        """Write the configuration: the mini release's section ``tiles`` with changes."""
        content = yaml.safe_load((CONFIG / "config.yaml").read_text(encoding="utf-8"))
        content["tiles"] |= {"size": self.size, **changes}
        content["camera"] = str(CONFIG / "cameras" / f"{self.camera_name}.yaml")
        content["tables"]["tiles"] = str(self.folder / "tiles.csv")
        ra, dec = self.centre()
        (self.folder / "tiles.csv").write_text(f"tile,ra,dec\n{TILE},{ra},{dec}\n")
        (self.folder / "config.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")

    def write(self, shot: Shot, images: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
        """Write an exposure: chip → (image, bits)."""
        count = len(self.camera.chips[self.chips[0]].amplifiers)
        primary = fits.PrimaryHDU(header=make_header([("EXPOSURE", shot.name, "")]))
        files = {suffix: fits.HDUList([primary]) for suffix in ("fits", "mask.fits")}
        for chip, planes in images.items():
            cards = [("SATURATE", 5e5, ""), ("BADAMP", "0" * count, "")]
            for n in range(1, count + 1):
                cards += [(f"RMS{n}", shot.rms, ""), (f"SLOPE{n}", 0.0, ""), (f"GAIN{n}", 2.0, "")]
            header = make_header([*self.chip_cards(chip, shot), *cards])
            for suffix, plane in zip(files, planes, strict=True):
                files[suffix].append(fits.ImageHDU(plane, header, name=chip))
        for suffix, hdus in files.items():
            hdus.writeto(self.folder / f"{shot.name}.{suffix}", overwrite=True)
        facts = {"exposure": shot.name, "tile": TILE, "band": BAND, "verdict": "pass"}
        facts |= {"mjd": shot.mjd, "exptime": 120.0, "fwhm": shot.fwhm}
        (self.folder / f"{shot.name}.json").write_text(json.dumps(facts))
        self.names.append(shot.name)

    def combine(self, names: Sequence[str] | None = None, **changes: object) -> Used:
        """Stack the exposures (all by default) by the room's own command."""
        self.configure(**changes)
        names = self.names if names is None else names
        words: list[object] = ["tiles", "combine", "--config", self.folder / "config.yaml"]
        words += ["--tile", TILE, "--band", BAND]
        for option, suffix in (("images", "fits"), ("masks", "mask.fits"), ("verdicts", "json")):
            words += [f"--{option}", *(self.folder / f"{name}.{suffix}" for name in names)]
        for plane in (*PLANES, "mjd"):
            words += [f"--out-{plane}", self.folder / f"{plane}.fits"]
        return skymill(words, self.folder)

    def plane(self, name: str) -> np.ndarray:
        """A plane of the last stack, in native byte order."""
        data = fits.getdata(self.folder / f"{name}.fits")
        return data.astype(data.dtype.newbyteorder("="))

    def card(self, keyword: str) -> float:
        """A card of the last stack."""
        return fits.getheader(self.folder / "image.fits")[keyword]

    def grid_header(self) -> fits.Header:
        return make_header(tile_cards(*self.centre(), self.size, SCALE))


def scatter_stars(
    random: np.random.Generator, wcs: WCS, size: int, magnitudes: np.ndarray, border: int = 60
) -> Stars:
    """Stars of given magnitudes, evenly over a tile."""
    x, y = random.uniform(border, size - border, (2, magnitudes.size))
    ra, dec = wcs.wcs_pix2world(x, y, 0)
    return Stars(ra, dec, 10 ** (0.4 * (30 - magnitudes)))


def render(wcs: WCS, shape: tuple[int, int], stars: Stars, fwhm: float, reach: float) -> np.ndarray:
    """Moffat stars, round on the sky, out to `reach` × FWHM: flux per pixel of a frame or a tile.

    Parameters
    ----------
    wcs : WCS
        Of the frame or tile; its distortion changes a pixel's area, and so the flux in it.
    shape : (int, int)
        (ny, nx).
    """
    image = np.zeros(shape, np.float32)
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / BETA) - 1))
    norm = (BETA - 1) / (np.pi * alpha**2)
    x, y = wcs.wcs_world2pix(stars.ra, stars.dec, 0)
    a, b, c, d = jacobian(wcs, x, y)
    half = int(np.ceil(reach * fwhm / SCALE))
    for k in np.flatnonzero((x > -half) & (y > -half)):
        left, low = max(0, int(x[k]) - half), max(0, int(y[k]) - half)
        right, high = min(shape[1], int(x[k]) + half + 2), min(shape[0], int(y[k]) + half + 2)
        if left >= right or low >= high:
            continue
        dx, dy = np.arange(left, right) - x[k], (np.arange(low, high) - y[k])[:, None]
        r2 = (a[k] * dx + b[k] * dy) ** 2 + (c[k] * dx + d[k] * dy) ** 2
        area = abs(a[k] * d[k] - b[k] * c[k])
        image[low:high, left:right] += stars.flux[k] * norm * area * (1 + r2 / alpha**2) ** -BETA
    return image


def jacobian(wcs: WCS, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """∂east/∂x, ∂east/∂y, ∂north/∂x, ∂north/∂y at positions, arcsec per pixel."""
    ra, dec = wcs.wcs_pix2world(x, y, 0)
    parts = []
    for step in ((1, 0), (0, 1)):
        other = wcs.wcs_pix2world(x + step[0], y + step[1], 0)
        parts.append(((other[0] - ra + 180) % 360 - 180) * 3600 * np.cos(np.radians(dec)))
        parts.append((other[1] - dec) * 3600)
    return parts[0], parts[2], parts[1], parts[3]


def clumps(
    random: np.random.Generator, shape: tuple[int, int], share: float, length: int = 12
) -> np.ndarray:
    """Bits of short marks, as cosmic rays leave them, that cover a share of a chip."""
    bits = np.zeros(shape, np.uint8)
    count = int(share * bits.size / length)
    y, x = random.integers(0, shape[0] - length, count), random.integers(0, shape[1] - 2, count)
    for k in range(length):
        bits[y + k, x + k // 8] = 4
    return bits


def aperture_fluxes(image: np.ndarray, x: np.ndarray, y: np.ndarray, diameter: float) -> np.ndarray:
    """Sums in circles of some diameter (arcsec), exact at their edges."""
    import sep

    return sep.sum_circle(image, x, y, diameter / 2 / SCALE, subpix=0)[0]
