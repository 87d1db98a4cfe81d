"""A chip through the pixel steps, with what each step marks and costs, beside what is true."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from skymill.bits import MaskBit
from skymill.camera import Camera
from skymill.frames.assemble import chip_image
from skymill.frames.chip_frame import ChipFrame, Masters, new_frame
from skymill.frames.crosstalk import as_seen
from skymill.frames.pixels import STEPS
from skymill.seeding import generator
from skymill.simulate.cosmic_rays import add_cosmic_rays
from skymill.simulate.detector import Detector
from skymill.simulate.plan import Exposure

TRANSIENT = np.uint8(MaskBit.CROSSTALK | MaskBit.TRAIL)
"""Bits that several steps may share: taken off before each step, put back after it."""
SPOILT = np.uint8(MaskBit.BLEED | MaskBit.SATURATED | MaskBit.DEFECT | MaskBit.AMPLIFIER)
FULL = 20.0
"""ADU below its amplifier's saturation, from which a pixel as read out counts as full."""


@dataclass(frozen=True)
class Marked:
    """A chip after the pixel steps.

    Attributes
    ----------
    frame : ChipFrame
    marks : dict of str to ndarray of bool
        Step → the pixels whose transient bits it sets.
    seconds : dict of str to float
        Step → CPU s; ``assemble`` includes the overscan.
    as_read : ndarray of float32
        Overscan subtracted, nothing else, ADU.
    """

    frame: ChipFrame
    marks: dict[str, np.ndarray]
    seconds: dict[str, float]
    as_read: np.ndarray


def run_steps(
    raw: list[np.ndarray],
    detector: Detector,
    camera: Camera,
    exptime: float,
    masters: Masters,
    slopes: Mapping,
    settings: Mapping,
) -> Marked:
    """Take a raw chip through the steps of `frames pixels`, as that command does."""
    began = time.process_time()
    data = chip_image(detector.chip, raw, camera, settings["overscan"])
    seconds, marks, as_read = {"assemble": time.process_time() - began}, {}, data.copy()
    frame = new_frame(detector.chip, camera, exptime, data, slopes)
    for step in STEPS:
        kept = frame.bits & TRANSIENT
        frame.bits &= ~TRANSIENT
        began = time.process_time()
        step(frame, masters, settings)
        seconds[step.__name__] = time.process_time() - began
        marks[step.__name__] = (frame.bits & TRANSIENT) > 0
        frame.bits |= kept
    return Marked(frame, marks, seconds, as_read)


def true_charge(
    exposure: Exposure, detector: Detector, settings: Mapping, noted: tuple | None
) -> np.ndarray:
    """Electrons that cosmic rays left in each pixel of a chip.

    Drawn again as the simulator draws them.

    Raises
    ------
    SystemExit
        If they aren't those of the exposure (`noted`: y, x of those that it noted).
    """
    from skymill.simulate.exposure import TRACE

    given, shape = settings["detector"]["cosmic_rays"], detector.chip.shape
    rng = generator("simulate", settings["seed"], "cosmic", exposure.name, detector.chip.name)
    count = given["rate"] * exposure.exptime * np.prod(shape) / 1e6 * settings["artefacts"]
    charge = np.zeros(shape, np.float32)
    hits = add_cosmic_rays(charge, rng, count, given["charge"], given["thickness"])
    traced = hits[hits[:, 2] >= TRACE, :2].T.astype(int)
    if noted is None or not np.array_equal(traced, np.array(noted)):
        raise SystemExit("The simulator draws its cosmic rays in another way than this benchmark.")
    return charge


def per_column(detector: Detector, values: np.ndarray) -> np.ndarray:
    """A value per amplifier as one per column, float32."""
    return detector.column_values(tuple(values)).astype(np.float32)


def counts_of_rays(
    done: Marked, charge: np.ndarray, detector: Detector, least: float = 5.0
) -> dict[str, int]:
    """True pixels of at least so many σ and those found; pixels flagged and those that are true.

    σ is the noise of the pixel without the ray. Pixels that are masked for other reasons don't
    count as true: a ray there is neither to be seen nor of consequence.
    """
    frame = done.frame
    gain = per_column(detector, frame.gain)
    electrons = frame.data * gain - charge
    noise = np.sqrt(np.maximum(electrons, 0) + per_column(detector, frame.read_noise) ** 2)
    true = (charge >= least * noise) & ((frame.bits & SPOILT) == 0) & np.isfinite(frame.data)
    flagged = done.marks["mark_cosmic_rays"]
    return {
        "true": int(true.sum()),
        "found": int((true & flagged).sum()),
        "flagged": int(flagged.sum()),
        "right": int((flagged & (charge > 0)).sum()),
    }


def counts_of_cores(done: Marked, charge: np.ndarray, stars: Table) -> dict[str, int]:
    """Stars (x, y), and those of which a pixel of the central 3² is flagged without a ray."""
    ny, nx = charge.shape
    x, y = (np.rint(np.asarray(stars[name])).astype(int) for name in ("x", "y"))
    inside = (x >= 2) & (x < nx - 2) & (y >= 2) & (y < ny - 2)
    flagged = done.marks["mark_cosmic_rays"]
    wrong = sum(
        bool(flagged[j - 1 : j + 2, i - 1 : i + 2].any())
        and not (charge[j - 2 : j + 3, i - 2 : i + 3] > 0).any()
        for i, j in zip(x[inside], y[inside], strict=True)
    )
    return {"stars": int(inside.sum()), "cores": wrong}


def counts_of_bleed(done: Marked, artefacts: Mapping) -> dict[str, int]:
    """Pixels that are full or into which charge bled, on live amplifiers, and those flagged."""
    true = np.zeros(done.frame.bits.shape, bool)
    for kind in ("saturation", "bleed"):
        if kind in artefacts:
            true[artefacts[kind]] = True
    true &= (done.frame.bits & np.uint8(MaskBit.AMPLIFIER)) == 0
    flagged = (done.frame.bits & np.uint8(MaskBit.BLEED | MaskBit.SATURATED)) > 0
    return {"bled": int(true.sum()), "bleed found": int((true & flagged).sum())}


def counts_of_trails(done: Marked, artefacts: Mapping) -> dict[str, int]:
    """Pixels in which a satellite left more than 1 σ, and those flagged; masked ones left out."""
    true = np.zeros(done.frame.bits.shape, bool)
    if "satellite" in artefacts:
        true[artefacts["satellite"]] = True
    true &= (done.frame.bits & SPOILT) == 0
    flagged = done.marks["mark_trails"]
    return {
        "trail": int(true.sum()),
        "trail found": int((true & flagged).sum()),
        "trail flagged": int(flagged.sum()),
    }


def counts_of_victims(done: Marked, detector: Detector) -> dict[str, int]:
    """Ghosts of full pixels on live amplifiers, and those flagged."""
    chip = detector.chip
    limits = per_column(detector, np.array(detector.saturations)) - FULL
    full, ghosts = done.as_read >= limits, np.zeros(chip.shape, bool)
    for victim, aggressor in np.argwhere(detector.crosstalk != 0):
        if not detector.dead[victim]:
            target = chip.amplifiers[victim]
            seen = as_seen(full, chip, int(aggressor), int(victim), detector.mirrored)
            ghosts[target.rows, target.columns] |= seen
    flagged = done.marks["mark_victims"]
    return {"ghosts": int(ghosts.sum()), "ghosts found": int((ghosts & flagged).sum())}
