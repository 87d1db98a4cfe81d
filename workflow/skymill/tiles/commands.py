"""The commands of the tiles room."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ..command import add_step

if TYPE_CHECKING:
    from ..io.fits import Card
    from ..io.provenance import Record
    from .frame import Frame
    from .stack import Layer

WARPED = ("image", "variance", "mask")
"""The planes of a warp: those of a stack that differ from pixel to pixel in a single exposure."""


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the room's steps."""
    parser = add_step(
        steps,
        "combine",
        combine,
        "frames of a tile and band → the planes of its unscaled stack",
        "--tile 0000.000-30 --band R --images a.fits b.fits "
        "--masks a.mask.fits b.mask.fits --verdicts a.json b.json --out-image image.fits "
        "--out-variance variance.fits --out-mask mask.fits --out-nexp nexp.fits "
        "--out-exptime exptime.fits --out-epoch epoch.fits --out-mjd mjd.fits",
    )
    _add_tile(parser)
    for name, meaning in (
        (
            "images",
            "calibrated frames, files of one exposure side by side: all candidates (none: "
            "planes without data)",
        ),
        ("masks", "their masks, in the same order"),
        ("verdicts", "their verdicts, in the same order"),
    ):
        parser.add_argument(f"--{name}", nargs="*", type=Path, required=True, help=meaning)
    _add_planes(parser, ("image", "variance", "mask", "nexp", "exptime", "epoch"))
    parser.add_argument(
        "--out-mjd", type=Path, required=True, help="where first, mean and last epochs go, by block"
    )
    parser = add_step(
        steps,
        "warp",
        warp,
        "one exposure → its planes on the tile's grid, cut to what it covers",
        "--tile 0000.000-30 --band R --images a.fits --masks a.mask.fits --verdict a.json "
        "--out-image warps/a.image.fits --out-variance warps/a.variance.fits "
        "--out-mask warps/a.mask.fits",
    )
    _add_tile(parser)
    for name, meaning in (
        ("images", "the calibrated frame: a file, or one per chip"),
        ("masks", "its mask: as many files, in the same order"),
    ):
        parser.add_argument(f"--{name}", nargs="+", type=Path, required=True, help=meaning)
    parser.add_argument("--verdict", type=Path, required=True, help="its verdict")
    _add_planes(parser, WARPED)


def _add_tile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tile", required=True, help="the tile's name")
    parser.add_argument("--band", required=True, help="the band")


def _add_planes(parser: argparse.ArgumentParser, planes: Sequence[str]) -> None:
    for plane in planes:
        parser.add_argument(
            f"--out-{plane}", type=Path, required=True, help=f"where the plane {plane} goes"
        )


def combine(options: argparse.Namespace) -> None:
    """Stack those frames whose verdict passes."""
    import numpy as np

    from ..config import load_config
    from ..geometry import tile_cards
    from ..io.fits import write_images
    from ..io.provenance import recording
    from .cards import stack_cards
    from .epochs import BLOCK, epoch_images
    from .frame import read_frames
    from .levels import match_levels
    from .stack import PLANES, stack_bands

    config = load_config(options.config)
    settings, grid = config["tiles"], _grid(config, options.tile)
    frames = read_frames(
        options.images, options.masks, options.verdicts, options.tile, options.band
    )
    inputs = [*options.images, *options.masks, *options.verdicts]
    with (
        recording("tiles combine", settings, inputs, options.receipt) as record,
        ExitStack() as stack,
    ):
        opened = _open_layers(stack, frames, config, grid)
        used, layers = [frame for frame, _ in opened], [layer for _, layer in opened]
        if settings["background"]["match"]:
            layers = match_levels(layers, settings["background"]["darkest"])
        cards = stack_cards(options.tile, options.band, used, layers, settings)
        ra, dec, size, scale = grid
        own = [*cards, *tile_cards(*grid)]
        write = _writing(stack, options, tuple(PLANES), (size, size), own, record)
        blocks = []
        for planes in stack_bands(layers, (size, size), settings):
            write(planes)
            blocks.append(planes["blocks"])
        coarse = tile_cards(ra, dec, size / BLOCK, scale * BLOCK)
        epochs = epoch_images(np.concatenate(blocks), cards, coarse)
        write_images(options.out_mjd, epochs, record)
    off = [frame.exposure for frame in frames if frame.used and frame not in used]
    said = f"; no chip on the tile: {', '.join(off)}" if off else ""
    print(f"{options.tile} {options.band}: {len(used)} of {len(frames)} frames stacked{said}")


