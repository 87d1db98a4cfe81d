"""``skymill why``: what a product or a catalogue row was made from, back to the raw frames."""

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from .node import Node
    from .release import Release

ROW = re.compile(r"(idual_master|single_master)(?::(-?\d+))?")
NO_ROW = re.compile(r"(idual_master|single_master):(.*)")
EXAMPLES = """examples:
  skymill why results/mini/stacks/0000.000-30/I/image.fits
  skymill why catalogs/0000.000-30/Idual.parquet --release results/mini --depth 2
  skymill why idual_master:5060863211110400003
  skymill why single_master --ra 359.87 --dec -30.01 --json"""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument(
        "target",
        help="a product's path, on disk or inside the release; idual_master:ID or "
        "single_master:ID; a master's name with --ra and --dec",
    )
    parser.add_argument("--ra", type=float, help="right ascension of an object, degrees")
    parser.add_argument("--dec", type=float, help="its declination, degrees")
    parser.add_argument("--release", type=Path, help="the release's folder (results/<release>)")
    parser.add_argument(
        "--config", type=Path, help="the release's configuration (default: config/config.yaml)"
    )
    parser.add_argument("--depth", type=int, help="levels below the product (default: all)")
    parser.add_argument(
        "--full", action="store_true", help="every parent of every file, every hash, no 'as above'"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the tree."""
    from .node import Builder, cut
    from .release import Release
    from .render import to_json, to_text

    if options.depth is not None and options.depth < 0:
        raise InputError(f"--depth: got {options.depth}, expected 0 or more.")
    row = ROW.fullmatch(options.target)
    if row is None and (wrong := NO_ROW.fullmatch(options.target)):
        raise InputError(f"{options.target}: expected a number after ':', got {wrong[2]!r}.")
    release = Release(folder(options, row is not None))
    builder = Builder(release.graph, release.describe, options.full)
    if row is not None:
        root = cut(object_tree(options, row, release, builder), options.depth)
    else:
        file = release.file(name_inside(options.target, release.folder))
        root = builder.node([file], options.depth)
    if options.json:
        facts = {name: release.facts[name] for name in ("release", "software", "root_hash")}
        print(json.dumps({**facts, "tree": to_json(root)}, indent=1, ensure_ascii=False))
    else:
        print("\n".join(to_text(root, options.full)))


def object_tree(options: argparse.Namespace, row: re.Match, release: "Release", builder) -> "Node":
    """The tree of a catalogue's row, by identifier or by position."""
    from ..config import load_config
    from .object_tree import Tracer, find_row, nearest_row

    catalogue, identifier = row[1], row[2]
    own = release.folder / "run" / "config.yaml"
    if options.config is None and not own.is_file():
        raise InputError(f"{own}: no such file; name the release's configuration with --config.")
    settings = load_config(options.config or own)
    if identifier is not None:
        found = find_row(release, catalogue, int(identifier))
    elif options.ra is not None and options.dec is not None:
        found = nearest_row(release, catalogue, options.ra, options.dec)
    else:
        raise InputError(f"{catalogue}: give {catalogue}:ID, or --ra and --dec.")
    return Tracer(release, settings, builder).tree(catalogue, *found)


def folder(options: argparse.Namespace, is_row: bool) -> Path:
    """The release's folder: as named, else the target's own, else the configuration's."""
    from ..config import load_config
    from ..tree import Tree
    from .release import release_folder

    if options.release is not None:
        return options.release
    above = None if is_row else release_folder(Path(options.target))
    if above is not None:
        return above
    settings = load_config(options.config or Path("config/config.yaml"))
    return Path(Tree.of(settings).out)


def name_inside(target: str, folder: Path) -> str:
    """A file's name inside the release, from its path on disk or from that name itself."""
    from ..io.provenance import logical_name

    path, root = Path(target).absolute(), folder.absolute()
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    parts = Path(target).parts
    roots = [at for at, part in enumerate(parts[:-2]) if part in ("results", "data")]
    if roots and parts[roots[-1] + 1] != root.name:
        other = Path(*parts[: roots[-1] + 2])
        raise InputError(
            f"{target}: {other} isn't the release {folder}, whose manifest is read. If it is built "
            f"(it then holds a manifest.json), name its folder with --release."
        )
    return logical_name(target) if roots else target
