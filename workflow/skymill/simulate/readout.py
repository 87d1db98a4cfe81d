"""From collected electrons to the raw pixels of a chip's amplifiers."""

from collections.abc import Mapping

import numpy as np

from ..seeding import generator
from .amplifiers import raw_amplifier, to_adu
from .bleed import BLED, SATURATED, bleed
from .crosstalk import crosstalk_signal
from .detector import Detector, bias_of
from .overscan import row_levels

BLOCK = 256
"""Rows whose photons are drawn at once, for memory's sake."""

Pixels = tuple[np.ndarray, np.ndarray]
"""y and x of some pixels."""


def collect(expected: np.ndarray, rng: np.random.Generator, noisy: bool) -> None:
    """Draw the electrons of each pixel from its expectation (Poisson), in place."""
    if not noisy:
        return
    for first in range(0, len(expected), BLOCK):
        rows = expected[first : first + BLOCK]
        rows[:] = rng.poisson(rows)


def read_out(
    electrons: np.ndarray,
    detector: Detector,
    settings: Mapping,
    frame: str,
    trace: float,
    overscan: tuple[int, int],
) -> tuple[list[np.ndarray], dict[str, Pixels]]:
    """Read a chip: saturation and bleeding, gain, crosstalk, bias, overscan, read noise.

    Parameters
    ----------
    electrons : ndarray of float32, shape (ny, nx)
        Collected charge; overwritten.
    detector : Detector
    settings : Mapping
        The configuration's ``simulate``.
    frame : str
        The frame's name, from which its noise is drawn.
    trace : float
        Crosstalk of at least so many ADU is noted as an artefact.
    overscan : (int, int)
        Prescan and overscan columns.

    Returns
    -------
    amplifiers : list of ndarray of uint16
        Raw pixels of each amplifier, in order of x.
    artefacts : dict
        Kind → (y, x) of the pixels it touches.
    """
    on, columns = settings["effects"], detector.columns
    found = _saturate(electrons, detector, on)
    to_adu(electrons, detector.gains, columns)
    dead = detector.column_values(detector.dead) > 0
    electrons[:, dead] = 0
    if detector.crosstalk.any():
        signal = crosstalk_signal(electrons, detector.crosstalk, detector.mirrored)
        signal[:, dead] = 0
        found["crosstalk"] = np.nonzero(signal >= trace)
        electrons += signal
    raw = [
        _amplifier(electrons, detector, settings, frame, index, overscan)
        for index in range(len(columns))
    ]
    return raw, {kind: pixels for kind, pixels in found.items() if pixels[0].size}


def _saturate(electrons: np.ndarray, detector: Detector, on: Mapping) -> dict[str, Pixels]:
    """Full wells in electrons; the pixels that are full, and those into which charge bled."""
    if not on["saturation"]:
        return {}
    full = [g * s for g, s in zip(detector.gains, detector.saturations, strict=True)]
    wells = detector.column_values(tuple(full))
    state = bleed(electrons, wells, detector.chip.bleed, on["bleeding"])
    return {
        "saturation": np.nonzero(state & SATURATED),
        "bleed": np.nonzero(state & BLED),
    }


def _amplifier(
    signal: np.ndarray,
    detector: Detector,
    settings: Mapping,
    frame: str,
    index: int,
    overscan: tuple[int, int],
) -> np.ndarray:
    name, where = detector.chip.amplifiers[index].name, detector.columns[index]
    rng = generator("simulate", settings["seed"], "read", frame, name)
    drift = settings["detector"]["overscan_drift"] * settings["effects"]["overscan"]
    level = detector.levels[index] + rng.normal(0, 2) * drift
    levels = row_levels(rng, detector.chip.shape[0], level, drift)
    noise = detector.read_noises[index] / detector.gains[index]
    above, flip = signal[:, where], detector.chip.amplifiers[index].flip
    if not detector.dead[index]:
        above = above + bias_of(detector, index, settings)
    return raw_amplifier(above, levels, noise, *overscan, flip, rng)
