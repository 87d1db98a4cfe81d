"""A true exposure: where its chips look, what its electrons are worth, which pixels are spoilt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from astropy.wcs import WCS

NEAR = 100.0
"""Pixels around a chip within which a position's distance from it is known; farther is farther."""
SLACK = 0.1
"""Share of a chip's reach that distortion may move a position by."""


@dataclass(frozen=True)
class TrueAmplifier:
    """One read-out port in one exposure.

    Attributes
    ----------
    columns : slice
    dead : bool
    read_noise : float
        e⁻.
    zero_point : float
        Magnitude (natural system) of one electron at the middle row, without vignetting.
    slope : float
        Its change, mag/pixel along y.
    masters : float
        Variance that master bias and dark bring in, e⁻².
    flat : float
        Relative variance of the master flat, in an unvignetted pixel.
    """

    columns: slice
    dead: bool
    read_noise: float
    zero_point: float
    slope: float
    masters: float = 0.0
    flat: float = 0.0


@dataclass(frozen=True)
class TrueChip:
    """One chip in one exposure.

    Attributes
    ----------
    shape : (ny, nx)
    wcs : WCS
    amplifiers : tuple of TrueAmplifier
        By x.
    axis : (x, y)
        Of the optics, 0-based pixels.
    fading : float
        Vignetting: light lost at a pixel's distance from the axis, times that distance squared.
    artefacts : mapping
        Kind → (n, 2) x, y of the pixels touched, 0-based.
    """

    shape: tuple[int, int]
    wcs: "WCS"
    amplifiers: tuple[TrueAmplifier, ...]
    axis: tuple[float, float]
    fading: float
    artefacts: Mapping[str, np.ndarray]

    def illumination(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Share of the light that vignetting leaves."""
        return 1 - self.fading * ((x - self.axis[0]) ** 2 + (y - self.axis[1]) ** 2)

    def live_columns(self) -> list[slice]:
        """The columns of live amplifiers, those of neighbours together."""
        found: list[slice] = []
        for amplifier in sorted(self.amplifiers, key=lambda a: a.columns.start):
            if amplifier.dead:
                continue
            start, stop = amplifier.columns.start, amplifier.columns.stop
            if found and found[-1].stop == start:
                start = found.pop().start
            found.append(slice(start, stop))
        return found

    def dead_pixels(self) -> np.ndarray:
        """Which pixels belong to a dead amplifier, shape (ny, nx)."""
        dead = np.zeros(self.shape, bool)
        for amplifier in self.amplifiers:
            dead[:, amplifier.columns] = amplifier.dead
        return dead


@dataclass(frozen=True)
class Place:
    """Where positions fall in an exposure; arrays of shape (n,).

    Attributes
    ----------
    chip : ndarray of int
        Index of the chip; −1 beside all.
    amplifier : ndarray of int
    x, y : ndarray
        0-based pixels; NaN beside all chips.
    edge : ndarray
        Distance (arcsec) from the nearest border of what live amplifiers see: positive on it, else
        negative; −inf far away.
    live : ndarray of bool
        On a chip, and not on a dead amplifier.
    """

    chip: np.ndarray
    amplifier: np.ndarray
    x: np.ndarray
    y: np.ndarray
    edge: np.ndarray
    live: np.ndarray


@dataclass(frozen=True)
class TrueExposure:
    """What is true of one exposure.

    Attributes
    ----------
    name, tile, band, status : str
        Status is good, or what is wrong with it.
    mjd, exptime : float
    ra, dec : float
        Pointing, degrees.
    seeing, beta : float
        Moffat PSF on the axis; arcsec.
    color_term : float
    sky, dark : float
        e⁻ per unvignetted pixel.
    pixel_scale : float
        Arcsec.
    chips : dict of str to TrueChip
        In the camera's order.
    """

    name: str
    tile: str
    band: str
    status: str
    mjd: float
    exptime: float
    ra: float
    dec: float
    seeing: float
    beta: float
    color_term: float
    sky: float
    dark: float
    pixel_scale: float
    chips: Mapping[str, TrueChip]

    @property
    def good(self) -> bool:
        """Whether it must be used."""
        return self.status == "good"

    def place(self, ra: np.ndarray, dec: np.ndarray) -> Place:
        """Where positions in degrees fall."""
        size = np.size(ra)
        chip, amplifier = np.full(size, -1), np.full(size, -1)
        x, y, edge = np.full(size, np.nan), np.full(size, np.nan), np.full(size, -np.inf)
        live = np.zeros(size, bool)
        for index, own in enumerate(self.chips.values()):
            near = np.flatnonzero(self._near(own, ra, dec))
            if near.size == 0:
                continue
            px, py = own.wcs.wcs_world2pix(ra[near], dec[near], 0)
            for part in own.live_columns():
                shape = own.shape[0], part.stop - part.start
                distance = inward(px - part.start, py, shape) * self.pixel_scale
                edge[near] = np.where(np.abs(distance) < np.abs(edge[near]), distance, edge[near])
            inside = inward(px, py, own.shape) >= 0
            on = near[inside]
            chip[on], x[on], y[on] = index, px[inside], py[inside]
            for number, port in enumerate(own.amplifiers):
                mine = (x[on] >= port.columns.start - 0.5) & (x[on] < port.columns.stop - 0.5)
                amplifier[on[mine]], live[on[mine]] = number, not port.dead
        return Place(chip, amplifier, x, y, edge, live)

    def _near(self, chip: TrueChip, ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
        """Which positions a projection without distortion puts near a chip."""
        cd, centre = chip.wcs.wcs.cd, chip.wcs.wcs.crpix - 1
        east = ((ra - self.ra + 180) % 360 - 180) * np.cos(np.radians(self.dec))
        px, py = np.linalg.solve(cd, np.stack([east, dec - self.dec])) + centre[:, None]
        reach = np.hypot(*np.maximum(np.abs(centre), np.abs(np.array(chip.shape[::-1]) - centre)))
        return inward(px, py, chip.shape) > -(NEAR + SLACK * reach)

    def variance(self, place: Place) -> np.ndarray:
        """Variance of an empty pixel at places, e⁻²; NaN beside all chips.

        Sky, dark current, read-out, and the masters' share of them.
        """
        found = np.full(place.x.size, np.nan)
        for on, chip, port in self._ports(place):
            share = chip.illumination(place.x[on], place.y[on])
            found[on] = self.sky * share + self.dark + port.read_noise**2
            found[on] += port.masters + (self.sky * share) ** 2 * port.flat / share
        return found

    def zero_point(self, place: Place) -> np.ndarray:
        """Magnitude (natural system) of one electron at places; NaN beside all chips."""
        found = np.full(place.x.size, np.nan)
        for on, chip, port in self._ports(place):
            row = place.y[on] - (chip.shape[0] - 1) / 2
            light = chip.illumination(place.x[on], place.y[on])
            found[on] = port.zero_point + port.slope * row + 2.5 * np.log10(light)
        return found

    def _ports(self, place: Place):
        for index, chip in enumerate(self.chips.values()):
            for number, port in enumerate(chip.amplifiers):
                on = np.flatnonzero((place.chip == index) & (place.amplifier == number))
                if on.size:
                    yield on, chip, port

    def artefact_distance(self, place: Place, kinds: tuple[str, ...], reach: float) -> np.ndarray:
        """Distance (arcsec) from the nearest spoilt pixel; inf beyond `reach` or beside all."""
        from scipy.spatial import cKDTree

        found = np.full(place.x.size, np.inf)
        for index, chip in enumerate(self.chips.values()):
            lists = [chip.artefacts[kind] for kind in kinds if kind in chip.artefacts]
            on = np.flatnonzero(place.chip == index)
            if on.size and lists and sum(map(len, lists)):
                tree = cKDTree(np.concatenate(lists))
                points = np.column_stack([place.x[on], place.y[on]])
                limit = reach / self.pixel_scale
                found[on] = tree.query(points, distance_upper_bound=limit)[0] * self.pixel_scale
        return found


def inward(x: np.ndarray, y: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Distance (pixels) from a chip's border: positive inside, negative outside."""
    across = np.minimum(x + 0.5, shape[1] - 0.5 - x)
    along = np.minimum(y + 0.5, shape[0] - 0.5 - y)
    outside = np.hypot(np.minimum(across, 0), np.minimum(along, 0))
    return np.where(outside > 0, -outside, np.minimum(across, along))
