"""Astrometry of a full-size field: accuracy, pointing errors, a wrong field; SCAMP beside it."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median

import numpy as np
from figure import Figure

from skymill.frames import tpv
from skymill.frames.astrometry import Astrometry, References, Stars, solve

from . import scamp
from .catalogue import Field, brightest, corners, observe, separations, sky_of
from .cost import ONE
from .survey import start_survey

TRIALS, FEW = 200, 20
OFFSET, ROTATION, STRETCH = 60.0, 0.5, 0.02
"""Largest pointing error (arcsec), rotation (degrees) and change of scale."""
FAR = 1800.0
"""Arcsec: largest pointing error where the header is wrong altogether."""
SMALL = 0.3
"""Degrees: side of a small field."""
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
    small = {name: piece(field, name, chip) for name, chip in stars.items()}
    for what, own, most, trials in (
        ("pointing errors", stars, OFFSET, TRIALS),
        ("headers wrong by up to 0.5°", stars, FAR, FEW),
        ("the same, in a field of 0.3°", small, FAR, TRIALS),
    ):
        failed = sum(not is_found(field, own, most, settings, rng) for _ in range(trials))
        yield Figure(f"match failures of {trials} {what}", failed, 0, "")
    for what, own, trials in (("fields", stars, FEW), ("fields of 0.3°", small, TRIALS)):
        votes = [wrong_vote(field, own, settings, rng) for _ in range(trials)]
        matched = sum(is_matched for is_matched, _ in votes)
        most = max(significance for _, significance in votes)
        yield Figure(f"wrong {what} matched, of {trials} (≤ {most:.1f} σ)", matched, 0, "")


def piece(field: Field, name: str, stars: Stars) -> Stars:
    """The stars of a chip that a field as small as the mini camera's has in common with it."""
    xi, eta = tpv.plane_of_pixels(field.priors[name], stars.x, stars.y)
    kept = np.maximum(np.abs(xi), np.abs(eta)) < SMALL / 2
    return Stars(stars.x[kept], stars.y[kept], stars.flux[kept], stars.sigma[kept])


def is_found(
    field: Field,
    stars: Mapping[str, Stars],
    most: float,
    settings: Mapping,
    rng: np.random.Generator,
) -> bool:
    """Whether a field is found in spite of a pointing error of up to so many arcsec."""
    radius, angle = most * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
    matrix = rotation_matrix(rng.uniform(-ROTATION, ROTATION))
    matrix = matrix * (1 + rng.uniform(-STRETCH, STRETCH))
    priors = {name: turned(prior, matrix) for name, prior in field.priors.items()}
    start = offset(field.pointing, radius * np.cos(angle), radius * np.sin(angle))
    return is_right(field, stars, solve(priors, stars, field.references, start, settings))


def wrong_vote(
    field: Field, stars: Mapping[str, Stars], settings: Mapping, rng: np.random.Generator
) -> tuple[bool, float]:
    """Whether a wrong field is matched, and how clear its last vote was."""
    other = mirrored(field.references, field.pointing, rng.uniform(-30, 30, 2))
    solution = solve(field.priors, stars, other, field.pointing, settings)
    return solution.pointing is not None, solution.vote.significance


def rotation_matrix(angle: float) -> np.ndarray:
    """Rotation by an angle in degrees."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.array([[c, -s], [s, c]])


def turned(prior: Mapping[str, float | str], matrix: np.ndarray) -> dict[str, float | str]:
    """A prior whose plane is turned and stretched."""
    return tpv.with_coefficients(prior, tpv.moved(tpv.coefficients(prior), matrix, np.zeros(2)))


def is_right(field: Field, stars: Mapping[str, Stars], solution: Astrometry) -> bool:
    """Whether a solution is recognised and near the truth at every star."""
    if solution.pointing is None:
        return False
    for name, chip in stars.items():
        found = sky_of(solution.chips[name].cards, chip.x, chip.y)
        true = sky_of(field.truth[name], chip.x, chip.y)
        if np.hypot(*separations(found, true).T).max() > FAILED:
            return False
    return True


def mirrored(
    references: References, pointing: tuple[float, float], shift: np.ndarray
) -> References:
    """Another field of the same density: mirrored in right ascension and moved by arcmin."""
    xi, eta = tpv.plane_of_sky(references.ra, references.dec, *pointing)
    ra, dec = tpv.sky_of_plane(-xi + shift[0] / 60, eta + shift[1] / 60, *pointing)
    return References(ra, dec, references.mag)
