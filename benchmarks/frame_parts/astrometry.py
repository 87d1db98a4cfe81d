"""Astrometry of a full-size field: accuracy, pointing errors, a wrong field; SCAMP beside it."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median

import numpy as np
from figure import Figure

from skymill.frames import tpv
from skymill.frames.astrometry import Astrometry, References, solve
from skymill.frames.pointing import rotation_matrix

from . import scamp
from .catalogue import Field, brightest, corners, observe, separations, sky_of
from .cost import ONE
from .survey import start_survey

TRIALS, WRONG = 200, 20
OFFSET, ROTATION, STRETCH = 60.0, 0.5, 0.02
"""Largest pointing error (arcsec), rotation (degrees) and change of scale."""
TRIED_SNR = 300.0
"""Stars of the trials: the vote takes the brightest ones of each part anyway."""
REPEATS = 3
FAILED = 1.0
"""Arcsec: a solution that errs by more somewhere on a chip has matched wrong stars."""
HEADER = (15.0, -10.0)
"""Arcsec: error of the header's pointing where accuracy is measured."""

Placing = Callable[[str, np.ndarray, np.ndarray], np.ndarray]
"""Chip, x, y → ra, dec."""


def figures(folder: Path) -> Iterator[Figure]:
    """Accuracy and CPU beside SCAMP's; pointing errors; wrong fields."""
    survey = start_survey(folder, "kmtnet", ONE)
    field, settings = observe(survey), survey.settings["frames"]["astrometry"]
    yield from compared(folder, field, settings)
    yield from trial_figures(field, settings)


def compared(folder: Path, field: Field, settings: Mapping) -> Iterator[Figure]:
    """The solution of the whole catalogue, and SCAMP's."""
    start = offset(field.pointing, *HEADER)
    solution, cpu = timed(field, start, settings)
    yield Figure("header off by 18″: recognised", solution.pointing is not None, 1, "", True)
    own = accuracy(field, lambda name, x, y: sky_of(solution.chips[name].cards, x, y))
    for (what, value), target in zip(own.items(), (0.015, 0.02), strict=True):
        yield Figure(what, value, target, "arcsec")
    used, cards = scamp.solve(folder, field, start)
    theirs = accuracy(field, lambda name, x, y: scamp.sky_of(cards[name], x, y))
    for what in own:
        name = f"{what} ÷ SCAMP's {theirs[what]:.2g}″"
        yield Figure(name, own[what] / theirs[what], 1, "")
    name = f"CPU, {cpu:.2f} s, ÷ SCAMP's {used.cpu:.1f} s"
    yield Figure(name, cpu / used.cpu, 0.1, "")


def timed(field: Field, start: tuple[float, float], settings: Mapping) -> tuple[Astrometry, float]:
    """A solution from a header's pointing, and the median CPU s of a few."""
    seconds = []
    for _ in range(REPEATS):
        began = time.process_time()
        solution = solve(field.priors, field.stars, field.references, start, settings)
        seconds.append(time.process_time() - began)
    return solution, median(seconds)


def offset(pointing: tuple[float, float], east: float, north: float) -> tuple[float, float]:
    """A pointing moved by arcsec."""
    ra, dec = tpv.sky_of_plane(np.array(east / 3600), np.array(north / 3600), *pointing)
    return float(ra), float(dec)


def accuracy(field: Field, place: Placing) -> dict[str, float]:
    """rms of a solution's errors over the chips and at their corners, the worse axis, arcsec."""
    over, edges = [], []
    for name, (ny, nx) in field.shapes.items():
        for parts, (x, y) in ((over, grid(ny, nx)), (edges, corners((ny, nx)))):
            parts.append(separations(place(name, x, y), sky_of(field.truth[name], x, y)))
    return {
        what: float(np.sqrt(np.mean(np.concatenate(parts) ** 2, axis=0)).max())
        for what, parts in (("solution, rms over chips", over), ("solution, rms at corners", edges))
    }


def grid(ny: int, nx: int, points: int = 33) -> tuple[np.ndarray, np.ndarray]:
    """x and y of places all over a chip."""
    x, y = np.meshgrid(np.linspace(0, nx - 1, points), np.linspace(0, ny - 1, points))
    return x.ravel(), y.ravel()


def trial_figures(field: Field, settings: Mapping) -> Iterator[Figure]:
    """Random pointing errors that must be found, wrong fields that must not."""
    rng, stars = np.random.default_rng(2), brightest(field, TRIED_SNR)
    failed = 0
    for _ in range(TRIALS):
        radius, angle = OFFSET * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
        matrix = rotation_matrix(rng.uniform(-ROTATION, ROTATION))
        matrix = matrix * (1 + rng.uniform(-STRETCH, STRETCH))
        priors = {name: turned(prior, matrix) for name, prior in field.priors.items()}
        start = offset(field.pointing, radius * np.cos(angle), radius * np.sin(angle))
        failed += not is_right(field, solve(priors, stars, field.references, start, settings))
    yield Figure(f"match failures of {TRIALS} pointing errors", failed, 0, "")
    matched = 0
    for _ in range(WRONG):
        other = mirrored(field.references, field.pointing, rng.uniform(-30, 30, 2))
        solution = solve(field.priors, stars, other, field.pointing, settings)
        matched += solution.pointing is not None
    yield Figure(f"wrong fields matched, of {WRONG}", matched, 0, "")


def turned(prior: Mapping[str, float | str], matrix: np.ndarray) -> dict[str, float | str]:
    """A prior whose plane is turned and stretched."""
    return tpv.with_coefficients(prior, tpv.moved(tpv.coefficients(prior), matrix, np.zeros(2)))


def is_right(field: Field, solution: Astrometry) -> bool:
    """Whether a solution is recognised and near the truth all over the chips."""
    if solution.pointing is None:
        return False
    for name, (ny, nx) in field.shapes.items():
        x, y = grid(ny, nx, 9)
        found = sky_of(solution.chips[name].cards, x, y)
        if np.hypot(*separations(found, sky_of(field.truth[name], x, y)).T).max() > FAILED:
            return False
    return True


def mirrored(
    references: References, pointing: tuple[float, float], shift: np.ndarray
) -> References:
    """Another field of the same density: mirrored in right ascension and moved by arcmin."""
    xi, eta = tpv.plane_of_sky(references.ra, references.dec, *pointing)
    ra, dec = tpv.sky_of_plane(-xi + shift[0] / 60, eta + shift[1] / 60, *pointing)
    return References(ra, dec, references.mag)
