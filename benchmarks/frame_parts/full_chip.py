"""A chip of full size: masks against truth, CPU of each step, astroscrappy's L.A.Cosmic beside."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from figure import Figure

from skymill.bits import MaskBit
from skymill.config import load_camera
from skymill.frames.chip_frame import ChipFrame, Masters, new_frame
from skymill.frames.cosmic_rays import mark_cosmic_rays
from skymill.frames.masters import read_masters, read_slopes
from skymill.frames.pixels import STEPS
from skymill.frames.raw import read_raw
from skymill.io.parquet import read_table
from skymill.paths import CONFIG
from skymill.simulate.detector import Detector, detector_of

from . import marked
from .cost import full_size
from .masks import KINDS, chip_counts, other_figures, ray_figures, share, stars_on
from .survey import SITE, Survey

CHIP = "M"
ROWS = slice(4096, 4096 + 2304)
"""Of the chip, where astroscrappy is run beside: 21 Mpix."""
PAIRS = 3


def figures(folder: Path) -> Iterator[Figure]:
    """Masks of the chip, then cosmic rays beside astroscrappy."""
    survey = full_size(folder)
    exposure, simulate = survey.planned[0], survey.settings["simulate"]
    detector = detector_of(survey.camera, SITE, CHIP, simulate)
    warm_up(survey.settings)
    done, artefacts = processed(survey, detector)
    stars = stars_on(detector, exposure, read_table(survey.sources), simulate, survey.camera)
    counts = chip_counts(done, detector, exposure, artefacts, stars, simulate)
    tell(done, detector)
    where = f", chip {CHIP}"
    yield Figure(
        f"cores flagged, {counts['stars']} stars{where}",
        100 * share(counts, "cores", "stars"),
        0.1,
        "%",
    )
    yield from ray_figures(counts, where)
    yield from other_figures(counts, where)
    charge = marked.true_charge(exposure, detector, simulate, artefacts.get("cosmic_ray"))
    yield from beside_astroscrappy(done, detector, charge[ROWS], survey.settings["frames"])


def warm_up(settings: Mapping) -> None:
    """Every step once on a small chip, so that no figure holds the compilation of kernels."""
    camera = load_camera(CONFIG / "cameras" / "mini.yaml")
    data = np.random.default_rng(1).normal(600, 20, camera.chips[CHIP].shape).astype(np.float32)
    frame = new_frame(camera.chips[CHIP], camera, 120.0, data, None)
    for step in STEPS:
        step(frame, Masters(), settings["frames"])


def processed(survey: Survey, detector: Detector) -> tuple[marked.Marked, dict]:
    """The chip through the pixel steps, and its true artefacts: kind → (y, x)."""
    name = survey.planned[0].name
    masters = read_masters({kind: survey.master(kind) for kind in KINDS}, survey.camera, SITE)
    raw = read_raw(survey.path(name, "raw.fits"), survey.camera).chips[CHIP]
    done = marked.run_steps(
        raw,
        detector,
        survey.camera,
        survey.planned[0].exptime,
        masters[CHIP],
        read_slopes(survey.master("slopes")),
        {**survey.settings["frames"], "overscan": survey.settings["calibrations"]["overscan"]},
    )
    table = read_table(survey.path(name, "parquet"))
    table = table[np.asarray(table["chip"], str) == CHIP]
    kinds = np.asarray(table["kind"], str)
    x, y = (np.asarray(table[axis], dtype=int) for axis in ("x", "y"))
    return done, {kind: (y[kinds == kind], x[kinds == kind]) for kind in np.unique(kinds)}


def tell(done: marked.Marked, detector: Detector) -> None:
    """CPU of each step, on standard error: no figure, but where the time goes."""
    size = np.prod(detector.chip.shape) / 1e6
    for step, seconds in done.seconds.items():
        print(f"  {step:22} {seconds:7.2f} s {seconds / size:7.4f} s/Mpix", file=sys.stderr)


def beside_astroscrappy(
    done: marked.Marked, detector: Detector, charge: np.ndarray, settings: Mapping
) -> Iterator[Figure]:
    """CPU of both on the same rows in turn, and the recall of each."""
    frame = cropped(done.frame, ROWS)
    seconds, found = [], {}
    for _ in range(PAIRS):
        frame.bits &= ~marked.TRANSIENT
        began = time.process_time()
        mark_cosmic_rays(frame, Masters(), settings)
        between = time.process_time()
        found["astroscrappy"] = astroscrappy_mask(frame)
        seconds.append((between - began, time.process_time() - between))
        found["own"] = (frame.bits & np.uint8(MaskBit.CROSSTALK)) > 0
    counts: dict[str, Counter] = {}
    for name, mask in found.items():
        view = marked.Marked(frame, {"mark_cosmic_rays": mask}, {}, frame.data)
        counts[name] = Counter(marked.counts_of_rays(view, charge, detector))
    own, theirs = (share(counts[name], "found", "true") for name in ("own", "astroscrappy"))
    ratio = median(mine / other for mine, other in seconds)
    size = frame.data.size / 1e6
    mine, other = (median(pair[n] for pair in seconds) / size for n in (0, 1))
    name = f"cosmic rays, CPU ÷ astroscrappy's ({mine:.2f} and {other:.2f} s/Mpix)"
    yield Figure(name, ratio, 1 / 3, "")
    yield Figure("cosmic rays, recall beside astroscrappy's", own, theirs, "", True)


def cropped(frame: ChipFrame, rows: slice) -> ChipFrame:
    """Some rows of a chip's frame, as a frame."""
    height = rows.stop - rows.start
    amplifiers = tuple(replace(a, rows=slice(0, height)) for a in frame.chip.amplifiers)
    chip = replace(frame.chip, shape=(height, frame.chip.shape[1]), amplifiers=amplifiers)
    return replace(
        frame,
        chip=chip,
        data=frame.data[rows].copy(),
        bits=frame.bits[rows].copy(),
        aggressors=None,
    )


def astroscrappy_mask(frame: ChipFrame) -> np.ndarray:
    """The cosmic rays that astroscrappy finds: one iteration, KS4's limits, true noise."""
    from astroscrappy import detect_cosmics

    gain = np.zeros(frame.chip.shape[1], np.float32)
    for amplifier, value in zip(frame.chip.amplifiers, frame.gain, strict=True):
        gain[amplifier.columns] = value
    bad = ((frame.bits & marked.SPOILT) > 0) | ~np.isfinite(frame.data)
    found, _ = detect_cosmics(
        np.where(np.isfinite(frame.data), frame.data * gain, np.float32(0)),
        inmask=bad,
        sigclip=4.5,
        sigfrac=0.3,
        objlim=5.0,
        gain=1.0,
        readnoise=float(np.median(frame.read_noise)),
        satlevel=np.inf,
        niter=1,
        cleantype="medmask",
    )
    return found
