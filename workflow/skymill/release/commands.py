"""The release room's commands: archive, report, summary, manifest, verify."""

import argparse
from pathlib import Path

from ..command import add_step
from ..config import load_config, switch
from ..errors import DataError, InputError
from ..io.provenance import recording
from ..tree import Tree

SHOWN = 50
"""How many differences `verify` prints."""


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the room's steps to the command line."""
    step = add_step(
        steps,
        "archive",
        run_archive,
        "pack products into a .tar.gz that is the same every time",
        "--list results/mini/run/lists/ZeroPoint.txt --out KS4_MINI_ZeroPoint_Maps.tar.gz",
    )
    files = step.add_mutually_exclusive_group(required=True)
    files.add_argument("--list", type=Path, help="a file that names the products, one a line")
    files.add_argument("--files", type=Path, nargs="+", help="the products")
    step.add_argument("--out", type=Path, required=True, help="the archive")

    step = add_step(
        steps,
        "report",
        run_report,
        "the quality report, and the figures at a glance",
        "--folder results/mini --page report/index.html --figures report/figures.json",
    )
    step.add_argument("--folder", type=Path, required=True, help="the release, results/<release>")
    step.add_argument("--page", type=Path, required=True, help="the report (HTML)")
    step.add_argument("--figures", type=Path, required=True, help="the figures (JSON)")

    add_step(
        steps,
        "summary",
        run_summary,
        "print the figures at a glance",
        "",
    )

    step = add_step(
        steps,
        "manifest",
        run_manifest,
        "list every file of the release with its checksum and parents",
        "--receipts results/mini/run/lists/receipts.txt --json manifest.json"
        " --table manifest.parquet",
    )
    step.add_argument("--receipts", type=Path, required=True, help="a file that names the receipts")
    step.add_argument("--json", type=Path, required=True, help="the release's identity (JSON)")
    step.add_argument("--table", type=Path, required=True, help="a row per file (Parquet)")

    add_step(
        steps,
        "verify",
        run_verify,
        "hash every product again and compare with the manifest",
        "",
    )


def _tree(settings: dict) -> Tree:
    return Tree.of(settings)


def run_archive(options: argparse.Namespace) -> None:
    """Pack the files that are named, in a list or on the command line."""
    from ..io.tar import write_tar
    from .archive import archive_members, read_list

    settings = load_config(options.config)
    names = options.files if options.files else read_list(options.list)
    members = archive_members(names)
    release = {"release": settings["release"]}
    with recording("release archive", release, members.values(), options.receipt) as record:
        write_tar(options.out, members, record)


def run_report(options: argparse.Namespace) -> None:
    """Measure the release and write the page and its figures."""
    from ..io.atomic import write_bytes
    from ..io.json import write_json
    from .page import render
    from .products import Products
    from .report import compose

    settings = load_config(options.config)
    if not options.folder.is_dir():
        raise InputError(f"{options.folder}: expected the folder of a release; build it first.")
    products = Products.of(settings, options.folder)
    products.injected = bool(switch(options.config, "sources", "injection"))
    report = compose(products)
    release = {"release": settings["release"]}
    inputs = sorted(set(products.read))
    with recording("release report", release, inputs, options.receipt) as record:
        facts = [(name, value) for name, value in record.items() if name != "inputs"]
        facts.append(("inputs", f"{len(record.inputs)} files, named in the manifest"))
        page = render(
            settings["release"],
            report.figures,
            products.bands,
            report.sections,
            products.missing,
            facts,
        )
        write_bytes(options.page, page.encode())
        record.wrote(options.page)
        write_json(options.figures, report.figures, record)


def run_summary(options: argparse.Namespace) -> None:
    """Print the figures at a glance."""
    from ..io.json import read_json
    from .figures import text_table

    settings = load_config(options.config)
    tree = _tree(settings)
    if not (Path(tree.out) / "manifest.json").is_file():
        raise InputError(
            f"{tree.out}/manifest.json: no such file; the release '{tree.release}' isn't built, or "
            f"not to its end. Build it with: snakemake --cores all --configfile {options.config}"
        )
    path = Path(tree.out) / "report" / "figures.json"
    release = settings["release"]
    print(f"{release['title']} ({release['name']}, {release['date']})")
    print(text_table(read_json(path), settings["bands"]))
    print(f"report: {tree.out}/report/index.html")


def run_manifest(options: argparse.Namespace) -> None:
    """Assemble the manifest from the receipts; the JSON file comes last."""
    from ..io.json import write_json
    from ..io.parquet import table_schema, write_table
    from .archive import read_list
    from .ledger import check_products, identity, input_sizes, read_receipts, to_table
    from .manifest import assemble, unpinned

    settings = load_config(options.config)
    tree = _tree(settings)
    receipts = read_receipts(read_list(options.receipts))
    entries = assemble(receipts)
    check_products(entries, tree)
    input_sizes(entries, tree, settings["tables"])
    release = {"release": settings["release"]}
    options.json.unlink(missing_ok=True)
    # The receipts are no inputs here: each row says what its file was made from.
    with recording("release manifest", release, (), options.receipt) as record:
        write_table(options.table, to_table(entries), table_schema("manifest"), record)
        facts = identity(entries, settings, options.table, unpinned(receipts))
        write_json(options.json, facts, record)


def run_verify(options: argparse.Namespace) -> None:
    """Compare the release on disk with its manifest; what differs is printed and is an error."""
    from .ledger import read_manifest, sky_tiles
    from .verify import differences, unlisted

    settings = load_config(options.config)
    folder = Path(_tree(settings).out)
    facts, files = read_manifest(folder)
    found = list(differences(folder, files))
    faulty = {name for name, _ in found}
    tiles = sky_tiles(folder, [name for name, _, _ in files if name not in faulty])
    found += differences(folder, tiles)
    for name, problem in found[:SHOWN]:
        print(f"{name}: {problem}")
    if len(found) > SHOWN:
        print(f"… and {len(found) - SHOWN} more")
    known = {name for name, _, _ in [*files, *tiles]} | {"manifest.json", "manifest.parquet"}
    for name in unlisted(folder, known)[:SHOWN]:
        print(f"{name}: isn't in the manifest (ignored)")
    if found:
        raise DataError(
            f"{folder}: {len(found)} of {len(files) + len(tiles)} files differ from the manifest. "
            "Fetch or build these files again."
        )
    print(
        f"{folder}: all {len(files)} files and {len(tiles)} sky tiles are as the manifest says "
        f"(root hash {facts['root_hash']})."
    )