def warp(options: argparse.Namespace) -> None:
    """Resample one exposure: a stack of it alone, of the part of the tile that it covers."""
    from ..config import load_config
    from ..geometry import tile_cards
    from ..io.provenance import recording
    from .cards import part_cards, warp_cards
    from .frame import read_frames
    from .stack import covered, stack_bands

    config = load_config(options.config)
    settings, grid = config["tiles"], _grid(config, options.tile)
    frames = read_frames(
        options.images, options.masks, [options.verdict], options.tile, options.band
    )
    inputs = [*options.images, *options.masks, options.verdict]
    with (
        recording("tiles warp", settings, inputs, options.receipt) as record,
        ExitStack() as stack,
    ):
        opened = _open_layers(stack, frames, config, grid)
        layers, corner, shape = covered([layer for _, layer in opened], grid[2])
        cards = warp_cards(options.tile, options.band, frames[0], layers, settings)
        cards += part_cards(tile_cards(*grid), corner)
        write = _writing(stack, options, WARPED, shape, cards, record)
        for planes in stack_bands(layers, shape, settings):
            write(planes)
    nothing = "it has no chip on the tile" if frames[0].used else "it didn't pass"
    said = f"{shape[1]} × {shape[0]} pixels" if layers else f"no pixel, {nothing}"
    print(f"{options.tile} {options.band} {frames[0].exposure}: {said}")


def _grid(config: Mapping, name: str) -> tuple[float, float, int, float]:
    """Centre (degrees), pixels a side and pixel scale (arcsec) of a tile of the survey's table."""
    from ..config import load_rows
    from ..errors import ConfigError

    table, settings = config["tables"]["tiles"], config["tiles"]
    row = next((row for row in load_rows(table, "tiles_table") if row["tile"] == name), None)
    if row is None:
        raise ConfigError(f"{table}: no tile {name}.")
    return row["ra"], row["dec"], settings["size"], settings["pixel_scale"]


def _open_layers(
    stack: ExitStack,
    frames: Sequence["Frame"],
    config: Mapping,
    grid: tuple[float, float, int, float],
) -> list[tuple["Frame", "Layer"]]:
    """(frame, layer) of every frame that passes and touches the tile, its files open."""
    from ..config import load_camera
    from .footprint import check_scale, chip_nodes, tile_wcs
    from .frame import open_chips
    from .stack import Layer

    camera, wcs, opened = load_camera(config["camera"]), tile_wcs(*grid), []
    size, limit = grid[2], config["tiles"]["decimation"]
    for frame in frames:
        if not frame.used:
            continue
        chips = stack.enter_context(open_chips(frame, camera.chips))
        placed = [(chip, chip_nodes(chip.wcs, chip.shape, wcs, size)) for chip in chips]
        placed = [(chip, nodes) for chip, nodes in placed if nodes is not None]
        for chip, nodes in placed:
            check_scale(nodes, grid[3], limit, chip.image)
        if placed:
            opened.append((frame, Layer(placed, frame.exptime, frame.mjd, frame.fwhm)))
    return opened


def _writing(
    stack: ExitStack,
    options: argparse.Namespace,
    planes: Sequence[str],
    shape: tuple[int, int],
    cards: Sequence["Card"],
    record: "Record",
) -> Callable[[Mapping], None]:
    """Open the files of some planes; the function given back writes their next rows."""
    from ..io.fits import mask_legend
    from ..io.rows import writing_rows
    from .stack import PLANES

    writers = {}
    for plane in planes:
        path, extra = getattr(options, f"out_{plane}"), mask_legend() if plane == "mask" else []
        writing = writing_rows(path, shape, PLANES[plane], [*cards, *extra], record)
        writers[plane] = stack.enter_context(writing)

    def write(rows: Mapping) -> None:
        for plane, write_rows in writers.items():
            write_rows(rows[plane])

    return write
