"""Figures, and the targets that they must meet: ``config/check.yaml``."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..config import read_yaml
from ..paths import CONFIG
from ..schema import convert, load_schema, validate

TARGETS = CONFIG / "check.yaml"


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes
    ----------
    group, quantity : str
        What is measured: keys of the targets.
    catalogue : str
        In which product.
    where : str
        Band, tile, exposure; '' for all.
    value : float or None
        None where the release has nothing to measure it on.
    target : float
    unit : str
    passed : bool or None
        None where there is no value.
    sample : int
        How many stars, sources, rows, frames … it rests on.
    """

    group: str
    quantity: str
    catalogue: str
    where: str
    value: float | None
    target: float
    unit: str
    passed: bool | None
    sample: int

    @property
    def name(self) -> str:
        """Group, catalogue and quantity."""
        return f"{self.group}.{self.catalogue}.{self.quantity}"


def read_targets(path: Path | str = TARGETS) -> dict:
    """Targets and samples, checked against their schema, quantities as numbers.

    Raises
    ------
    ConfigError
        For every key that is unknown, missing or in a wrong unit.
    """
    content, schema = read_yaml(path), load_schema("check")
    validate(content, schema, path)
    return convert(content, schema)


class Judge:
    """Makes a group's figures from values and the table of targets.

    Parameters
    ----------
    targets : mapping
        As from `read_targets`.
    group : str
    """

    def __init__(self, targets: Mapping, group: str) -> None:
        self.samples = targets["samples"]
        self.group = group
        self._targets = targets["figures"][group]

    def target(self, quantity: str) -> float:
        """The limit of a quantity."""
        return self._targets[quantity]["target"]

    def __call__(
        self,
        quantity: str,
        catalogue: str,
        where: str,
        value: float,
        sample: int,
        target: float | None = None,
    ) -> Figure:
        """A figure; a value that isn't finite fails.

        Parameters
        ----------
        quantity, catalogue, where, value, sample
            As of `Figure`.
        target : float, optional
            Where the limit depends on the sample; that of the table by default.
        """
        given = self._targets[quantity]
        limit = given["target"] if target is None else target
        value = float(value)
        within = value <= limit if given["at"] == "most" else value >= limit
        passed = math.isfinite(value) and bool(within)
        return Figure(
            self.group, quantity, catalogue, where, value, limit, given["unit"], passed, int(sample)
        )

    def absent(self, quantity: str, catalogue: str, where: str, sample: int = 0) -> Figure:
        """A figure that the truth offers too few cases for: no value, neither pass nor fail."""
        given = self._targets[quantity]
        return Figure(
            self.group, quantity, catalogue, where, None, given["target"], given["unit"], None,
            int(sample),
        )  # fmt: skip

    def share(
        self, quantity: str, catalogue: str, where: str, good: np.ndarray, least: int = 1
    ) -> Figure:
        """The share of True; no value with fewer than `least` cases."""
        if good.size < least:
            return self.absent(quantity, catalogue, where, good.size)
        return self(quantity, catalogue, where, np.mean(good), good.size)
