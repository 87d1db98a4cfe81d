"""``skymill diff``: where two releases, or two products, differ."""

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from ..why.release import Release
    from .difference import Difference

EQUAL, DIFFER, ERROR = 0, 1, 2
MANIFESTS = ("manifest.json", "manifest.parquet")
EXAMPLES = """exit code: 0 equal, 1 differ, 2 error

examples:
  skymill diff results/mini other/results/mini
  skymill diff results/mini published/manifest.json
  skymill diff results/mini/frames/a.fits other/results/mini/frames/a.fits"""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("a", type=Path, metavar="A", help="a release's folder, manifest or product")
    parser.add_argument("b", type=Path, metavar="B", help="what it is compared with")
    parser.add_argument("--most", type=int, default=20, help="lines shown of each list (20)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run, error_code=ERROR)


def run(options: argparse.Namespace) -> int:
    """Print what differs; give the exit code."""
    from ..why.release import Release

    for path in (options.a, options.b):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; expected a release or a product.")
    folders = [_release(path) for path in (options.a, options.b)]
    if None in folders:
        if folders != [None, None]:
            raise InputError(
                f"{options.a} and {options.b}: expected two releases or two products, got one each."
            )
        found = _products(options.a, options.b)
    else:
        found = _releases(*(Release(folder) for folder in folders), options.most)
    if options.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        print("\n".join(_lines(found, options.most)))
    return EQUAL if found["equal"] else DIFFER


def _release(path: Path) -> Path | None:
    """The folder of the release that a path stands for; None for a product."""
    if path.is_dir():
        return path
    return path.parent if path.name in MANIFESTS else None


def _products(a: Path, b: Path) -> dict:
    """Compare two products; where their releases' manifests are at hand, find where it begins."""
    from ..why.release import Release, release_folder
    from .product import compare_products
    from .release import behind

    found = compare_products(a, b)
    first: Iterable[str] = ()
    folders = [release_folder(path) for path in (a, b)]
    if found and all(folders):
        names = [
            path.absolute().relative_to(f).as_posix()
            for path, f in zip((a, b), folders, strict=True)
        ]
        graphs = [Release(folder).graph for folder in folders]
        if names[0] == names[1] and all(names[0] in graph.files for graph in graphs):
            first = behind(*graphs, names[0])
    return {"equal": not found, "first": [*first], "files": {str(b): _facts(found)}}


def _releases(a: "Release", b: "Release", most: int) -> dict:
    """Compare two releases; the first files that differ are opened where both are at hand."""
    from .release import compare_manifests, facts_that_differ, reasons

    compared = compare_manifests(a.graph, b.graph)
    facts = [(name, *values) for name, *values in facts_that_differ(a.facts, b.facts)]
    files = {}
    for name in compared.first[:most]:
        known = [{"where": w, "a": x, "b": y} for w, x, y in reasons(*_both(a, b, name))]
        files[name] = known + _facts(_opened(a, b, name))
    return {
        "equal": not (facts or compared.differing or compared.only_a or compared.only_b),
        "root_hash": [a.facts["root_hash"], b.facts["root_hash"]],
        "facts": [{"where": name, "a": x, "b": y} for name, x, y in facts],
        "only_a": [*compared.only_a],
        "only_b": [*compared.only_b],
        "total": compared.total,
        "differing": len(compared.differing),
        "first": [*compared.first],
        "later": compared.rooms(),
        "files": files,
    }


def _both(a: "Release", b: "Release", name: str) -> tuple:
    return a.graph.files[name], b.graph.files[name]


def _opened(a: "Release", b: "Release", name: str) -> "list[Difference]":
    from .product import compare_products

    paths = [release.folder / name for release in (a, b)]
    return compare_products(*paths) if all(path.is_file() for path in paths) else []


def _facts(found: "Iterable[Difference]") -> list[dict]:
    return [difference.as_json() | {"text": difference.text()} for difference in found]


def _lines(found: dict, most: int) -> Iterator[str]:
    if found["equal"]:
        yield "equal" + (f": root hash {found['root_hash'][0]}" if "root_hash" in found else "")
        if "root_hash" in found:
            yield "So say the manifests; whether the files are theirs: skymill release verify."
        return
    if "root_hash" in found:
        yield from _overview(found, most)
    for name, places in found["files"].items():
        step = "" if "root_hash" in found else ":"
        yield f"{name}{step}"
        texts = [p.get("text") or f"{p['where']}: {p['a']} → {p['b']}" for p in places]
        yield from _some([f"  {text}" for text in texts], most)
    if "root_hash" not in found and found["first"]:
        yield "It begins with: " + ", ".join(found["first"][:most])
    if found.get("later"):
        later = ", ".join(f"{room} {count:,}" for room, count in sorted(found["later"].items()))
        yield f"Made from these, and different too: {later}"


def _overview(found: dict, most: int) -> Iterator[str]:
    yield f"root hash: {found['root_hash'][0]} → {found['root_hash'][1]}"
    for fact in found["facts"]:
        yield f"{fact['where']}: {fact['a']} → {fact['b']}"
    for side, names in (("first", found["only_a"]), ("second", found["only_b"])):
        yield from _some([f"only in the {side}: {name}" for name in names], most)
    yield (
        f"{found['differing']:,} of {found['total']:,} files differ; it begins with these "
        f"{len(found['first']):,}, all of whose parents are equal:"
    )


def _some(lines: list[str], most: int) -> Iterator[str]:
    yield from lines[:most]
    if len(lines) > most:
        yield f"… and {len(lines) - most:,} more"
