"""A chip of one site's camera: what is fixed about it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..camera import Camera, Chip
from ..seeding import generator
from .bias import bias_structure
from .crosstalk import draw_coefficients
from .dark import dark_current
from .distortion import deviate
from .flat import pixel_response, vignetting
from .hot_columns import draw_hot_columns


@dataclass(frozen=True)
class Detector:
    """The fixed properties of a chip at a site.

    Attributes
    ----------
    chip : Chip
    site : str
    gains, read_noises, saturations : tuple of float
        Per amplifier: e⁻/ADU, e⁻, ADU above the overscan.
    levels : tuple of float
        Overscan level of each amplifier, ADU.
    dead : tuple of bool
        Amplifiers that deliver no signal.
    offsets, slopes : tuple of float
        Zero point of each amplifier (mag at the middle row) and its change from the first row to
        the last, which flats don't show.
    crosstalk : ndarray, shape (n, n)
        Victim row, aggressor column.
    mirrored : bool
        Whether crosstalk between the halves is mirrored.
    wcs : dict
        True TPV cards of the chip at this site, without CRVAL.
    axis : (float, float)
        Where the optical axis meets the chip's plane, 0-based pixels.
    corner : float
        Distance of the field's corner from the axis, pixels.
    pixel_scale : float
        Arcsec per pixel.
    """

    chip: Chip
    site: str
    gains: tuple[float, ...]
    read_noises: tuple[float, ...]
    saturations: tuple[float, ...]
    levels: tuple[float, ...]
    dead: tuple[bool, ...]
    offsets: tuple[float, ...]
    slopes: tuple[float, ...]
    crosstalk: np.ndarray
    mirrored: bool
    wcs: dict[str, float | str]
    axis: tuple[float, float]
    corner: float
    pixel_scale: float

    @property
    def columns(self) -> list[slice]:
        """The columns of each amplifier."""
        return [amplifier.columns for amplifier in self.chip.amplifiers]

    def column_values(self, values: tuple[float, ...]) -> np.ndarray:
        """A value per amplifier as a value per column, shape (nx,)."""
        found = np.zeros(self.chip.shape[1])
        for value, where in zip(values, self.columns, strict=True):
            found[where] = value
        return found


def field_corner(camera: Camera) -> float:
    """Distance of the outermost chip corner from the optical axis, pixels."""
    farthest = 0.0
    for chip in camera.chips.values():
        for x in (0, chip.shape[1] - 1):
            for y in (0, chip.shape[0] - 1):
                distance = np.hypot(x + 1 - chip.wcs["CRPIX1"], y + 1 - chip.wcs["CRPIX2"])
                farthest = max(farthest, float(distance))
    return farthest


def detector_of(camera: Camera, site: str, name: str, settings: Mapping) -> Detector:
    """A chip of one site, drawn from the seed, the site's and the chip's name alone.

    Parameters
    ----------
    camera : Camera
    site, name : str
        The site's and the chip's name.
    settings : Mapping
        The configuration's ``simulate``.
    """
    chip, on, given = camera.chips[name], settings["effects"], settings["detector"]
    rng = generator("simulate", settings["seed"], "detector", site, name)
    count = len(chip.amplifiers)
    scatter = 1 + given["gain_scatter"] * rng.normal(size=(2, count))
    nominal = np.array([[a.gain, a.read_noise, a.saturation] for a in chip.amplifiers])
    gains = nominal[:, 0] * scatter[0] if on["gain_steps"] else np.ones(count)
    noises = nominal[:, 1] * scatter[1] * on["read_noise"]
    levels = given["overscan_level"] * (1 + 0.1 * rng.uniform(-1, 1, count) * on["overscan"])
    response = on["amplifier_response"]
    offsets = rng.normal(0, settings["light"]["offset"], count) * response
    signs = rng.choice([-1, 1]) * rng.uniform(0.6, 1.2, count)
    slopes = settings["light"]["slope"] * signs * response
    coefficients = draw_coefficients(rng, count, given["crosstalk"], camera.crosstalk_excluded)
    wcs = camera.prior(site, name)
    if on["distortion"]:
        wcs = deviate(rng, wcs, chip.shape, settings["optics"]["deviation"])
    bad = camera.sites[site].bad_amplifiers if on["dead_amplifiers"] else ()
    return Detector(
        chip=chip,
        site=site,
        gains=tuple(gains.tolist()),
        read_noises=tuple(noises.tolist()),
        saturations=tuple(nominal[:, 2].tolist()),
        levels=tuple(levels.tolist()),
        dead=tuple(amplifier.name in bad for amplifier in chip.amplifiers),
        offsets=tuple(offsets.tolist()),
        slopes=tuple(slopes.tolist()),
        crosstalk=coefficients * on["crosstalk"],
        mirrored=camera.mirrored_halves,
        wcs=wcs,
        axis=(float(chip.wcs["CRPIX1"]) - 1, float(chip.wcs["CRPIX2"]) - 1),
        corner=field_corner(camera),
        pixel_scale=camera.pixel_scale,
    )


def flat_response(detector: Detector, settings: Mapping) -> np.ndarray:
    """What a flat shows of a chip before its gains: vignetting × pixel response, float32."""
    shape, on, given = detector.chip.shape, settings["effects"], settings["detector"]
    response = np.ones(shape, np.float32)
    if on["prnu"]:
        rng = generator("simulate", settings["seed"], "prnu", detector.site, detector.chip.name)
        response = pixel_response(rng, shape, given["prnu"])
    if on["vignetting"]:
        response *= vignetting(shape, detector.axis, detector.corner, given["vignetting"])
    return response


def hot_columns(detector: Detector, settings: Mapping) -> list[tuple[int, slice, float]]:
    """The chip's hot columns: column, rows, e⁻/s."""
    if not settings["effects"]["hot_columns"]:
        return []
    rng = generator("simulate", settings["seed"], "hot", detector.site, detector.chip.name)
    ny, nx = detector.chip.shape
    given = settings["detector"]["hot_columns"]
    # a larger chip has longer columns, so their number grows with its side
    expected = given["per_megapixel"] * np.sqrt(ny * nx / 1e6) * settings["artefacts"]
    return list(draw_hot_columns(rng, (ny, nx), expected, given["rate"]))


def dark_rate(detector: Detector, settings: Mapping) -> np.ndarray:
    """Dark current of a chip with its hot columns, e⁻/s, float32."""
    rate = np.zeros(detector.chip.shape, np.float32)
    if settings["effects"]["dark"]:
        rng = generator("simulate", settings["seed"], "dark", detector.site, detector.chip.name)
        rate = dark_current(rng, detector.chip.shape, settings["detector"]["dark"])
    for column, rows, hot in hot_columns(detector, settings):
        rate[rows, column] += hot
    return rate


def bias_of(detector: Detector, index: int, settings: Mapping) -> np.ndarray | float:
    """Fixed bias pattern of an amplifier, ADU, as it lies in the chip."""
    if not settings["effects"]["bias"]:
        return 0.0
    name = detector.chip.amplifiers[index].name
    rng = generator("simulate", settings["seed"], "bias", detector.site, name)
    columns = detector.columns[index]
    shape = (detector.chip.shape[0], columns.stop - columns.start)
    return bias_structure(rng, shape, settings["detector"]["bias_structure"])
