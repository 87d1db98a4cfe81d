"""frames: the exposures, their verdicts, seeing, zero points and astrometry."""

import numpy as np

from ..blocks import Grid, Notice, Plot, Row, Section, number
from ..figures import median
from ..products import Products
from ..style import GREY, colour, drawing, marker, png
from ..trend import FEWEST, night_and_hour, percentile_band

LEAD = (
    "Each exposure is calibrated amplifier by amplifier and screened. A failed exposure enters no "
    "stack; it stays on record with its reasons."
)
NAN = float("nan")
COLUMNS = (
    ("exposure", ""),
    ("band", ""),
    ("site", ""),
    ("tile", ""),
    ("seeing", "arcsec"),
    ("elongation", ""),
    ("sky", "ADU"),
    ("zero point", "mag"),
    ("astrometric rms", "arcsec"),
)
TRENDS = (
    ("seeing (″)", lambda verdict: _value(verdict, "fwhm")),
    ("elongation", lambda verdict: _value(verdict, "elongation")),
    ("sky (ADU)", lambda verdict: _value(verdict, "sky")),
    ("zero point (mag)", lambda verdict: verdict["zp"]),
    ("5σ depth (mag)", lambda verdict: _checked(verdict, "depth")),
    ("astrometric rms (″)", lambda verdict: max(verdict["rms_ra"], verdict["rms_dec"])),
)
"""What is followed over nights: label, value of a verdict."""
NIGHT = 16
"""Hours shown: between winter's dusk and dawn, with room."""
REASONS = 4
"""Where the reasons stand among an excluded exposure's columns."""


def measure(products: Products) -> list[dict]:
    """The verdicts, in the order of the exposure table; each gets ``zp`` and ``rms`` (medians)."""
    found = []
    for name in products.exposures:
        verdict = products.json(products.tree.frame(name, "json"))
        if verdict is not None:
            verdict["zp"] = median(a["zp"] for a in good_amplifiers(verdict).values())
            verdict["rms_ra"], verdict["rms_dec"] = astrometric_rms(verdict)
            found.append(verdict)
    return found


def used(verdicts: list[dict]) -> list[dict]:
    """The exposures that passed."""
    return [verdict for verdict in verdicts if verdict["verdict"] == "pass"]


def good_amplifiers(verdict: dict) -> dict[str, dict]:
    """The amplifiers of an exposure with a zero point of their own: name → facts."""
    return {
        name: amplifier
        for chip in (verdict.get("chips") or {}).values()
        for name, amplifier in (chip.get("amplifiers") or {}).items()
        if amplifier.get("zp") is not None and not amplifier.get("bad")
    }


def astrometric_rms(verdict: dict) -> tuple[float, float]:
    """Median over the chips of the rms against Gaia in ra · cos(dec) and dec, arcsec."""
    chips = [chip.get("astrometry") or {} for chip in (verdict.get("chips") or {}).values()]
    ra, dec = (
        median(chip[key] for chip in chips if chip.get(key) is not None)
        for key in ("rms_ra", "rms_dec")
    )
    return ra, dec


def sentence(verdict: dict) -> str:
    """The reasons of a verdict in one line."""
    return "; ".join(reason.rstrip(". ") for reason in verdict.get("reasons") or [])


def _value(verdict: dict, key: str) -> float:
    value = verdict.get(key)
    return NAN if value is None else float(value)


def _checked(verdict: dict, name: str) -> float:
    """A figure that screening looked at."""
    return _value((verdict.get("checks") or {}).get(name) or {}, "value")


