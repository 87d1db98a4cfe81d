"""Verdicts: the bad exposures are excluded for what is wrong with them, no good one is."""

from collections.abc import Mapping

from .figure import Figure, Judge
from .truth import Truth

WORDS = {
    "bad_seeing": ("seeing",),
    "trailed": ("elong", "trail"),
    "truncated": ("truncated", "read", "short"),
}
"""A fault → words of which a reason must have one."""


def figures(judge: Judge, truth: Truth, verdicts: Mapping[str, Mapping]) -> list[Figure]:
    """Count wrong verdicts and wrong reasons.

    Parameters
    ----------
    judge : Judge
    truth : Truth
    verdicts : mapping
        Exposure → its verdict: ``verdict`` and ``reasons``.
    """
    bad = [e for e in truth.exposures if not e.good]
    good = [e for e in truth.exposures if e.good]
    passed = [e.name for e in bad if verdicts[e.name]["verdict"] == "pass"]
    excluded = [e.name for e in good if verdicts[e.name]["verdict"] != "pass"]
    wrong = [e.name for e in bad if e.name not in passed and not named(e.status, verdicts[e.name])]
    return [
        judge(quantity, "frames", ", ".join(names), len(names), size)
        for quantity, names, size in (
            ("bad_passed", passed, len(bad)),
            ("good_excluded", excluded, len(good)),
            ("wrong_reason", wrong, len(bad)),
        )
    ]


def named(status: str, verdict: Mapping) -> bool:
    """Whether a verdict's reasons name an exposure's fault."""
    text = " ".join(verdict["reasons"]).lower()
    return any(word in text for word in WORDS.get(status, (status,)))
