"""``skymill check RELEASE``."""

import argparse
from pathlib import Path

from ..errors import HOW_TO_BUILD, DataError, InputError


def register(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = "example: skymill check mini --json check.json"
    parser.add_argument(
        "release",
        nargs="?",
        help="a release's name, its folder, or the folder that holds data/ and results/",
    )
    parser.add_argument("--config", type=Path, help="its configuration, instead of its name")
    parser.add_argument("--json", type=Path, help="where to write the figures too")
    parser.add_argument("--all", action="store_true", help="a line for every band, tile, exposure")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure, print, keep; a figure that fails is an error.

    Raises
    ------
    DataError
        If a figure fails, or the release isn't simulated.
    """
    import json

    from ..config import load_camera, load_config, load_rows
    from ..io.atomic import write_bytes
    from .figure import read_targets
    from .page import render
    from .products import Products
    from .release import measure
    from .table import as_json, text_table
    from .truth import read_truth

    config, root = locate(options.release, options.config)
    settings, targets = load_config(config), read_targets()
    camera = load_camera(settings["camera"])
    tiles = load_rows(settings["tables"]["tiles"], "tiles_table")
    exposures = load_rows(settings["tables"]["exposures"], "exposures")
    products = Products(settings, camera, tiles, exposures, root)
    folder = root / products.tree.data / "truth"
    truth = read_truth(settings, camera, tiles, exposures, folder)
    products.path(f"{products.tree.out}/manifest.json")
    found = measure(truth, products, targets)
    content = as_json(products.tree.release, found, targets)
    text = text_table(found, targets, options.all)
    print(f"{settings['release']['title']}: against its truth\n{text}")
    blob = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    for path in (root / products.tree.run / "check.json", options.json):
        if path is not None:
            write_bytes(path, blob.encode())
    page = render(settings["release"]["title"], found, targets)
    write_bytes(root / products.tree.run / "check.html", page.encode())
    failed = [figure for figure in found if figure.passed is False]
    if failed:
        raise DataError(
            f"release '{products.tree.release}': {len(failed)} of {len(found)} figures miss their "
            f"target; --all shows each, {products.tree.run}/check.json holds them."
        )


def locate(release: str | None, config: Path | None) -> tuple[Path, Path]:
    """The configuration of a release and the folder that it was built in.

    Parameters
    ----------
    release : str or None
        Its name, or the path of its folder ``…/results/<name>``.
    config : Path or None
        Its configuration: ``…/results/<name>/run/config.yaml``, or any other with ``results``
        in the working folder.

    Raises
    ------
    InputError
        If neither is given or the configuration isn't there.
    """
    if config is not None:
        run = config.resolve().parent
        built = run.name == "run" and run.parent.parent.name == "results"
        return config, run.parents[2] if built else Path()
    if not release:
        raise InputError(
            "expected a release, such as 'mini' or results/mini, or --config; got none."
        )
    folder = Path(release)
    if "/" not in release.rstrip("/") and not (folder / "run").is_dir():
        folder = Path("results") / release
    path = folder / "run" / "config.yaml"
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; the release '{folder.name}' isn't built here. {HOW_TO_BUILD}."
        )
    return path, folder.resolve().parents[1]
