"""``skymill depth``: how deep a release is at a position, in every band."""

import argparse
from pathlib import Path

EXAMPLES = """example:
  skymill depth --release results/mini --ra 359.87 --dec -30.01"""
LINE = "{:6} {:>9} {:>11} {:>8} {:>5}  {}"


def register(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--release", type=Path, required=True, help="its folder; stacks/ and moc/ suffice"
    )
    parser.add_argument("--ra", type=float, required=True, help="degrees ICRS")
    parser.add_argument("--dec", type=float, required=True, help="degrees ICRS")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
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
