"""Train the network behind CLASS_STAR on simulated stacks.

Stars and galaxies are drawn under the same sums of Gaussians that stand for a Moffat PSF, so that
nothing but a galaxy's own extent tells them apart, measured as the catalogues are, and weighted so
that at every S/N both count alike: the network's output is a chance for equal numbers of both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Table

from ..bits import FULL_WELL
from ..errors import DataError, InputError
from ..schema import convert, load_schema, read_yaml_text, validate
from ..seeding import generator
from ..simulate.drawing import draw_gaussians
from ..simulate.galaxies import galaxy_magnitudes, galaxy_shapes
from ..simulate.psf import Psf, moffat_mixture, moffat_width
from ..simulate.source_light import draw_galaxies
from .classes import INPUTS
from .stellarity_model import DIGITS, Model

ZERO_POINT, COUNTED = 30.0, 23.0
"""AB magnitude of one image unit; densities count what is brighter than this."""
SKY = 300.0
"""Level left in the image, image units."""
DISCS = 0.7
"""Share of the galaxies."""
DRIFT = 0.3
"""Direction of the PSF's ellipses against the radius vector, radians."""
REACH = 6.0
"""A Gaussian is drawn to this many σ."""
HIT = (0.15, 0.6)
"""Variance along the axes of a cosmic-ray hit, pixels²: from, to."""
MATCHED = 2.0
"""A detection is the brightest true source within this many pixels."""
BINS_PER_DECADE = 4
"""Of the S/N, in which stars and others are given the same weight."""
HEAVIEST = 10.0
"""A source counts for at most this many."""


def read_training(path: Path | str) -> tuple[dict, dict]:
    """Training settings, as written and converted to the schema's units.

    Raises
    ------
    InputError
        If the file can't be read.
    ConfigError
        If it isn't as `config/schemas/stellarity_training.yaml` says.
    """
    try:
        content = read_yaml_text(Path(path).read_text())
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}).") from error
    schema = load_schema("stellarity_training")
    validate(content, schema, path)
    return content, convert(content, schema)


@dataclass(frozen=True)
class Stack:
    """A simulated stack and what is true of it.

    Attributes
    ----------
    image, variance : ndarray of float32
    mask : ndarray of uint8
    truth : Table
        ``x``, ``y`` (0-based pixels), ``mag``, ``star`` (bool).
    """

    image: np.ndarray
    variance: np.ndarray
    mask: np.ndarray
    truth: Table


def simulate_stack(
    training: Mapping, stack: Mapping, psf: tuple[np.ndarray, np.ndarray] | None = None
) -> Stack:
    """Draw a stack.

    Parameters
    ----------
    training, stack : Mapping
        `config/schemas/stellarity_training.yaml`, and one of its ``stacks``.
    psf : (ndarray, ndarray), optional
        Another PSF, as a sum of round Gaussians: shares, and variances in units of the squared
        FWHM. By default the Moffat function of the stack's ``beta``.
    """
    rng = generator("stellarity", stack["seed"])
    side, scale = int(training["side"]), training["pixel_scale"]
    bright, faint = training["magnitudes"]
    expected = stack["density"] * (side * scale / 60) ** 2
    count = rng.poisson(expected * 10 ** (training["slope"] * (faint - COUNTED)))
    mag = galaxy_magnitudes(rng, count, bright, faint, training["slope"])
    truth = Table({"mag": mag, "star": rng.uniform(size=count) < 0.5})
    truth["hit"] = ~truth["star"] & (rng.uniform(size=count) < 2 * training["hits"])
    truth["x"], truth["y"] = rng.uniform(-0.5, side - 0.5, (2, count))
    shapes = galaxy_shapes(rng, mag, {"radius": training["radius"], "discs": DISCS})
    for name, values in shapes.items():
        truth[name] = values
    image = np.zeros((side, side), np.float32)
    _draw(image, truth, stack, scale, psf, rng)
    image += _noise(rng, image, stack["sky_rms"], training["gain"], training["correlation"])
    mask = np.where(image >= stack["saturation"], np.uint8(FULL_WELL), np.uint8(0))
    image = np.minimum(image, np.float32(stack["saturation"])) + np.float32(SKY)
    variance = np.full_like(image, stack["sky_rms"] ** 2)
    return Stack(image, variance, mask, truth["x", "y", "mag", "star"])


