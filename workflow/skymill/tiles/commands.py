"""The commands of the tiles room."""

import argparse
from contextlib import ExitStack
from pathlib import Path

from ..command import add_step


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
    parser.add_argument("--tile", required=True, help="the tile's name")
    parser.add_argument("--band", required=True, help="the band")
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
    for plane in ("image", "variance", "mask", "nexp", "exptime", "epoch"):
        parser.add_argument(
            f"--out-{plane}", type=Path, required=True, help=f"where the plane {plane} goes"
        )
    parser.add_argument(
        "--out-mjd", type=Path, required=True, help="where first, mean and last epochs go, by block"
    )


def combine(options: argparse.Namespace) -> None:
    """Stack those frames whose verdict passes."""
    import numpy as np

    from ..config import load_camera, load_config, load_rows
    from ..errors import ConfigError
    from ..geometry import tile_cards
    from ..io.fits import mask_legend, write_images
    from ..io.provenance import recording
    from ..io.rows import writing_rows
    from .cards import stack_cards
    from .epochs import BLOCK, epoch_images
    from .footprint import tile_wcs
    from .frame import read_frames
    from .levels import match_levels
    from .stack import PLANES, stack_bands

    config = load_config(options.config)
    settings, camera = config["tiles"], load_camera(config["camera"])
    rows = {row["tile"]: row for row in load_rows(config["tables"]["tiles"], "tiles_table")}
    if options.tile not in rows:
        raise ConfigError(f"{config['tables']['tiles']}: no tile {options.tile}.")
    centre = rows[options.tile]["ra"], rows[options.tile]["dec"]
    size, scale = settings["size"], settings["pixel_scale"]
    frames = read_frames(
        options.images, options.masks, options.verdicts, options.tile, options.band
    )
    inputs = [*options.images, *options.masks, *options.verdicts]
    with (
        recording("tiles combine", settings, inputs, options.receipt) as record,
        ExitStack() as stack,
    ):
        wcs = tile_wcs(*centre, size, scale)
        layers = _open_layers(stack, frames, camera, wcs, size)
        used = [frame for frame, _ in layers]
        layers = [layer for _, layer in layers]
        if settings["background"]["match"]:
            layers = match_levels(layers, settings["background"]["darkest"])
        cards = stack_cards(options.tile, options.band, used, layers, settings)
        grid = tile_cards(*centre, size, scale)
        writers, blocks = {}, []
        for plane, dtype in PLANES.items():
            path = getattr(options, f"out_{plane}")
            extra = mask_legend() if plane == "mask" else []
            writers[plane] = stack.enter_context(
                writing_rows(path, (size, size), dtype, [*cards, *grid, *extra], record)
            )
        for planes in stack_bands(layers, size, settings):
            for plane, write in writers.items():
                write(planes[plane])
            blocks.append(planes["blocks"])
        coarse = tile_cards(*centre, size / BLOCK, scale * BLOCK)
        epochs = epoch_images(np.concatenate(blocks), cards, coarse)
        write_images(options.out_mjd, epochs, record)
    print(f"{options.tile} {options.band}: {len(used)} of {len(frames)} frames stacked")


def _open_layers(
    stack: ExitStack, frames: list, camera: object, wcs: object, size: int
) -> list[tuple]:
    """(frame, layer) of every frame that passes and touches the tile, its files open."""
    from .footprint import chip_nodes
    from .frame import open_chips
    from .stack import Layer

    opened = []
    for frame in frames:
        if not frame.used:
            continue
        chips = stack.enter_context(open_chips(frame, camera.chips))
        placed = [(chip, chip_nodes(chip.wcs, chip.shape, wcs, size)) for chip in chips]
        placed = [(chip, nodes) for chip, nodes in placed if nodes is not None]
        if placed:
            opened.append((frame, Layer(placed, frame.exptime, frame.mjd, frame.fwhm)))
    return opened
