"""``skymill depth``: how deep a release is at a position, or where it is how deep."""

import argparse
from pathlib import Path

from ..errors import InputError

EXAMPLES = """examples:
  skymill depth --release results/mini --ra 359.87 --dec -30.01
  skymill depth --release results/mini --band V --at-least 22.2 --moc deep.fits"""
LINE = "{:6} {:>9} {:>11} {:>8} {:>5}  {}"


def register(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--release", type=Path, required=True, help="its folder; stacks/ and moc/ suffice"
    )
    position = parser.add_argument_group("at a position")
    position.add_argument("--ra", type=float, help="degrees ICRS")
    position.add_argument("--dec", type=float, help="degrees ICRS")
    position.add_argument("--json", action="store_true", help="as JSON")
    area = parser.add_argument_group("as a MOC")
    area.add_argument("--band")
    area.add_argument("--at-least", type=float, metavar="MAG", help="5σ of a point source in 5″")
    area.add_argument("--moc", type=Path, help="FITS file to write")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print a line per band, or write a MOC.

    Raises
    ------
    InputError
        If it isn't clear which.
    """
    position = [options.ra, options.dec]
    area = [options.band, options.at_least, options.moc]
    if None not in position and area == [None] * 3:
        print_depths(options)
    elif None not in area and position == [None] * 2:
        write_area(options)
    else:
        raise InputError("expected --ra and --dec, or --band, --at-least and --moc.")


def write_area(options: argparse.Namespace) -> None:
    """Write the MOC of what is that deep."""
    from ..io.moc import area, write_moc
    from . import deep_area

    moc = deep_area(options.release, options.band, options.at_least)
    write_moc(options.moc, moc)
    print(
        f"{options.moc}: {area(moc):.4f} deg² in {options.band} to {options.at_least} mag or deeper"
    )


def print_depths(options: argparse.Namespace) -> None:
    """Print a line per band."""
    import json
    from dataclasses import asdict

    from . import depths

    found = depths(options.release, options.ra, options.dec)
    if options.json:
        print(json.dumps([asdict(depth) for depth in found], indent=1))
        return
    print(LINE.format("band", "5σ in 5″", "in seeing", "seeing", "nexp", "tile"))
    for depth in found:
        if depth.tile is None:
            print(LINE.format(depth.band, "–", "–", "–", "–", "not covered"))
            continue
        told = f"{depth.depth_5sigma:.3f}", f"{depth.depth_seeing:.3f}", f"{depth.fwhm:.2f}″"
        print(LINE.format(depth.band, *told, depth.nexp, depth.tile))