def _draw(
    image: np.ndarray,
    truth: Table,
    stack: Mapping,
    scale: float,
    psf: tuple[np.ndarray, np.ndarray] | None,
    rng: np.random.Generator,
) -> None:
    side, beta = image.shape[0], stack["beta"]
    x, y, star, hit = (np.asarray(truth[name]) for name in ("x", "y", "star", "hit"))
    flux = 10 ** (-0.4 * (np.asarray(truth["mag"]) - ZERO_POINT))
    terms = (stack["rise"], stack["ellipticity"], DRIFT, side / np.sqrt(2))
    middle = (side - 1) / 2
    shape = Psf(stack["seeing"] / scale, beta, *terms).at(x - middle, y - middle)
    # In units of the squared FWHM: C's determinant is that of α.
    parts = moffat_mixture(beta) if psf is None else (psf[0], psf[1] * moffat_width(beta) ** 2)
    for share, variance in zip(*parts, strict=True):
        draw_gaussians(image, x[star], y[star], flux[star] * share, shape[star] * variance, REACH)
    which = ~star & ~hit
    rows = truth[which]
    draw_galaxies(image, x[which], y[which], flux[which], shape[which], rows, parts, scale)
    sides = rng.uniform(*HIT, (2, x.size))[:, hit]
    sharp = np.stack([sides[0], np.zeros(hit.sum()), sides[1]], axis=1)
    draw_gaussians(image, x[hit], y[hit], flux[hit], sharp, REACH)


def _noise(
    rng: np.random.Generator, light: np.ndarray, sky: float, gain: float, correlation: float
) -> np.ndarray:
    """Sky and photon noise, that of neighbouring pixels correlated, float32."""
    from scipy.ndimage import gaussian_filter

    white = rng.standard_normal(light.shape, dtype=np.float32)
    smooth = gaussian_filter(white, correlation)
    smooth /= smooth.std()
    return smooth * np.sqrt(np.float32(sky**2) + np.clip(light, 0, None) / np.float32(gain))


class _Recorder:
    """In the model's place: keeps what it is told, and gives each source its row's number."""

    def __init__(self) -> None:
        self.values = np.empty((0, len(INPUTS)))

    def probability(self, values: np.ndarray) -> np.ndarray:
        self.values = values
        return np.where(np.isfinite(values).all(axis=1), np.arange(len(values)), np.nan)


def measured_inputs(
    stack: Stack, extraction: Mapping, pixel_scale: float, gain: float
) -> tuple[np.ndarray, np.ndarray, Table]:
    """Measure a stack: the network's inputs, the true source of each, and the catalogue.

    Returns
    -------
    values : ndarray, shape (n, len(INPUTS))
    index : ndarray of int, shape (n,)
        Row of the stack's truth.
    table : Table
        As of `skymill.sources.measure.measure`; ``class_star`` means nothing.
    """
    from .measure import Band, measure_bands
    from .planes import ArrayPlanes

    recorder = _Recorder()
    planes = ArrayPlanes(stack.image, stack.variance, stack.mask)
    bands = {"": Band(planes, gain, float("inf"))}
    table = measure_bands(bands, "", extraction, pixel_scale, recorder)[""]
    index = true_sources(stack.truth, np.asarray(table["x"]), np.asarray(table["y"]))
    row = np.asarray(table["class_star"], dtype=float)
    if not recorder.values.size:
        raise DataError("a simulated stack has too few stars to train on: raise its density.")
    known = (index >= 0) & np.isfinite(row)
    return recorder.values[row[known].astype(int)], index[known], table[known]


