"""``skymill maps``: a calibration map's value at a position, or for every row of a catalogue."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..tree import APERTURES, map_name

if TYPE_CHECKING:
    import numpy as np

WITH_APERTURE = {"zp": "mag", "zperr": "mag", "pstar": ""}
"""Kinds of maps that each aperture has its own of, with their units."""
KINDS = WITH_APERTURE | {"align": "arcsec", "alerr": "arcsec", "astar": "", "shift": "arcsec"}
ENDS = {"shift": ("_RA", "_DEC")}
"""Kind of map → what its columns' names end in, one for each number; nothing by default."""
KS4_SIZE = 22000
"""Pixels a side of KS4's tiles."""
EXAMPLES = """examples:
  skymill maps value --maps KS4_DR1_ZeroPoint_Maps.tar.gz --tile 0698.005-30 --band V \\
      --mode Idual --kind zp --aperture APER5 --x 10431.5 --y 8210.2
  skymill maps apply catalogue.parquet --out calibrated.parquet --maps results/mini/maps \\
      --tile 0000.000-30 --band V --mode Idual --kind zp --aperture AUTO --column ZP_AUTO"""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the command's two actions."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    value = actions.add_parser(
        "value", help="print a map's value at a position; of shift both numbers"
    )
    for axis in "xy":
        value.add_argument(f"--{axis}", type=float, required=True, help="pixels, from 1")
    apply = actions.add_parser("apply", help="add a map's values to a catalogue")
    apply.add_argument("catalogue", type=Path, help=".fits, .csv or .parquet")
    apply.add_argument("--out", type=Path, required=True, help="catalogue to write, alike")
    apply.add_argument(
        "--column",
        help="name of the new column (default: the kind, as ZP); of shift two, with _RA and _DEC",
    )
    apply.add_argument("--x-column", default="X_IMAGE", help="(default: X_IMAGE)")
    apply.add_argument("--y-column", default="Y_IMAGE", help="(default: Y_IMAGE)")
    for action, run in ((value, run_value), (apply, run_apply)):
        action.formatter_class = argparse.RawDescriptionHelpFormatter
        action.epilog = EXAMPLES
        action.add_argument(
            "--maps", type=Path, required=True, help="archive, folder or .npy file with the map"
        )
        action.add_argument("--tile", required=True, help="as 0698.005-30")
        action.add_argument("--band", required=True)
        action.add_argument("--mode", required=True, help="single or Idual")
        action.add_argument("--kind", required=True, choices=KINDS)
        action.add_argument("--aperture", choices=APERTURES, help="of zp, zperr and pstar")
        action.add_argument(
            "--size",
            type=int,
            help="pixels a side of the tile (default: of the release in which the maps lie, or "
            f"KS4's {KS4_SIZE})",
        )
        action.set_defaults(run=run)


def run_value(options: argparse.Namespace) -> None:
    """Print the value."""
    import math

    import numpy as np

    from . import look_up

    if not (math.isfinite(options.x) and math.isfinite(options.y)):
        raise InputError(f"--x, --y: expected two numbers, got {options.x} and {options.y}.")
    values, size = asked(options)
    print(*np.ravel(look_up(values, options.x, options.y, size)).tolist())


def run_apply(options: argparse.Namespace) -> None:
    """Write the catalogue with what is new."""
    import numpy as np

    from . import look_up
    from .catalogue import Columns, add_columns

    values, size = asked(options)
    name = options.column or options.kind.upper()
    names = tuple(name + end for end in ENDS.get(options.kind, ("",)))

    def at(x: "np.ndarray", y: "np.ndarray") -> "np.ndarray":
        known = np.isfinite(x) & np.isfinite(y)
        found = np.full((x.size, len(names)), np.nan)
        found[known] = look_up(values, x[known], y[known], size).reshape(-1, len(names))
        return found

    new = Columns(names, KINDS[options.kind], (options.x_column, options.y_column), at)
    rows = add_columns(options.catalogue, options.out, new)
    what = "new columns" if len(names) > 1 else "new column"
    print(f"{options.out}: {rows} rows, {what} {', '.join(names)}")


def asked(options: argparse.Namespace) -> "tuple[np.ndarray, int]":
    """The map that was asked for, and the tile's size.

    Raises
    ------
    InputError
        If the aperture doesn't fit the kind, the map can't be read, or it has more bins than the
        tile has pixels.
    """
    from . import load_map

    if (options.kind in WITH_APERTURE) != bool(options.aperture):
        needed = "needs one of " + ", ".join(APERTURES)
        said = needed if options.kind in WITH_APERTURE else "has none"
        raise InputError(f"--aperture: a map of kind {options.kind} {said}.")
    name = map_name(options.kind, options.tile, options.band, options.mode, options.aperture or "")
    values, size = load_map(options.maps, name), options.size
    if size is None:
        size = size_of_tiles(options.maps)
    if size < max(values.shape[:2]):
        raise InputError(
            f"--size: a tile of {size} pixels can't have the {values.shape[:2]} bins of {name}."
        )
    return values, size


def size_of_tiles(maps: Path) -> int:
    """Pixels a side of the tiles of the release in whose folder maps lie; KS4's outside of one."""
    from ..config import read_yaml

    for folder in (maps.absolute(), *maps.absolute().parents):
        config = folder / "run" / "config.yaml"
        if config.is_file():
            return int(read_yaml(config)["tiles"]["size"])
    return KS4_SIZE
