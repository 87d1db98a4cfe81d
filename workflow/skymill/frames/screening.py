"""The verdict on an exposure: every check has a value, a limit and an outcome.

A check that fails, or whose value couldn't be measured, gives the exposure the verdict ``fail``
with a sentence that says why. Nothing else happens: stacks read verdicts and leave failures out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..bits import Reason

LIMITS = (
    "missing",
    "sky",
    "sources",
    "seeing",
    "elongation",
    "residual",
    "sections",
    "bad_amplifiers",
    "depth",
)
"""The setting that limits each of the `checks`, in their order; without it a check is off."""


@dataclass(frozen=True)
class Check:
    """One criterion.

    Attributes
    ----------
    value, limit : float
        NaN if it couldn't be measured.
    unit : str
    least : bool
        Whether the limit is the least acceptable value; the greatest otherwise.
    sentence : str
        Reason of a failure; ``{value}`` and ``{limit}`` are filled in.
    """

    value: float
    limit: float
    unit: str
    least: bool
    sentence: str

    @property
    def passed(self) -> bool:
        """Whether the value is measured and within the limit."""
        if not np.isfinite(self.value):
            return False
        return bool(self.value >= self.limit if self.least else self.value <= self.limit)

    def reason(self) -> str:
        """Why it failed."""
        if not np.isfinite(self.value):
            value = "not measurable"
        else:
            value = f"{self.value:.4g} {self.unit}".strip()
        limit = f"{self.limit:.4g} {self.unit}".strip()
        return self.sentence.format(value=value, limit=limit)

    def record(self) -> dict:
        """The check as a verdict's JSON holds it."""
        value = float(self.value) if np.isfinite(self.value) else None
        return {
            "value": value,
            "limit": float(self.limit),
            "unit": self.unit,
            "pass": self.passed,
        }


@dataclass(frozen=True)
class Figures:
    """What screening looks at; NaN where it couldn't be measured.

    Attributes
    ----------
    seeing : float
        The worst chip's FWHM, arcsec.
    elongation : float
        Mean of the chips' a/b.
    sections : float
        Good sections of those judged, on the worst chip.
    residual : float
        Rms of bright stars per axis, on the worst chip, arcsec.
    bad_amplifiers : int
        On the worst chip.
    sources : int
        Detections on the poorest chip.
    missing : float
        Fraction of pixels without value, on the worst chip.
    sky : float
        The faintest chip's, ADU.
    depth : float
        5σ limit in 5″ of the shallowest chip, mag.
    """

    seeing: float
    elongation: float
    sections: float
    residual: float
    bad_amplifiers: int
    sources: int
    missing: float
    sky: float
    depth: float


def checks(figures: Figures, settings: Mapping) -> dict[str, Check]:
    """The criteria that have a limit, in the order in which their reasons are given."""
    s = {name: settings.get(name, np.nan) for name in LIMITS}
    criteria = {
        "missing": Check(
            figures.missing, s["missing"], "", False, "pixels without value: {value} > {limit}"
        ),
        "sky": Check(figures.sky, s["sky"], "adu", True, "dead chip: sky {value} < {limit}"),
        "sources": Check(
            figures.sources, s["sources"], "", True, "too few sources: {value} < {limit}"
        ),
        "seeing": Check(figures.seeing, s["seeing"], "arcsec", False, "seeing {value} > {limit}"),
        "elongation": Check(
            figures.elongation, s["elongation"], "", False, "trailed: elongation {value} > {limit}"
        ),
        "astrometry": Check(
            figures.residual, s["residual"], "arcsec", False, "astrometric rms {value} > {limit}"
        ),
        "sections": Check(
            figures.sections,
            s["sections"],
            "",
            True,
            "fraction of sections with good astrometry {value} < {limit}",
        ),
        "bad_amplifiers": Check(
            figures.bad_amplifiers,
            s["bad_amplifiers"],
            "",
            False,
            "bad amplifiers on a chip: {value} > {limit}",
        ),
        "depth": Check(figures.depth, s["depth"], "mag", True, "too shallow: {value} < {limit}"),
    }
    names = dict(zip(criteria, LIMITS, strict=True))
    return {name: check for name, check in criteria.items() if names[name] in settings}


def verdict(outcome: Mapping[str, Check], causes: Sequence[str] = ()) -> tuple[str, list[str], int]:
    """``pass`` or ``fail``, why, and the same as bits of `skymill.bits.Reason`.

    Parameters
    ----------
    outcome : Mapping
        As from `checks`.
    causes : sequence of str
        What `skymill.frames.reach.unreached` says; these reasons come first.
    """
    failed = {name: check for name, check in outcome.items() if not check.passed}
    reasons = [*causes, *(check.reason() for check in failed.values())]
    bits = Reason.CATALOGUE if causes else Reason(0)
    for name in failed:
        bits |= Reason[name.upper()]
    return ("fail" if reasons else "pass"), reasons, int(bits)