def true_sources(truth: Table, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Row of the brightest true source within `MATCHED` of each detection, or −1.

    Of several detections of one source the nearest has it.
    """
    from scipy.spatial import cKDTree

    place = np.stack([truth["x"], truth["y"]], axis=1)
    mag = np.asarray(truth["mag"])
    near = cKDTree(place).query_ball_point(np.stack([x, y], axis=1), MATCHED)
    index = np.array([min(n, key=lambda k: (mag[k], k)) if n else -1 for n in near], dtype=int)
    distance = np.hypot(x - place[index, 0], y - place[index, 1])
    order = np.lexsort((distance, index))
    again = np.diff(index[order], prepend=-2) == 0
    index[order[again]] = -1
    return index


def balanced(star: np.ndarray, snr: np.ndarray) -> np.ndarray:
    """Weights that make stars count as much as the others at every S/N.

    Parameters
    ----------
    star : ndarray of bool
    snr : ndarray
        log10 of the S/N.

    Returns
    -------
    ndarray of float64
        0 in bins that lack one of the two.
    """
    bins = np.floor(snr * BINS_PER_DECADE).astype(int)
    weight = np.zeros(star.size)
    for k in np.unique(bins):
        for kind in (star, ~star):
            own = (bins == k) & kind
            if own.any() and ((bins == k) & ~kind).any():
                weight[own] = min((bins == k).sum() / (2 * own.sum()), HEAVIEST)
    return weight


def train(training: Mapping, extraction: Mapping, settings_digest: str) -> Model:
    """Simulate, measure and fit.

    Parameters
    ----------
    training : Mapping
        `config/schemas/stellarity_training.yaml`, converted.
    extraction : Mapping
        `config/schemas/extraction.yaml`, converted.
    settings_digest : str
        `skymill.sources.stellarity_model.digest` of the training settings as written.

    Raises
    ------
    DataError
        If a stack shows too few stars.
    """
    values, stars, weights = [], [], []
    for row in training["stacks"]:
        stack = simulate_stack(training, row)
        for mode in training["modes"]:
            found, index, _ = measured_inputs(
                stack, {**extraction, **mode}, training["pixel_scale"], training["gain"]
            )
            star = np.asarray(stack.truth["star"])[index]
            values.append(found)
            stars.append(star)
            weights.append(balanced(star, found[:, 0]))
    told = np.concatenate(values), np.concatenate(stars), np.concatenate(weights)
    return fit(*told, training, settings_digest)


def fit(
    values: np.ndarray,
    star: np.ndarray,
    weight: np.ndarray,
    training: Mapping,
    settings_digest: str = "",
) -> Model:
    """Fit the network: weighted cross-entropy and the penalty of the squared weights, by L-BFGS.

    Parameters
    ----------
    values : ndarray, shape (n, inputs)
    star : ndarray of bool, shape (n,)
    weight : ndarray, shape (n,)
    training : Mapping
        ``version``, ``hidden``, ``penalty``, ``iterations``.
    settings_digest : str
    """
    from scipy.optimize import minimize

    centre = np.round(values.mean(axis=0), DIGITS)
    spread = np.round(values.std(axis=0), DIGITS)
    scale = np.where(spread > 0, spread, 1.0)
    told, hidden = (values - centre) / scale, int(training["hidden"])
    number = told.shape[1]
    rng = generator("stellarity network", training["version"])
    start = np.concatenate(
        [
            rng.normal(0, 1 / np.sqrt(number), number * hidden),
            np.zeros(hidden),
            rng.normal(0, 1 / np.sqrt(hidden), hidden),
            [0.0],
        ]
    )
    share, true = weight / weight.sum(), star.astype(float)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias, output, last = _layers(parameters, number, hidden)
        units = np.tanh(told @ weights + bias)
        total = units @ output + last
        entropy = np.logaddexp(0, total) - true * total
        slope = share * (1 / (1 + np.exp(-np.clip(total, -700, 700))) - true)
        back = slope[:, None] * output * (1 - units**2)
        cost = training["penalty"] / 1000
        value = share @ entropy + cost * ((weights**2).sum() + (output**2).sum()) / 2
        parts = (told.T @ back + cost * weights, back.sum(axis=0), units.T @ slope + cost * output)
        return value, np.concatenate([*(part.ravel() for part in parts), [slope.sum()]])

    options = {"maxiter": int(training["iterations"]), "maxfun": 10**6, "ftol": 1e-9}
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    weights, bias, output, last = _layers(np.round(best, DIGITS), number, hidden)
    return Model(
        version=int(training["version"]),
        settings=settings_digest,
        inputs=tuple(INPUTS),
        centre=centre,
        scale=scale,
        weights=weights,
        bias=bias,
        output=np.append(output, last),
    )


def _layers(
    parameters: np.ndarray, number: int, hidden: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    weights, bias, output, last = np.split(parameters, np.cumsum([number * hidden, hidden, hidden]))
    return weights.reshape(number, hidden), bias, output, float(last[0])


def as_yaml(model: Model, training: Mapping) -> str:
    """A model's file.

    Parameters
    ----------
    model : Model
    training : Mapping
        Its settings as written in `resources/stellarity/training.yaml`.
    """
    import yaml

    head = {
        "version": model.version,
        "description": "CLASS_STAR: the chance that a source is a star, stars and others being "
        "equally likely beforehand. Each input less its centre, over its scale; a layer of hidden "
        "units, tanh; their weighted sum plus the last number of output, logistic.",
        "training": training,
        "training_sha256": model.settings,
        "hidden": model.bias.size,
        "inputs": [
            {"name": n, "description": INPUTS[n], "centre": float(c), "scale": float(s)}
            for n, c, s in zip(model.inputs, model.centre, model.scale, strict=True)
        ],
        "layers": {
            "weights": model.weights.tolist(),
            "bias": model.bias.tolist(),
            "output": model.output.tolist(),
        },
    }
    comment = (
        "# Made by skymill sources train from resources/stellarity/training.yaml; don't edit.\n"
    )
    return comment + yaml.safe_dump(head, sort_keys=False, width=120, allow_unicode=True)
