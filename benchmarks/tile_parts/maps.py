"""Zero points away from the stars that made them, colour terms of sites, look-ups."""

import time
from collections.abc import Iterator

import numpy as np
from figure import Figure
from scipy.ndimage import gaussian_filter, map_coordinates

from skymill.config import load_config
from skymill.frames.color_term import color_term as exposure_term
from skymill.frames.zero_point import AmplifierStars, fit_exposure
from skymill.paths import CONFIG
from skymill.sources.color_term import color_term, mean_slope, site_slopes
from skymill.sources.map_lookup import between, look_up
from skymill.sources.ndith import Coverage
from skymill.sources.zero_point_map import zero_point_map

SIZE, BINS, SCALE = 22000, 55, 0.4
DENSITY = 1002
"""Gaia XP stars per square degree around (0°, −62°), KS4's own sample."""
XP_ERROR, FLOOR = 0.007, 0.01
"""mag: the sample's median error in B; what flat-fields and stacks add."""
PATTERN, LENGTH = 0.1, 20.0
"""mag rms, and arcmin over which the error's correlation falls to e^(−1/2)."""
FINE = 20
"""Pixels from point to point of the drawn pattern."""
FIELDS = 6
TERMS = {"CTIO": 0.05, "SAAO": -0.05}
"""mag/mag, of opposite sign: 0.1 between two stars that differ by 1 mag and by site."""
LOOK_UPS = 10_000_000


def figures() -> Iterator[Figure]:
    """Maps, colour terms, look-ups."""
    yield from zero_points()
    yield from colors()
    random = np.random.default_rng(4)
    values, (x, y) = random.normal(30, 0.1, (BINS, BINS)), random.uniform(1, SIZE, (2, LOOK_UPS))
    began = time.process_time()
    look_up(values, x, y, SIZE)
    yield Figure("look-up of 10 million positions", time.process_time() - began, 1, "CPU s")


def pattern(random: np.random.Generator) -> np.ndarray:
    """A Gaussian random field over a tile, a point every `FINE` pixels."""
    side = SIZE // FINE + 2
    sigma = LENGTH * 60 / SCALE / FINE / np.sqrt(2)
    field = gaussian_filter(random.standard_normal((side, side)), sigma, mode="wrap")
    return PATTERN * field / field.std()


def zero_points() -> Iterator[Figure]:
    """Rms of the map against truth at places without a star, over some fields."""
    neighbours = load_config(CONFIG / "config.yaml")["sources"]["maps"]["neighbours"]
    off: dict[str, list[np.ndarray]] = {"as catalogues read it": [], "by KS4's rule": []}
    for seed in range(FIELDS):
        random = np.random.default_rng(seed)
        field = pattern(random)
        number = random.poisson(DENSITY * (SIZE * SCALE / 3600) ** 2)
        x, y = random.uniform(1, SIZE, (2, number))
        noise = XP_ERROR * random.lognormal(0, 0.5, number)
        truth = map_coordinates(field, [x / FINE, y / FINE], order=1)
        error = np.hypot(noise, FLOOR) * random.standard_normal(number)
        made = zero_point_map(x, y, 30 + truth + error, noise, SIZE, BINS, neighbours, 30.0)
        x, y = random.uniform(1, SIZE, (2, 20000))
        truth = 30 + map_coordinates(field, [x / FINE, y / FINE], order=1)
        for how, read in zip(off, (between, look_up), strict=True):
            off[how].append(read(made.zp, x, y, SIZE) - truth)
    for how, values in off.items():
        what = f"zero point off the map's stars, {how}, rms"
        yield Figure(what, float(np.sqrt(np.mean(np.square(values)))), 0.008, "mag")


def colors() -> Iterator[Figure]:
    """Scatter of stars of all colours with and without the terms of two sites.

    Slopes are those that the frames room fits to simulated exposures; a third of the stars is seen
    by either site alone, the rest by both.
    """
    config, random = load_config(CONFIG / "config.yaml"), np.random.default_rng(9)
    sites = enumerate(("CTIO", "SAAO", "SAAO", "CTIO"))
    coverages = site_slopes([_exposure(n, site, config, random) for n, site in sites])
    number = 6000
    color = random.normal(0.8, 0.4, number)
    where = random.integers(0, 3, number)
    seen = np.array([(where != (1 if c.site == "CTIO" else 2)) for c in coverages])
    natural = np.array([TERMS[c.site] for c in coverages])[:, None] * (color - 0.8)
    residual = np.sum(np.where(seen, natural, 0), axis=0) / seen.sum(axis=0)
    sigma = random.uniform(0.003, 0.01, number)
    residual += sigma * random.standard_normal(number)
    site = mean_slope(coverages, seen)
    term = color_term(color, residual, sigma, config["sources"]["color_terms"], site)
    left = residual - term.at(color, site)
    what = "colour terms of ±0.05 by site, scatter without ÷ with"
    yield Figure(what, float(np.std(residual) / np.std(left)), 2, "", least=True)


def _exposure(number: int, site: str, config: dict, random: np.random.Generator) -> Coverage:
    """An exposure whose colour term was fitted to 32 amplifiers of 45 stars."""
    settings, stars = config["frames"]["photometry"], {}
    for chip in "MKNT":
        stars[chip] = []
        for _ in range(8):
            color, t = random.normal(0.8, 0.4, 45), random.uniform(-570, 570, 45)
            sigma = random.uniform(0.01, 0.05, 45)
            difference = 28 + random.normal(0, 0.05) + TERMS[site] * (color - 0.8)
            difference += sigma * random.standard_normal(45)
            stars[chip].append(AmplifierStars(t, difference, sigma, color))
    points = fit_exposure(stars, {chip: [""] * 8 for chip in stars}, settings)
    term = exposure_term(stars, points, settings)
    return Coverage(f"e{number}", 6e4 + number, (), site, term.slope, term.error)
