"""``skymill sources inject``: put stars and galaxies of known flux into a published stack, measure
it anew, and say which are found and how well they are measured.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..command import add_step

if TYPE_CHECKING:
    from astropy.io.fits import Header
    from astropy.table import Table

    from .injected import Seeing
    from .injected_light import Good
    from .injection import Found
    from .measure import Band

CARDS = ("MAGZERO", "ZPSCALED", "ZPAPER")
"""What the header of a published stack says of its zero point."""


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step to the room's parser."""
    parser = add_step(
        steps,
        "inject",
        run,
        "inject sources into a published stack: completeness, purity, bias, scatter",
        "--tile 0000.000-30 --band I --image stacks/0000.000-30/I/image.fits "
        "--variance stacks/0000.000-30/I/variance.fits --mask stacks/0000.000-30/I/mask.fits "
        "--nexp stacks/0000.000-30/I/nexp.fits --out injected_0000.000-30_I.parquet "
        "--summary injected_0000.000-30_I.json",
    )
    parser.add_argument("--tile", required=True, help="the tile")
    parser.add_argument("--band", required=True, help="the band")
    for name, what in (
        ("image", "the published stack, scaled to one zero point"),
        ("variance", "its variance"),
        ("mask", "its mask bits"),
        ("nexp", "exposures per pixel: nothing is injected where there are none"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=what)
    parser.add_argument("--out", type=Path, required=True, help="table injection")
    parser.add_argument("--summary", type=Path, required=True, help="its summary (JSON)")


@dataclass(frozen=True)
class Stack:
    """A published stack, as injection takes it.

    Attributes
    ----------
    band : Band
        Its planes and gain.
    good : callable
        Window → where an exposure saw the sky, bool.
    zero : (float, float)
        Its zero point, mag, and the diameter of the aperture in which it holds, arcsec.
    gain : float
        e⁻ per image unit; 0: unknown.
    saturation : float
        Image units; infinite: unknown.
    fwhm : float
        The header's seeing, pixels; NaN: unknown.
    pixel_scale : float
        Arcsec.
    """

    band: "Band"
    good: "Good"
    zero: tuple[float, float]
    gain: float
    saturation: float
    fwhm: float
    pixel_scale: float


def run(options: argparse.Namespace) -> None:
    """Read the stack, inject in rounds, write the table and its summary."""
    from tempfile import TemporaryDirectory

    from astropy.table import Column

    from ..config import load_config, switch
    from ..errors import ConfigError
    from ..io.json import write_json
    from ..io.parquet import table_schema, write_table
    from ..io.provenance import recording
    from .injection import complete_magnitudes, statistics

    config = load_config(options.config)
    extraction = config["sources"]["extraction"]
    injection = switch(options.config, "sources", "injection")
    if injection is None:
        raise ConfigError(f"{options.config}: sources.injection is null; give it its settings.")
    scale = config["tiles"]["pixel_scale"]
    used = {"extraction": extraction, "injection": injection, "pixel_scale": scale}
    inputs = [options.image, options.variance, options.mask, options.nexp]
    with recording("sources inject", used, inputs, options.receipt) as record:
        stack = published_stack(*inputs, scale)
        with TemporaryDirectory() as folder:
            unit = options.tile, options.band
            rounds, seeing = inject(stack, injection, extraction, unit, Path(folder) / "image")
        table = statistics(rounds, injection)
        for at, name in enumerate(("tile", "band")):
            table.add_column(Column([getattr(options, name)] * len(table), name), at)
        write_table(options.out, table, table_schema("injection"), record)
        summary = summarised(rounds, seeing, stack, complete_magnitudes(table))
        write_json(options.summary, {"tile": unit[0], "band": unit[1], **summary}, record)


def published_stack(image: Path, variance: Path, mask: Path, nexp: Path, scale: float) -> Stack:
    """The stack in these files; `scale` in arcsec per pixel.

    Raises
    ------
    InputError
        If the planes are of different shapes, or the image isn't scaled to a zero point.
    """
    import numpy as np

    from ..errors import InputError
    from ..io.fits import read_header
    from .apertures import DIAMETERS
    from .extract import stack_band
    from .planes import further_plane

    header = read_header(image)
    aperture = str(header.get("ZPAPER", "")).lower()
    if not header.get("ZPSCALED", False) or aperture not in DIAMETERS or "MAGZERO" not in header:
        said = ", ".join(f"{card} = {header.get(card)!r}" for card in CARDS)
        raise InputError(
            f"{image}: HDU 0: expected a published stack (ZPSCALED = T, MAGZERO, ZPAPER one of "
            f"{', '.join(name.upper() for name in DIAMETERS)}), got {said}. Take that of stacks/."
        )
    band = stack_band([image, variance, mask], header)
    exposures = further_plane(nexp, band.planes.shape)

    def good(window: tuple[slice, slice]) -> np.ndarray:
        pixels, spread, bits = band.planes.read(window)
        return np.isfinite(pixels) & (spread > 0) & (bits == 0) & (exposures(window) > 0)

    return Stack(
        band=band,
        good=good,
        zero=(float(header["MAGZERO"]), DIAMETERS[aperture]),
        gain=max(float(header.get("GAIN", 0.0)), 0.0),
        saturation=_level(header),
        fwhm=float(header.get("FWHM", np.nan)) / scale,
        pixel_scale=scale,
    )


def _level(header: "Header") -> float:
    """SATURATE; infinite where it isn't known."""
    level = float(header.get("SATURATE", 0.0))
    return level if level > 0 else float("inf")


def inject(
    stack: Stack, settings: Mapping, extraction: Mapping, unit: tuple[str, str], path: Path
) -> "tuple[list[Found], Seeing | None]":
    """Measure a stack as it is, then with injected sources, round after round.

    Parameters
    ----------
    stack : Stack
    settings, extraction : Mapping
        `sources.injection` and `sources.extraction`.
    unit : (str, str)
        Tile and band, which the random numbers hang on.
    path : Path
        Where the image with the sources may lie for a while.

    Returns
    -------
    rounds : list of Found
        None where the stack is empty.
    seeing : Seeing or None
    """
    from dataclasses import replace

    from ..seeding import generator
    from .injected import brightest, draw_sources
    from .injected_light import LitPlanes, lit_rows, on_good_pixels
    from .injection import recover
    from .measure import measure_bands

    def measured(band: "Band") -> "Table":
        return measure_bands({"": band}, "", extraction, stack.pixel_scale)[""]

    planes, scale = stack.band.planes, stack.pixel_scale
    before = measured(stack.band)
    if "noise" not in before.meta:
        print("no data: nothing is injected", flush=True)
        return [], None
    seeing = stack_seeing(stack, before, settings, extraction)
    print(
        f"{len(before)} sources; stars {seeing.star.fwhm * scale:.2f} arcsec wide "
        f"({'measured' if seeing.measured else 'by the header'})",
        flush=True,
    )
    limit = brightest(settings["saturation"] * stack.saturation, seeing, stack.zero, scale)
    rounds = []
    for n in range(1, settings["rounds"] + 1):
        rng = generator("injection", settings["seed"], *unit, n)
        sources = draw_sources(rng, planes.shape, seeing, limit, stack.zero, settings, scale)
        seen = on_good_pixels(sources["x"], sources["y"], stack.good, planes.shape)
        sources = sources[seen]
        with path.open("wb") as stream:
            for rows in lit_rows(
                planes, stack.good, sources, seeing.star, stack.gain, before.meta["noise"], scale,
                rng,
            ):  # fmt: skip
                rows.tofile(stream)
        after = measured(replace(stack.band, planes=LitPlanes(planes, path)))
        found = recover(sources, before, after, seeing, stack.zero, settings, scale)
        print(
            f"round {n} of {settings['rounds']}: {len(sources)} injected, "
            f"{int(found.injected['recovered'].sum())} recovered",
            flush=True,
        )
        rounds.append(found)
    return rounds, seeing


def stack_seeing(stack: Stack, before: "Table", settings: Mapping, extraction: Mapping) -> "Seeing":
    """What a point source looks like on the stack: its stars tell, or else its header's FWHM.

    Raises
    ------
    InputError
        If neither does.
    """
    from ..errors import InputError
    from .injected import seeing_from, seeing_of
    from .measure import mean_star

    star = before.meta["star"]
    if star is None:
        star = mean_star(stack.band, extraction)
    if star is not None:
        return seeing_from(star, before, settings, extraction["stellarity"]["bright_snr"])
    if not stack.fwhm > 0:
        raise InputError(
            "The stack's stars are too few to tell their profile, and its header has no FWHM "
            "(arcsec): give it one, or combine the stack again."
        )
    return seeing_of(stack.fwhm)


def summarised(
    rounds: "list[Found]", seeing: "Seeing | None", stack: Stack, complete: Mapping
) -> dict:
    """What was injected in how many rounds, in which seeing, and the magnitudes of completeness."""
    profile = None
    if seeing is not None:
        profile = {
            "from": "stars" if seeing.measured else "header",
            "fwhm": round(seeing.star.fwhm * stack.pixel_scale, 3),
            "beta": round(seeing.star.beta, 4),
            "stars": int(seeing.x.size),
        }
    return {
        "rounds": len(rounds),
        "injected": sum(len(found.injected) for found in rounds),
        "recovered": sum(int(found.injected["recovered"].sum()) for found in rounds),
        "profile": profile,
        "complete": complete,
    }
