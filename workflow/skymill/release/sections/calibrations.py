"""calibrations: gains and read noise from the photon-transfer slopes."""

from ..blocks import Grid, Notice, Plot, Row, Section, number
from ..figures import median
from ..products import Products
from ..style import GREY, drawing, png

LEAD = (
    "Master bias, dark, flat, defects and crosstalk of each site and run. Gain and read noise are "
    "measured from pairs of flats and biases (photon transfer)."
)
SITE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#8C4A9E")


def measure(products: Products) -> dict[tuple[str, str], dict]:
    """(site, run) → amplifier → gain (e⁻/ADU) and read noise (e⁻); empty if frames come reduced."""
    if "calibrations" not in products.settings:
        return {}
    runs = sorted({(row["site"], row["run"]) for row in products.exposures.values()})
    found = {}
    for site, run in runs:
        content = products.json(products.tree.calib(site, run, "slopes.json"))
        if content is not None:
            found[site, run] = content.get("amplifiers", {})
    return found


def figures(slopes: dict) -> dict[str, object]:
    """This section has no figure at a glance."""
    return {}


def show(slopes: dict, products: Products) -> Section:
    """The section of the page."""
    blocks: list = []
    if "calibrations" not in products.settings:
        blocks.append(Notice("The frames arrived reduced: this release made no calibrations."))
    elif not any(slopes.values()):
        blocks.append(Notice("No photon-transfer slopes were found."))
    else:
        blocks += [_plot(slopes, products), _grid(slopes)]
    blocks += [Notice(sentence) for sentence in products.without()]
    return Section("calibrations", "Calibrations", LEAD, blocks)


def _values(amplifiers: dict, key: str) -> list[float]:
    return [v for a in amplifiers.values() if (v := a.get(key)) is not None]


def _grid(slopes: dict) -> Grid:
    rows = []
    for (site, run), amplifiers in slopes.items():
        measured = len(_values(amplifiers, "gain"))
        cells = [site, run, f"{measured} / {len(amplifiers)}"]
        for key in ("gain", "read_noise"):
            values = _values(amplifiers, key)
            cells.append(number(median(values), 3 if key == "gain" else 2))
            spread = f"{number(min(values), 2)} … {number(max(values), 2)}" if values else "–"
            cells.append(spread)
        rows.append(Row(tuple(cells)))
    columns = (
        ("site", ""),
        ("run", ""),
        ("amplifiers", "measured / all"),
        ("gain, median", "e⁻/ADU"),
        ("range", "e⁻/ADU"),
        ("read noise, median", "e⁻"),
        ("range", "e⁻"),
    )
    return Grid("Gain and read noise by site and run.", columns, rows, words=(0, 1))


def _plot(slopes: dict, products: Products) -> Plot:
    names = [amplifier.name for amplifier in products.camera.amplifiers()]
    sites = sorted({site for site, _ in slopes})
    labels = (("gain", "gain (e⁻/ADU)"), ("read_noise", "read noise (e⁻)"))
    with drawing(8, 3.6, 2, 1, sharex=True) as (figure, axes):
        for panel, (key, label) in zip(axes[:, 0], labels, strict=True):
            for (site, _), amplifiers in slopes.items():
                at = [i for i, n in enumerate(names) if amplifiers.get(n, {}).get(key) is not None]
                tint = SITE_COLOURS[sites.index(site) % len(SITE_COLOURS)]
                values = [amplifiers[names[i]][key] for i in at]
                panel.plot(at, values, "o", ms=4, alpha=0.8, color=tint, mec="white", mew=0.4)
            for edge in range(1, len(names)):
                if names[edge][0] != names[edge - 1][0]:
                    panel.axvline(edge - 0.5, color=GREY, lw=0.6, ls=":")
            panel.set_ylabel(label)
            panel.grid(axis="y")
        axes[1, 0].set_xticks(range(len(names)), names, rotation=90, fontsize=7)
        axes[1, 0].set_xlabel("amplifier")
        for i, site in enumerate(sites):
            axes[0, 0].plot([], [], "o", color=SITE_COLOURS[i % len(SITE_COLOURS)], label=site)
        axes[0, 0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(sites))
        address = png(figure)
    return Plot("Gain and read noise of each amplifier, a point per run.", address, 1040)
