"""Masks against truth, on exposures of the mini camera in good and bad seeing."""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from astropy.table import Table
from figure import Figure

from skymill.camera import Camera
from skymill.frames.masters import read_masters, read_slopes
from skymill.io.parquet import read_table
from skymill.simulate.apparent import apparent
from skymill.simulate.conditions import conditions, site_zero_point
from skymill.simulate.detector import Detector
from skymill.simulate.exposure import expose
from skymill.simulate.plan import Exposure
from skymill.simulate.satellite import trail_profile
from skymill.simulate.source_light import chip_positions

from . import marked
from .survey import BAND, SITE, Survey, make_masters, start_survey

SEEING = (1.2, 1.6, 2.0, 2.5, 3.0)
"""Arcsec: the range in which no star's core may be flagged."""
MAGNITUDES = (14.0, 20.0)
"""Of the stars whose cores count, in V."""
TRAILS = 2.0
"""Satellites per exposure."""
CREST = 5.0
"""σ of a pixel: the least crest of a trail; the simulator draws up to four times that."""

RAYS = 10
"""Times as many cosmic rays as in the mini release: a few hundred of their pixels tell nothing."""

KINDS = ("bias", "dark", "flat", "defects", "crosstalk", "slopes")


def figures(folder: Path) -> Iterator[Figure]:
    """Simulate, mark, compare."""
    survey = start_survey(folder, "mini", {})
    if not survey.master("crosstalk").exists():
        make_masters(survey)
    sky, total = read_table(survey.sources), Counter()
    for number, seeing in enumerate(SEEING):
        exposure = survey.planned[number % len(survey.planned)]
        counts = one_exposure(survey, exposure, sky, seeing)
        total += counts
        name = f"cores flagged, {counts['stars']} stars, {seeing:g}″"
        yield Figure(name, 100 * share(counts, "cores", "stars"), 0.1, "%")
        yield from ray_figures(counts, f", {seeing:g}″")
    yield from other_figures(total, "")


def share(counts: Mapping[str, int], part: str, whole: str) -> float:
    """A ratio of counts; NaN where there is nothing to count."""
    return counts[part] / counts[whole] if counts[whole] else np.nan


def ray_figures(counts: Mapping[str, int], where: str) -> Iterator[Figure]:
    """Recall and precision of cosmic rays."""
    recall, precision = share(counts, "found", "true"), share(counts, "right", "flagged")
    yield Figure(f"cosmic rays ≥ 5 σ, recall of {counts['true']} px{where}", recall, 0.98, "", True)
    yield Figure(f"cosmic rays, precision{where}", precision, 0.90, "", True)


def other_figures(counts: Mapping[str, int], where: str) -> Iterator[Figure]:
    """Recall of bleed, trails and victims."""
    for name, part, whole, target in (
        ("full or bled into", "bleed found", "bled", 0.97),
        ("trails of crest ≥ 5 σ, pixels > 1 σ", "trail found", "trail", 0.95),
        ("victims of full pixels", "ghosts found", "ghosts", 1.0),
    ):
        if not counts[whole]:
            continue  # no satellite crosses, say
        value = share(counts, part, whole)
        yield Figure(f"{name}, recall of {counts[whole]} px{where}", value, target, "", True)


def one_exposure(survey: Survey, exposure: Exposure, sky: Table, seeing: float) -> Counter:
    """What is true and what is found on the chips of an exposure in a given seeing."""
    simulate, total = with_trails(survey, exposure, seeing), Counter()
    camera, frames = survey.camera, survey.settings["frames"]
    settings = {**frames, "overscan": survey.settings["calibrations"]["overscan"]}
    masters = read_masters({kind: survey.master(kind) for kind in KINDS}, camera, SITE)
    slopes = read_slopes(survey.master("slopes"))
    for detector, raw, artefacts in expose(exposure, sky, simulate, camera):
        name = detector.chip.name
        done = marked.run_steps(
            raw, detector, camera, exposure.exptime, masters[name], slopes, settings
        )
        stars = stars_on(detector, exposure, sky, simulate, camera)
        total += chip_counts(done, detector, exposure, artefacts, stars, simulate)
    return total


def chip_counts(
    done: marked.Marked,
    detector: Detector,
    exposure: Exposure,
    artefacts: Mapping,
    stars: Table,
    simulate: Mapping,
) -> Counter:
    """Every count of a chip."""
    charge = marked.true_charge(exposure, detector, simulate, artefacts.get("cosmic_ray"))
    total = Counter(marked.counts_of_rays(done, charge, detector))
    total.update(marked.counts_of_cores(done, charge, stars))
    total.update(marked.counts_of_bleed(done, artefacts))
    total.update(marked.counts_of_trails(done, artefacts))
    total.update(marked.counts_of_victims(done, detector))
    return total


def with_trails(survey: Survey, exposure: Exposure, seeing: float) -> dict:
    """The simulator's settings with a seeing, many rays, and the faintest trails that count."""
    simulate = copy.deepcopy(survey.settings["simulate"])
    simulate["optics"]["seeing"] = [seeing, seeing]
    now = conditions(exposure, simulate, survey.camera)
    profile = trail_profile(np.zeros(1), now.psf.fwhm, now.psf.beta)[0]
    # The simulator draws a trail's light between half and twice the given.
    light = CREST * np.sqrt(now.sky + 50) / profile / 0.5
    magnitude = site_zero_point(exposure, simulate) - 2.5 * np.log10(light)
    simulate["detector"]["satellites"] = TRAILS
    simulate["detector"]["cosmic_rays"]["rate"] *= RAYS
    scale = 2.5 * np.log10(survey.camera.pixel_scale)
    simulate["detector"]["satellite_brightness"] = float(magnitude + scale)
    return simulate


def stars_on(
    detector: Detector, exposure: Exposure, sky: Table, simulate: Mapping, camera: Camera
) -> Table:
    """True 0-based positions on a chip of the stars whose cores count."""
    now = conditions(exposure, simulate, camera)
    magnitude = np.asarray(sky[f"mag_{BAND.lower()}"])
    chosen = np.isin(np.asarray(sky["kind"], str), ("star", "variable"))
    chosen &= (magnitude >= MAGNITUDES[0]) & (magnitude <= MAGNITUDES[1])
    x, y, near = chip_positions(apparent(sky[chosen], exposure, now), detector, now)
    return Table({"x": x[near], "y": y[near]})