def figures(verdicts: list[dict], products: Products) -> dict[str, object]:
    """Exposures used and excluded, seeing, astrometric rms, stars per zero point."""
    good = used(verdicts)
    bad = [verdict for verdict in verdicts if verdict["verdict"] != "pass"]
    stars = [a["stars"] for v in good for a in good_amplifiers(v).values() if "stars" in a]
    return {
        "exposures": len(products.exposures),
        "exposures_used": len(good),
        "exposures_excluded": len(bad),
        "excluded": [f"{v['exposure']}: {sentence(v)}" for v in bad],
        "astrometric_rms_ra": median(v["rms_ra"] for v in good),
        "astrometric_rms_dec": median(v["rms_dec"] for v in good),
        "zero_point_stars": median(stars),
        **{
            f"frame_seeing_{band}": median(_value(v, "fwhm") for v in good if v["band"] == band)
            for band in products.bands
        },
    }


def show(verdicts: list[dict], products: Products) -> Section:
    """The section of the page."""
    blocks: list = []
    absent = len(products.exposures) - len(verdicts)
    if absent:
        blocks.append(Notice(f"{absent} of {len(products.exposures)} exposures have no verdict."))
    if not used(verdicts):
        blocks.append(Notice("No exposure passed: the stacks and catalogues are empty."))
    if verdicts:
        blocks += [_excluded_grid(verdicts), _used_grid(verdicts, products.report["rows"])]
    if used(verdicts):
        blocks.append(_seeing_plot(used(verdicts), products.bands))
        if any(good_amplifiers(verdict) for verdict in used(verdicts)):
            blocks.append(_zero_point_plot(used(verdicts), products))
        if any(_bins(verdict) for verdict in used(verdicts)):
            blocks.append(_color_plot(used(verdicts), products.bands))
        blocks += [_trend_plot(used(verdicts), products, over) for over in ("night", "hour")]
    return Section("frames", "Frames", LEAD, blocks)


def _row(verdict: dict) -> Row:
    rms = max(verdict["rms_ra"], verdict["rms_dec"])
    cells = (
        verdict["exposure"],
        verdict["band"],
        verdict["site"],
        verdict["tile"],
        number(_value(verdict, "fwhm"), 2),
        number(_value(verdict, "elongation"), 2),
        number(_value(verdict, "sky"), 0),
        number(verdict["zp"], 3),
        number(rms, 3),
    )
    if verdict["verdict"] == "pass":
        return Row(cells)
    return Row((*cells[:REASONS], sentence(verdict), *cells[REASONS:]), "bad")


def _excluded_grid(verdicts: list[dict]) -> Grid:
    rows = [_row(verdict) for verdict in verdicts if verdict["verdict"] != "pass"]
    columns = (*COLUMNS[:REASONS], ("reasons", ""), *COLUMNS[REASONS:])
    caption = f"Excluded exposures ({len(rows)} of {len(verdicts)})."
    return Grid(caption, columns, rows, words=(0, 1, 2, 3, REASONS), wrap=(REASONS,))


def _used_grid(verdicts: list[dict], most: int) -> Grid:
    rows = [_row(verdict) for verdict in used(verdicts)]
    left_out = f"; the first {most}" if len(rows) > most else ""
    title = f"Used exposures ({len(rows)}{left_out})"
    return Grid("", COLUMNS, [], rows[:most], title, words=(0, 1, 2, 3))


def _seeing_plot(verdicts: list[dict], bands: tuple[str, ...]) -> Plot:
    values = {b: np.array([_value(v, "fwhm") for v in verdicts if v["band"] == b]) for b in bands}
    finite = np.concatenate([v[np.isfinite(v)] for v in values.values()])
    low, high = (finite.min(), finite.max()) if finite.size else (1.0, 3.0)
    edges = np.arange(np.floor(low * 10) / 10, np.ceil(high * 10) / 10 + 0.15, 0.1)
    with drawing(8, 0.85 * len(bands) + 0.9, len(bands), 1, sharex=True) as (figure, axes):
        for panel, band in zip(axes[:, 0], bands, strict=True):
            seen = values[band][np.isfinite(values[band])]
            panel.hist(seen, edges, color=colour(band), alpha=0.85)
            if seen.size:
                panel.axvline(np.median(seen), color=colour(band), lw=1.2, ls="--")
            title = f"{band}   median {number(median(seen), 2)}″, {seen.size} exposures"
            panel.set_title(title, fontsize=8.5)
            panel.yaxis.get_major_locator().set_params(integer=True, nbins=3)
            panel.grid(axis="y")
        axes[-1, 0].set_xlabel("seeing, FWHM of stars (arcsec)")
        figure.supylabel("exposures", fontsize=9)
        address = png(figure)
    return Plot("Seeing of the used exposures, by band; dashed: median.", address, 1040)


