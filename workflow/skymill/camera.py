"""A camera as its YAML file describes it: chips, amplifiers, sections, flips, distortion.

The code knows no camera by name. Pixel coordinates are 0-based, arrays are indexed [y, x]; the
*chip frame* is the assembled chip, amplifiers side by side along x.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Amplifier:
    """One read-out port.

    Attributes
    ----------
    name : str
        EXTNAME of its HDU in a raw frame.
    chip : str
        The chip it reads.
    index : int
        Its place on the chip, 0 at the smallest x.
    columns, rows : slice
        The columns and rows of the chip frame that it reads.
    flip : tuple of bool
        Whether its pixels are stored mirrored in x, in y.
    gain : float
        e⁻/ADU.
    read_noise : float
        e⁻ rms.
    saturation : float
        ADU above the bias at which it saturates.
    """

    name: str
    chip: str
    index: int
    columns: slice
    rows: slice
    flip: tuple[bool, bool]
    gain: float
    read_noise: float
    saturation: float


@dataclass(frozen=True)
class Chip:
    """One detector.

    Attributes
    ----------
    name : str
        Its name, EXTNAME of its HDU in every product.
    shape : tuple of int
        (ny, nx) of the chip frame.
    flip : bool
        Whether a raw amplifier's pixels are stored turned by 180° (mirrored in x and y).
    bleed : int
        +1 if charge bleeds toward larger y, −1 toward smaller y.
    amplifiers : tuple of Amplifier
        In order of x.
    wcs : dict
        FITS cards of its distortion prior (TPV; CRPIX, CD, PV) without CRVAL: the pointing
        supplies that. All chips share one tangent point.
    """

    name: str
    shape: tuple[int, int]
    flip: bool
    bleed: int
    amplifiers: tuple[Amplifier, ...]
    wcs: dict[str, float | str]


@dataclass(frozen=True)
class Site:
    """An observatory with one copy of the camera.

    Attributes
    ----------
    name : str
        OBSERVAT in its raw headers.
    code : str
        The letter in its file names.
    longitude, latitude, altitude : float
        Degrees east, degrees north, metres.
    bad_amplifiers : tuple of str
        Amplifiers known to be dead.
    wcs : dict of str to dict
        Chip → its distortion prior at this site, where it differs from the chip's own.
    """

    name: str
    code: str
    longitude: float
    latitude: float
    altitude: float
    bad_amplifiers: tuple[str, ...]
    wcs: dict[str, dict[str, float | str]]


@dataclass(frozen=True)
class Camera:
    """A camera and the sites that have one.

    Attributes
    ----------
    name : str
    pixel_scale : float
        Nominal, arcsec per pixel.
    prescan, overscan : int
        Columns before and after the data of each raw amplifier; 0 where the frames were trimmed.
    overscan_rows : int
        Rows after the data of each raw amplifier; they aren't used.
    chips : dict of str to Chip
        In the order of a product's HDUs, which is the order of the raw amplifiers too.
    sites : dict of str to Site
    mirrored_halves : bool
        Whether the two halves of a chip's amplifiers are read in opposite directions, so that
        crosstalk between halves is mirrored in x.
    crosstalk_excluded : frozenset of (int, int)
        Pairs (aggressor, victim) of amplifier indices too weak to matter.
    """

    name: str
    pixel_scale: float
    prescan: int
    overscan: int
    overscan_rows: int
    chips: dict[str, Chip]
    sites: dict[str, Site]
    mirrored_halves: bool
    crosstalk_excluded: frozenset[tuple[int, int]]

    def amplifiers(self) -> Iterator[Amplifier]:
        """Every amplifier, in the order of a raw frame's HDUs."""
        for chip in self.chips.values():
            yield from chip.amplifiers

    def prior(self, site: str, chip: str) -> dict[str, float | str]:
        """FITS cards of a chip's distortion prior at a site, without CRVAL."""
        return dict(self.sites[site].wcs.get(chip, self.chips[chip].wcs))


def camera_from(content: Mapping) -> Camera:
    """Build a camera from the checked content of its YAML file."""
    chips = {}
    for name, chip in content["chips"].items():
        ny, nx = chip["shape"]
        width = nx // len(chip["amplifiers"])
        amplifiers = tuple(
            Amplifier(
                name=amplifier["name"],
                chip=name,
                index=index,
                columns=slice(*amplifier.get("columns", (index * width, (index + 1) * width))),
                rows=slice(*amplifier.get("rows", (0, ny))),
                flip=tuple(amplifier.get("flip", (chip["flip"], chip["flip"]))),
                gain=amplifier["gain"],
                read_noise=amplifier["read_noise"],
                saturation=amplifier["saturation"],
            )
            for index, amplifier in enumerate(chip["amplifiers"])
        )
        chips[name] = Chip(
            name, (ny, nx), chip["flip"], chip["bleed"], amplifiers, _wcs_cards(chip["wcs"])
        )
    sites = {
        name: Site(
            name,
            site["code"],
            site["longitude"],
            site["latitude"],
            site["altitude"],
            tuple(site["bad_amplifiers"]),
            {chip: _wcs_cards(wcs) for chip, wcs in site.get("wcs", {}).items()},
        )
        for name, site in content["sites"].items()
    }
    return Camera(
        content["name"],
        content["pixel_scale"],
        content["prescan"],
        content["overscan"],
        content.get("overscan_rows", 0),
        chips,
        sites,
        content["mirrored_halves"],
        frozenset((a, v) for a, v in content["crosstalk_excluded"]),
    )


def _wcs_cards(wcs: Mapping) -> dict[str, float | str]:
    cards: dict[str, float | str] = {
        "CTYPE1": "RA---TPV",
        "CTYPE2": "DEC--TPV",
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "RADESYS": "ICRS",
        "CRPIX1": wcs["crpix"][0],
        "CRPIX2": wcs["crpix"][1],
    }
    for (i, j), value in np.ndenumerate(np.array(wcs["cd"], dtype=float)):
        cards[f"CD{i + 1}_{j + 1}"] = float(value)
    for axis in (1, 2):
        for k, value in enumerate(wcs[f"pv{axis}"]):
            if value != 0.0 or k == 1:
                cards[f"PV{axis}_{k}"] = float(value)
    return cards
