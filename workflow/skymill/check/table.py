"""Figures as a table of text and as JSON."""

from collections.abc import Mapping, Sequence

from .figure import Figure

VERDICT = {True: "pass", False: "FAIL", None: "–"}


def text_table(found: Sequence[Figure], targets: Mapping, every: bool = False) -> str:
    """A line per figure; of one that is measured in several places the worst, unless `every`.

    Parameters
    ----------
    found : sequence of Figure
    targets : mapping
        As from `read_targets`: which way is worse.
    every : bool
        A line for every place.
    """
    lines = [("figure", "where", "value", "target", "unit", "n", "")]
    for name in dict.fromkeys(figure.name for figure in found):
        own = [figure for figure in found if figure.name == name]
        shown = own if every else [worst(own, targets)]
        for figure in shown:
            failed = sum(other.passed is False for other in own)
            verdict = VERDICT[figure.passed]
            if not every and len(own) > 1 and failed:
                verdict += f" ({failed} of {len(own)})"
            lines.append((name, figure.where or "–", *numbers(figure, targets), verdict))
    wide = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    rows = [
        f"{a:<{wide[0]}}  {b:<{wide[1]}}  {c:>{wide[2]}}  {d:>{wide[3]}} {e:<{wide[4]}}"
        f"  {f:>{wide[5]}}  {g}".rstrip()
        for a, b, c, d, e, f, g in lines
    ]
    failed = sum(figure.passed is False for figure in found)
    passed = sum(figure.passed is True for figure in found)
    empty = len(found) - failed - passed
    rows.append(f"{passed} figures pass, {failed} fail, {empty} have nothing to measure.")
    return "\n".join(rows)


def numbers(figure: Figure, targets: Mapping) -> tuple[str, str, str, str]:
    """Value, target, unit and size of the sample."""
    sign = "≤" if targets["figures"][figure.group][figure.quantity]["at"] == "most" else "≥"
    value = "–" if figure.value is None else f"{figure.value:.4g}"
    return value, f"{sign} {figure.target:.4g}", figure.unit, str(figure.sample)


def worst(own: Sequence[Figure], targets: Mapping) -> Figure:
    """The figure that is farthest on the wrong side of its limit."""
    most = targets["figures"][own[0].group][own[0].quantity]["at"] == "most"

    def badness(figure: Figure) -> tuple[int, float]:
        if figure.value is None:
            return (-1, 0.0)
        if figure.value != figure.value:
            return (1, float("inf"))
        excess = figure.value - figure.target
        return (int(figure.passed is False), excess if most else -excess)

    return max(own, key=badness)


def as_json(release: str, found: Sequence[Figure], targets: Mapping) -> dict:
    """The figures as plain values, with their meaning."""
    rows = []
    for figure in found:
        finite = figure.value is not None and abs(figure.value) < float("inf")
        given = targets["figures"][figure.group][figure.quantity]
        rows.append(
            {
                "figure": figure.name,
                "where": figure.where,
                "value": float(f"{figure.value:.6g}") if finite else None,
                "target": float(f"{figure.target:.6g}"),
                "at": given["at"],
                "unit": figure.unit,
                "sample": figure.sample,
                "pass": figure.passed,
                "meaning": given["meaning"],
            }
        )
    return {"release": release, "passed": all(row["pass"] is not False for row in rows),
            "figures": rows}  # fmt: skip