def _zero_point_plot(verdicts: list[dict], products: Products) -> Plot:
    """Zero point of each amplifier: the median exposure, with the span of the middle 68 %."""
    names = [amplifier.name for amplifier in products.camera.amplifiers()]
    at = {name: i for i, name in enumerate(names)}
    sites = sorted({verdict["site"] for verdict in verdicts})
    bands = products.bands
    with drawing(8, 1.5 * len(bands) + 0.8, len(bands), 1, sharex=True) as (figure, axes):
        for panel, band in zip(axes[:, 0], bands, strict=True):
            for i, site in enumerate(sites):
                points = _zero_points(verdicts, band, site)
                x = np.array([at[n] for n in points if n in at]) + 0.25 * (i - (len(sites) - 1) / 2)
                y = np.array([points[n] for n in points if n in at]).reshape(-1, 3)
                span = np.abs(y[:, [0, 2]] - y[:, [1]]).T
                face = colour(band) if i == 0 else "white"
                panel.errorbar(
                    x, y[:, 1], span, fmt=marker("BVRI"[i % 4]), ms=3.6, color=colour(band),
                    mfc=face, mew=0.9, elinewidth=0.8, label=site,
                )  # fmt: skip
            for edge in range(1, len(names)):
                if names[edge][0] != names[edge - 1][0]:
                    panel.axvline(edge - 0.5, color=GREY, lw=0.6, ls=":")
            panel.set_title(band, fontsize=8.5)
            panel.ticklabel_format(axis="y", useOffset=False)
            panel.grid(axis="y")
        axes[0, 0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(sites))
        axes[-1, 0].set_xticks(range(len(names)), names, rotation=90, fontsize=7)
        axes[-1, 0].set_xlabel("amplifier")
        figure.supylabel("zero point (mag)", fontsize=9)
        address = png(figure)
    caption = "Zero point of each amplifier: median of the used exposures; bars: 68 % of them."
    return Plot(caption, address, 1040)


def _bins(verdict: dict) -> list[dict]:
    """Residuals by colour of an exposure whose colour term was fitted."""
    return (verdict.get("color_term") or {}).get("bins") or []


def _color_plot(verdicts: list[dict], bands: tuple[str, ...]) -> Plot:
    """Residuals of the stars of zero points by colour, a row a site: before and after the term."""
    sites = sorted({verdict["site"] for verdict in verdicts})
    size = (8, 1.9 * len(sites) + 0.6)
    with drawing(*size, len(sites), len(bands), sharex="col", sharey=True) as (figure, axes):
        for line, site in zip(axes, sites, strict=True):
            for panel, band in zip(line, bands, strict=True):
                own = [v for v in verdicts if (v["site"], v["band"]) == (site, band) and _bins(v)]
                _draw_color(panel, own, band)
                panel.grid()
            line[0].set_ylabel(f"{site}\nreference − ours (mag)", fontsize=8)
        for panel, band in zip(axes[-1], bands, strict=True):
            panel.set_xlabel(f"colour of {band}'s term (mag)", fontsize=8)
        address = png(figure)
    caption = (
        "Stars of zero points against their colour in Gaia XP, by site: medians of each exposure "
        "before its colour term is taken out (line, small points), and the median over exposures "
        "after (large points)."
    )
    return Plot(caption, address, 1040)


