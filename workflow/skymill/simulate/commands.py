"""The simulate room's commands."""

import argparse
from pathlib import Path

from ..command import add_step


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the room's steps."""
    plan = add_step(
        steps,
        "plan",
        run_plan,
        "The survey's tables: tiles, exposures, calibration frames.",
        "--config config/config.yaml --folder config/mini",
    )
    plan.add_argument("--folder", type=Path, required=True, help="where the tables go")
    plan.add_argument(
        "--override",
        type=Path,
        nargs="*",
        default=[],
        help="configurations merged over the first, as Snakemake's --configfile does",
    )


def run_plan(options: argparse.Namespace) -> None:
    """Write tiles.csv, exposures.csv and calibrations.csv."""
    from ..config import check_config, load_camera, read_yaml
    from ..io.provenance import recording
    from . import plan

    config = read_yaml(options.config)
    for path in options.override:
        merge(config, read_yaml(path))
    settings = check_config(config, options.config)
    simulate, bands = simulate_section(settings, options.config), settings["bands"]
    camera = load_camera(settings["camera"])
    tables = {
        "tiles": plan.tile_rows(simulate["plan"]),
        "exposures": plan.exposure_rows(simulate["plan"], bands, camera),
        "calibrations": plan.calibration_rows(simulate["plan"], bands, camera),
    }
    with recording("simulate plan", simulate["plan"], [settings["camera"]], options.receipt) as rec:
        for name, rows in tables.items():
            store_text(options.folder / f"{name}.csv", plan.table_text(rows), rec)


def simulate_section(settings: dict, source: Path) -> dict:
    """The configuration's simulate section.

    Raises
    ------
    ConfigError
        If there is none: the release is made from real frames.
    """
    from ..errors import ConfigError

    if "simulate" not in settings:
        raise ConfigError(
            f"{source}: expected a section 'simulate', got none; "
            "its release is made from real frames, so there is nothing to simulate."
        )
    return settings["simulate"]


def merge(base: dict, other: dict) -> None:
    """Merge `other` into `base` in place: mappings key by key, anything else replaced."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value


def store_text(path: Path, text: str, record) -> None:
    """Write a text file and note it."""
    from ..io.atomic import write_bytes

    write_bytes(path, text.encode())
    record.wrote(path)
