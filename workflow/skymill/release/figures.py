"""The figures at a glance: what a release is judged by, each with its unit and meaning.

``report/figures.json`` holds them as one flat mapping, measured from products only. A figure that
can't be measured (no frame passed, an empty catalogue) is null.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What a figure means: its unit ('' if none), a sentence, and the digits worth showing."""

    unit: str
    meaning: str
    digits: int = 0


MEANINGS: dict[str, Figure] = {
    "exposures": Figure("", "exposures in the survey's table"),
    "exposures_used": Figure("", "exposures whose verdict is pass"),
    "exposures_excluded": Figure("", "exposures whose verdict is fail"),
    "excluded": Figure("", "each excluded exposure with its reasons"),
    "astrometric_rms_ra": Figure("arcsec", "frames against Gaia in ra · cos(dec), median chip", 3),
    "astrometric_rms_dec": Figure("arcsec", "frames against Gaia in dec, median chip", 3),
    "zero_point_stars": Figure("", "stars per amplifier's zero point, median"),
    "frame_seeing_{band}": Figure("arcsec", "seeing of used exposures, median", 2),
    "tiles": Figure("", "tiles in the survey's table"),
    "stacks": Figure("", "tile-bands with data"),
    "exposures_per_stack_{band}": Figure("", "exposures per stack, median", 1),
    "seeing_{band}": Figure("arcsec", "seeing of the stacks, median", 2),
    "depth_{band}": Figure("mag", "5σ depth of a point source in 5″, median stack, AB", 2),
    "depth_seeing_{band}": Figure("mag", "5σ depth in an aperture as wide as the seeing", 2),
    "detections_{band}": Figure("", "detections in the stacks"),
    "fdr_{band}": Figure("", "share of the detections removed as spurious", 4),
    "zero_point_error_{band}": Figure("mag", "error of the zp maps (APER5, single), median", 3),
    "alignment_{band}": Figure(
        "arcsec", "alignment maps (single), proper motion included, median", 3
    ),
    "half_complete_{band}": Figure("mag", "completeness against the pool falls to one half", 2),
    "injected_complete_{band}": Figure(
        "mag", "completeness of injected stars falls to one half, median stack", 2
    ),
    "rows_idual_master": Figure("", "objects in idual_master"),
    "rows_single_master": Figure("", "objects in single_master"),
    "rows_detections": Figure("", "detections on single exposures"),
    "gaia_matches": Figure("", "objects of single_master matched with Gaia DR3"),
    "gaia_offset_mode": Figure("arcsec", "modal separation from Gaia DR3", 3),
    "gaia_offset_median": Figure("arcsec", "median separation from Gaia DR3", 3),
    "gaia_offset_mode_ra": Figure("arcsec", "modal offset from Gaia in ra · cos(dec)", 3),
    "gaia_offset_mode_dec": Figure("arcsec", "modal offset from Gaia in dec", 3),
    "gaia_offset_mean_ra": Figure("arcsec", "mean offset from Gaia in ra · cos(dec)", 4),
    "gaia_offset_mean_dec": Figure("arcsec", "mean offset from Gaia in dec", 4),
    "xp_offset_{band}": Figure("mag", "idual_master (AUTO) − Gaia XP, median of clipped stars", 4),
    "xp_rms_{band}": Figure("mag", "idual_master (AUTO) − Gaia XP, rms of clipped stars", 3),
    "xp_stars_{band}": Figure("", "stars compared with Gaia XP"),
    "repeatability_{band}": Figure("mag", "scatter of a bright star between exposures (AUTO)", 4),
    "area": Figure("deg²", "area with data in any band, from the MOC", 4),
    "area_{band}": Figure("deg²", "area with data, from the MOC", 4),
    "archives": Figure("", "archives"),
    "archive_bytes": Figure("byte", "size of the archives"),
}
"""Name → meaning, in the order of the rooms; ``{band}`` stands for each band."""


def meanings(bands: Iterable[str]) -> dict[str, Figure]:
    """Every figure of a release in these bands: name → meaning, in order."""
    bands = list(bands)
    found = {}
    for name, figure in MEANINGS.items():
        for band in bands if "{band}" in name else [""]:
            meaning = f"{figure.meaning}; {band}" if band else figure.meaning
            found[name.replace("{band}", band)] = Figure(figure.unit, meaning, figure.digits)
    return found


def plain(value: object) -> object:
    """A figure as JSON knows it: six significant digits, null for what isn't finite."""
    if isinstance(value, list | str) or value is None:
        return value
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return float(f"{value:.6g}") + 0.0 if math.isfinite(value) else None
    return value


def collect(parts: Iterable[Mapping[str, object]], bands: Iterable[str]) -> dict[str, object]:
    """Put the sections' figures together, in the order of `meanings`.

    Raises
    ------
    ValueError
        If a figure is missing, unknown or given twice: a mistake of the calling code.
    """
    given: dict[str, object] = {}
    for part in parts:
        twice = sorted(set(given) & set(part))
        if twice:
            raise ValueError(f"figures given twice: {twice}")
        given.update(part)
    expected = meanings(bands)
    if set(given) != set(expected):
        missing, unknown = sorted(set(expected) - set(given)), sorted(set(given) - set(expected))
        raise ValueError(f"figures missing: {missing}; unknown: {unknown}")
    return {name: plain(given[name]) for name in expected}


def median(values: Iterable[float]) -> float:
    """The median of the finite ones among some numbers; NaN if there are none."""
    finite = sorted(v for v in map(float, values) if math.isfinite(v))
    if not finite:
        return float("nan")
    half = len(finite) // 2
    return finite[half] if len(finite) % 2 else (finite[half - 1] + finite[half]) / 2


def text_table(figures: Mapping[str, object], bands: Iterable[str]) -> str:
    """The figures as aligned lines of text: meaning, value, unit; excluded exposures last."""
    lines = []
    for name, figure in meanings(bands).items():
        value = figures.get(name)
        if isinstance(value, list):
            continue
        shown = "–" if value is None else f"{value:z,.{figure.digits}f}"
        lines.append((figure.meaning, shown, figure.unit))
    wide = max(len(meaning) for meaning, _, _ in lines)
    far = max(len(shown) for _, shown, _ in lines)
    text = [f"  {m:<{wide}}  {shown:>{far}} {unit}".rstrip() for m, shown, unit in lines]
    excluded = figures.get("excluded") or []
    text += ["  excluded:", *(f"    {line}" for line in excluded)] if excluded else []
    return "\n".join(text)
