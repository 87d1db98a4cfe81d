"""The header of a stack: what was stacked, and what its values mean."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..io.fits import Card
from ..resampling.kernels import kernel_table, noise_correlation
from .frame import Frame
from .median import variance_factor
from .stack import Layer

APERTURES = (3, 5, 10)
"""arcsec, whose noise the header tells: the catalogues' (P3 §4.2)."""
MAGZERO = 30.0
"""Zero point to which the frames are scaled."""


def stack_cards(
    tile: str,
    band: str,
    frames: Sequence[Frame],
    layers: Sequence[Layer],
    settings: Mapping,
) -> list[Card]:
    """Cards of every plane of a stack; numbers that need a frame are 0 if none was used.

    Parameters
    ----------
    tile, band : str
    frames : sequence of Frame
        Those used, ordered by exposure.
    layers : sequence of Layer
        Their pixels, in the same order.
    settings : Mapping
        The config's section ``tiles``.
    """
    mjd = [frame.mjd for frame in frames] or [0.0]
    fwhm = float(np.median([frame.fwhm for frame in frames])) if frames else 0.0
    cards: list[Card] = [
        ("TILE", tile, "tile of the survey"),
        ("FILTER", band, "band"),
        ("MAGZERO", MAGZERO, "[mag] nominal AB zero point"),
        ("NUMEXP", len(frames), "exposures used"),
        ("EXPTIME", sum(frame.exptime for frame in frames), "[s] total of the exposures used"),
        ("MINMJD", min(mjd), "[d] first exposure, UTC at mid-exposure; 0 if none"),
        ("MAXMJD", max(mjd), "[d] last exposure"),
        ("MEANMJD", float(np.mean(mjd)), "[d] mean over exposures"),
        ("FWHM", fwhm, "[arcsec] median seeing of the exposures"),
        ("SATURATE", saturation(layers), "lowest level at which a frame saturates"),
        ("GAIN", effective_gain(layers, settings), "[electron] per unit, where nexp = NUMEXP"),
        ("VARSRC", False, "variance holds no source photons"),
        ("COMBINE", settings["combine"], "estimator over exposures"),
        ("RESAMPLE", settings["kernel"], "kernel; flux per pixel is conserved"),
        ("NOISECOR", correlation(layers, settings), "noise in a large aperture / of its variances"),
    ]
    for diameter in APERTURES:
        value = correlation(layers, settings, diameter / settings["pixel_scale"])
        cards.append((f"NOISEC{diameter:02d}", value, f"the same, {diameter} arcsec wide"))
    for i, (frame, layer) in enumerate(zip(frames, layers, strict=True)):
        cards.append((f"IMAGE{i:03d}", frame.exposure, "exposure used"))
        if settings["background"]["match"]:
            cards.append((f"LEVEL{i:03d}", round(layer.level, 4), "mean level taken out of it"))
    return cards


def warp_cards(
    tile: str, band: str, frame: Frame, layers: Sequence[Layer], settings: Mapping
) -> list[Card]:
    """Cards of the planes of a single exposure: its verdict, and those of a stack of it alone.

    Parameters
    ----------
    tile, band : str
    frame : Frame
    layers : sequence of Layer
        Its pixels; none if it didn't pass or doesn't touch the tile.
    settings : Mapping
        The config's section ``tiles``.
    """
    own: list[Card] = [
        ("EXPOSURE", frame.exposure, "exposure"),
        ("VERDICT", "pass" if frame.used else "fail", "no pixel has a value unless it passed"),
    ]
    if frame.reasons:
        own.append(("REASON", "; ".join(frame.reasons), ""))
    stacked = stack_cards(tile, band, [frame] if layers else [], layers, settings)
    return own + [card for card in stacked if card[0] != "COMBINE"]


def part_cards(grid: Sequence[Card], corner: tuple[int, int]) -> list[Card]:
    """The grid's cards of a part of a tile whose first pixel is `corner`, (x, y), 0-based."""
    first = dict(zip(("CRPIX1", "CRPIX2"), corner, strict=True))
    cards = [
        (key, value - first[key], "centre of the tile") if key in first else (key, value, comment)
        for key, value, comment in grid
    ]
    said = "pixel here - pixel of the tile"
    return [*cards, *((f"LTV{n}", float(-at), said) for n, at in enumerate(corner, 1))]


def correlation(layers: Sequence[Layer], settings: Mapping, diameter: float | None = None) -> float:
    """How much more noise an aperture has than its pixels' variances tell, resampled once.

    Where A of a frame's pixels cover one of the tile's, that one's noise is A times theirs before
    the kernel, but a sum over n holds the noise of nA pixels: √A less than n variances tell.
    Medians of neighbours share less than means do: of what means share (the square's excess over
    1), the share of their variance that a mean would have.

    Parameters
    ----------
    diameter : float, optional
        Of the aperture, pixels; by default it is large.
    """
    kernel = noise_correlation(kernel_table(settings["kernel"]), diameter)
    if settings["combine"] == "median" and layers:
        factor = variance_factor(np.array([layer.rms for layer in layers]))
        kernel = float(np.sqrt(1 + (kernel**2 - 1) / factor))
    areas = [float(np.median(nodes.area)) for layer in layers for _, nodes in layer.chips]
    return round(kernel / float(np.sqrt(np.median(areas or [1.0]))), 4)


def saturation(layers: Sequence[Layer]) -> float:
    """Lowest level, per tile pixel, at which a chip of a frame saturates; 0 without frames.

    Saturated pixels are masked in their frame, so a higher value of the stack can still be good.
    """
    levels = [
        chip.saturation * float(np.min(nodes.area))
        for layer in layers
        for chip, nodes in layer.chips
    ]
    return min(levels, default=0.0)


def effective_gain(layers: Sequence[Layer], settings: Mapping) -> float:
    """Electrons per unit of the stack: flux/gain is the variance of a source's own photons.

    For a mean of n frames of gains g it is n²/Σ(1/g); weights w make it (Σw)²/Σ(w²/g); a median's
    photons are noisier by its variance factor. It holds where every frame contributes; elsewhere
    multiply by nexp/NUMEXP. 0 without frames.
    """
    if not layers:
        return 0.0
    inverse = [float(np.mean([1 / chip.gain for chip, _ in layer.chips])) for layer in layers]
    rms = np.array([layer.rms for layer in layers])
    if settings["combine"] == "median":
        return len(layers) ** 2 / sum(inverse) / variance_factor(rms)
    weights = 1 / rms**2
    return float(weights.sum() ** 2 / (weights**2 * inverse).sum())
