"""How the report's plots look, and how they become bytes: the same ones every time."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from .histogram import Histogram

COLOURS = {"B": "#0072B2", "V": "#009E73", "R": "#D55E00", "I": "#8C4A9E"}
"""A colour per band, told apart by colour-blind eyes too (Okabe & Ito's blue, green, vermilion,
and a dark purple)."""
MARKERS = {"B": "o", "V": "s", "R": "^", "I": "D"}
INK = "#22303c"
GREY = "#8794a0"
MAP = "viridis"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e3e8ec",
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}
RESOLUTION = 150


@contextmanager
def drawing(width: float, height: float, rows: int = 1, columns: int = 1, **options) -> Iterator:
    """A figure and its axes in the report's style.

    Parameters
    ----------
    width, height : float
        Inches.
    rows, columns : int
        Panels.
    **options
        For ``Figure.subplots``.

    Yields
    ------
    figure : matplotlib.figure.Figure
    axes : ndarray of Axes
        Shape (rows, columns).
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **options)
        yield figure, axes


def png(figure) -> str:
    """A figure as a ``data:`` address of a PNG in few colours, without any metadata."""
    return data_address(in_few_colours(pixels(figure)))


def in_few_colours(picture: np.ndarray) -> bytes:
    """RGB pixels as a PNG in 256 colours of its own: half to a third of the size.

    A page holds many figures. The palette covers all that occur evenly, so that no tint is far off
    and bars of colours have no steps.
    """
    from PIL import Image

    buffer, how = io.BytesIO(), Image.Quantize.MAXCOVERAGE
    few = Image.fromarray(picture).quantize(256, how, dither=Image.Dither.NONE)
    few.save(buffer, format="png")
    return buffer.getvalue()


def pixels(figure) -> np.ndarray:
    """A figure as pixels: uint8, RGB, shape (height, width, 3), row 0 on top."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(RESOLUTION)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def encode(pixels: np.ndarray) -> str:
    """Pixels (uint8; grey, grey + alpha, RGB or RGBA; row 0 on top) as a ``data:`` address."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", compress_level=6)
    return data_address(buffer.getvalue())


def data_address(picture: bytes) -> str:
    """The address of a PNG that is its own content."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def colour(band: str) -> str:
    """A band's colour."""
    return COLOURS.get(band, INK)


def marker(band: str) -> str:
    """A band's marker."""
    return MARKERS.get(band, "o")


def draw_counts(panel, histogram: Histogram, name: str, most: float | None = None):
    """A 2-D histogram in logarithmic tints; a single object is still to be seen.

    `most` is the count that is darkest, by default the histogram's. Gives the image, for its bar.
    """
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap, LogNorm

    tints = ListedColormap(colormaps[name](np.linspace(0.25, 1, 256)))
    counts = np.where(histogram.counts, histogram.counts, np.nan).T
    limits = LogNorm(1, max(10, histogram.counts.max() if most is None else most))
    return panel.pcolormesh(*histogram.edges, counts, norm=limits, cmap=tints)


def draw_map(
    figure, panel, values: np.ndarray, title: str, cmap: str = MAP, limit: float | None = None
) -> None:
    """Values, indexed [y, x], with their colour bar; with a limit symmetric about 0."""
    known = np.isfinite(values).any()
    panel.set_facecolor("#d5dade")
    panel.set_title(title if known else f"{title}   no value".strip())
    panel.set_xticks([])
    panel.set_yticks([])
    panel.spines[:].set_visible(False)
    limits = {} if known else {"vmin": 0, "vmax": 1}
    if limit is not None:
        limits = {"vmin": -limit, "vmax": limit}
    image = panel.imshow(values, origin="lower", cmap=cmap, **limits)
    bar = figure.colorbar(image, ax=panel, location="bottom", pad=0.03, aspect=14)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7)
    bar.ax.locator_params(nbins=3)
    bar.formatter.set_useOffset(False)
