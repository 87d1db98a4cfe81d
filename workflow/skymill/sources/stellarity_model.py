"""The trained network behind CLASS_STAR: its file, and what it says of a source.

One layer of hidden units (tanh) and a logistic output: the chance that a source is a star if stars
and galaxies are equally likely beforehand. Sums run in one order, input by input, without BLAS.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..errors import ConfigError, InputError
from ..paths import RESOURCES
from ..schema import load_schema, read_yaml_text, validate

MODELS = RESOURCES / "stellarity"
"""Where the model is shipped, with its training settings."""
DIGITS = 5
"""Decimals of the weights: what a fit's last bits are doesn't matter."""
STEEPEST = 700.0
"""Of the logistic's argument: exp overflows beyond."""


@dataclass(frozen=True)
class Model:
    """The network.

    Attributes
    ----------
    version : int
        Raised with every change of inputs or training.
    settings : str
        SHA-256 of the training settings (`digest`).
    inputs : tuple of str
        Their names, in order.
    centre, scale : ndarray, shape (inputs,)
        Taken from each input, and what it is divided by then.
    weights : ndarray, shape (inputs, hidden)
    bias : ndarray, shape (hidden,)
    output : ndarray, shape (hidden + 1,)
        Weights of the hidden units, and the bias last.
    sha256 : str
        Of the file; empty of a model that was never written.
    """

    version: int
    settings: str
    inputs: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    output: np.ndarray
    sha256: str = ""

    @property
    def name(self) -> str:
        """Version and hash, for the metadata of catalogues."""
        return f"{self.version} sha256:{self.sha256}"

    def probability(self, values: np.ndarray) -> np.ndarray:
        """The chance that sources are stars.

        Parameters
        ----------
        values : ndarray, shape (n, inputs)
            As `skymill.sources.classes.inputs` gives them.

        Returns
        -------
        ndarray of float64, shape (n,)
            0 … 1; NaN where an input is NaN.
        """
        total = np.full(len(values), self.output[-1])
        for h in range(self.bias.size):
            unit = np.full(len(values), self.bias[h])
            for k in range(self.centre.size):
                unit += (values[:, k] - self.centre[k]) / self.scale[k] * self.weights[k, h]
            total += np.tanh(unit) * self.output[h]
        return 1 / (1 + np.exp(-np.clip(total, -STEEPEST, STEEPEST)))


def digest(settings: Mapping) -> str:
    """The SHA-256 of training settings, whatever the order of their keys."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def shipped_model() -> Model:
    """The model of every catalogue."""
    return load_model(MODELS / "stellarity_model.yaml")


def load_model(path: Path | str) -> Model:
    """Read a model.

    Raises
    ------
    InputError
        If the file can't be read, isn't as `config/schemas/stellarity_model.yaml` says, has layers
        that don't fit each other, or takes other inputs than this version measures.
    """
    from .classes import INPUTS

    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: can't be read ({error.strerror}). It is part of the repository; "
            "skymill sources train makes it again."
        ) from error
    try:
        parsed = read_yaml_text(content.decode())
        validate(parsed, load_schema("stellarity_model"), path)
    except ConfigError as error:
        raise InputError(str(error)) from error
    except ValueError as error:
        raise InputError(f"{path}: expected YAML ({error}).") from error
    names = tuple(row["name"] for row in parsed["inputs"])
    if names != tuple(INPUTS):
        raise InputError(
            f"{path}: inputs: expected {', '.join(INPUTS)}; got {', '.join(names)}. "
            "Train the model anew: skymill sources train."
        )
    layers = parsed["layers"]
    shapes = {name: np.array(layers[name], float).shape for name in ("weights", "bias", "output")}
    hidden = parsed["hidden"]
    expected = {"weights": (len(names), hidden), "bias": (hidden,), "output": (hidden + 1,)}
    if shapes != expected:
        raise InputError(f"{path}: layers: expected the shapes {expected}; got {shapes}.")
    return Model(
        version=parsed["version"],
        settings=parsed["training_sha256"],
        inputs=names,
        centre=np.array([row["centre"] for row in parsed["inputs"]], float),
        scale=np.array([row["scale"] for row in parsed["inputs"]], float),
        **{name: np.array(layers[name], float) for name in expected},
        sha256=hashlib.sha256(content).hexdigest(),
    )
