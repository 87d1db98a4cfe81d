"""Truth and what follows from it, worked out once for all figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .seen import Seen, isolated, see, unblended
from .stack import Stack, stacks
from .truth import Truth


@dataclass(frozen=True)
class Survey:
    """The truth, seen through each good exposure and in each stack.

    Attributes
    ----------
    truth : Truth
    samples : mapping
        The targets' samples.
    """

    truth: Truth
    samples: Mapping

    @cached_property
    def seen(self) -> dict[str, Seen]:
        """Good exposure → what it sees."""
        return {e.name: see(self.truth, e, self.samples) for e in self.truth.good()}

    @cached_property
    def stacks(self) -> dict[tuple[str, str], Stack]:
        """(tile, band) → its stack."""
        return stacks(self.truth, self.seen)

    @cached_property
    def position(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the sources stand at the mean epoch, degrees."""
        return self.truth.position(self.truth.mean_mjd())

    @cached_property
    def alone(self) -> dict[str, np.ndarray]:
        """Band → which sources are isolated in it; asteroids are counted by `Seen`."""
        found = {}
        rest = np.flatnonzero(~self.truth.moving())
        for band in self.truth.bands:
            mag = self.truth.magnitude(band)
            alone = np.zeros(mag.size, bool)
            alone[rest] = isolated(
                self.position[0][rest], self.position[1][rest], mag[rest],
                self.samples["isolation"], self.samples["isolation_fainter"],
            )  # fmt: skip
            found[band] = alone
        return found

    @cached_property
    def single(self) -> dict[str, np.ndarray]:
        """Band → which isolated sources have no unresolved neighbour that matters."""
        limits = self.samples["blend"], self.samples["blend_share"]
        return {
            band: alone & unblended(*self.position, self.truth.magnitude(band), *limits)
            for band, alone in self.alone.items()
        }

    def kind(self, *kinds: str) -> np.ndarray:
        """Which sources are of some kinds."""
        return np.isin(self.truth.sources["kind"], kinds)

    def snr(self, tile: str, band: str) -> np.ndarray:
        """True signal-to-noise ratio in 5″ in a stack; 0 where it has no data."""
        return np.nan_to_num(1 / self.stacks[tile, band].error(self.samples["aperture"]))

    def clean(self, band: str, radius: float | np.ndarray) -> np.ndarray:
        """Which sources have no spoilt pixel within a radius, in any stack of a band."""
        own = [s.artefact for (_, b), s in self.stacks.items() if b == band]
        return np.min(own, axis=0) > radius