def _draw_color(panel, verdicts: list[dict], band: str) -> None:
    """One site and band."""
    colors, after = [], []
    for verdict in verdicts:
        term = verdict["color_term"]
        color = np.array([each["color"] for each in _bins(verdict)])
        before = np.array([each["residual"] for each in _bins(verdict)])
        panel.plot(color, before, marker(band), ls="-", ms=1.6, lw=0.6, color=GREY, alpha=0.7)
        colors.append(color)
        after.append(before - term["slope"] * (color - term["pivot"]))
    if verdicts:
        slopes = [verdict["color_term"]["slope"] for verdict in verdicts]
        middle = np.median(colors, axis=0), np.median(after, axis=0)
        panel.plot(*middle, marker(band), ls="none", ms=4.5, color=colour(band))
        panel.set_title(f"{band}   slope {np.median(slopes):+.3f}", fontsize=8.5)
    panel.axhline(0, color=GREY, lw=0.7)


def _trend_plot(verdicts: list[dict], products: Products, over: str) -> Plot:
    """Every quantity of `TRENDS` over the nights, or over the hours of a night; a column a site."""
    sites = sorted({verdict["site"] for verdict in verdicts})
    with drawing(
        8, 1.25 * len(TRENDS) + 0.9, len(TRENDS), len(sites), sharex="col", sharey="row"
    ) as (figure, axes):
        for column, site in zip(axes.T, sites, strict=True):
            longitude = products.camera.sites[site].longitude
            for band in products.bands:
                own = [v for v in verdicts if (v["site"], v["band"]) == (site, band)]
                night, hour = night_and_hour(np.array([v["mjd"] for v in own]), longitude)
                x, bins = (night, night) if over == "night" else (hour, np.floor(hour) + 0.5)
                for panel, (_, value) in zip(column, TRENDS, strict=True):
                    _draw_trend(panel, x, bins, np.array([value(v) for v in own]), band)
            if over == "hour":
                column[-1].set_xlim(-NIGHT / 2, NIGHT / 2)
            column[0].set_title(site, fontsize=8.5)
            column[-1].set_xlabel("night (MJD)" if over == "night" else "hours after midnight")
            column[-1].xaxis.get_major_locator().set_params(integer=True, nbins=6)
            column[-1].ticklabel_format(axis="x", useOffset=False)
        for panel, (label, _) in zip(axes[:, 0], TRENDS, strict=True):
            panel.set_ylabel(label, fontsize=8)
        for panel in axes.flat:
            panel.ticklabel_format(axis="y", useOffset=False)
            panel.grid(axis="y")
        bands = [axes[0, 0].plot([], [], color=colour(b), label=b)[0] for b in products.bands]
        figure.legend(handles=bands, loc="outside upper right", ncols=len(bands))
        address = png(figure)
    where = "From night to night" if over == "night" else "Over the night"
    caption = (
        f"{where}, by site: used exposures; where a {over} has {FEWEST} or more of a band, their "
        "median and the span of the middle 68 %. Hours are local mean solar time."
    )
    return Plot(caption, address, 1040)


def _draw_trend(panel, x: np.ndarray, bins: np.ndarray, values: np.ndarray, band: str) -> None:
    """One band in one panel: percentiles where there are exposures enough, else points."""
    found = percentile_band(bins, values)
    thin = ~np.isin(bins, found.at[np.isfinite(found.middle)])
    panel.plot(x[thin], values[thin], marker(band), ms=2.6, color=colour(band), alpha=0.8)
    panel.fill_between(found.at, found.low, found.high, color=colour(band), alpha=0.25, lw=0)
    panel.plot(found.at, found.middle, marker(band), ls="-", ms=2.6, lw=1.0, color=colour(band))


def _zero_points(verdicts: list[dict], band: str, site: str) -> dict[str, np.ndarray]:
    """Amplifier → 16th, 50th and 84th percentile of its zero points, mag."""
    found: dict[str, list[float]] = {}
    for verdict in verdicts:
        if (verdict["band"], verdict["site"]) == (band, site):
            for name, amplifier in good_amplifiers(verdict).items():
                found.setdefault(name, []).append(amplifier["zp"])
    return {name: np.percentile(values, [16, 50, 84]) for name, values in found.items()}
