"""The simulate room's commands."""

import argparse
from dataclasses import replace
from pathlib import Path

from ..command import add_step


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the room's steps."""
    plan = add_step(
        steps,
        "plan",
        run_plan,
        "The survey's tables: tiles, exposures, calibration frames.",
        "--folder config/mini",
    )
    plan.add_argument("--folder", type=Path, required=True, help="where the tables go")
    plan.add_argument(
        "--override",
        type=Path,
        nargs="*",
        default=[],
        help="configurations merged over the first, as Snakemake's --configfile does",
    )

    sky = add_step(
        steps,
        "sky",
        run_sky,
        "The true sky, and the reference catalogues and dust maps that archives would give of it.",
        "--data data/mini",
    )
    sky.add_argument("--data", type=Path, required=True, help="the release's data folder")
    exposure = add_step(
        steps,
        "exposure",
        run_exposure,
        "One exposure of the true sky: raw frame, truth, artefacts.",
        "--exposure kmtc.20250920.061021"
        " --sources data/mini/truth/sources.parquet --raw raw.fits --truth truth.json"
        " --artefacts artefacts.parquet",
    )
    exposure.add_argument("--exposure", required=True, help="its name in the exposure table")
    exposure.add_argument("--sources", type=Path, required=True, help="the true sky (Parquet)")
    exposure.add_argument("--raw", type=Path, required=True, help="raw frame to write (FITS)")
    exposure.add_argument("--truth", type=Path, required=True, help="truth to write (JSON)")
    exposure.add_argument(
        "--artefacts", type=Path, required=True, help="pixels of artefacts to write (Parquet)"
    )
    calibration = add_step(
        steps,
        "calibration",
        run_calibration,
        "One calibration frame: bias, dark, flat or field.",
        "--frame kmtc.202509.bias.1 --raw raw.fits",
    )
    calibration.add_argument("--frame", required=True, help="its name in the calibration table")
    calibration.add_argument("--raw", type=Path, required=True, help="raw frame to write (FITS)")


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
    with recording("simulate plan", simulate["plan"], [], options.receipt) as rec:
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


def run_sky(options: argparse.Namespace) -> None:
    """Write the true sky, five reference catalogues and two dust maps."""
    from ..config import load_camera, load_config
    from ..io.fits import Image, write_images, write_table
    from ..io.parquet import table_schema
    from ..io.parquet import write_table as write_parquet
    from ..io.provenance import recording
    from ..seeding import generator
    from . import dust, plan, references
    from .photometric_systems import REFERENCE_BANDS
    from .sky import true_sky

    settings = load_config(options.config)
    simulate = simulate_section(settings, options.config)
    observed = plan.exposures(simulate["plan"], settings["bands"], load_camera(settings["camera"]))
    side = settings["tiles"]["size"] * settings["tiles"]["pixel_scale"]
    sky = true_sky(simulate, side, observed)

    def rng(name: str):
        return generator("simulate", simulate["seed"], "catalogue", name)

    with recording("simulate sky", simulate, [], options.receipt) as record:
        schema = table_schema("truth_sources", REFERENCE_BANDS)
        write_parquet(options.data / "truth/sources.parquet", sky, schema, record)
        paths = settings["references"]["catalogues"]
        for name, table in references.catalogues(rng, sky, simulate["catalogues"]).items():
            write_table(options.data / paths[name], table, record)
        size, mean = simulate["dust"]["size"], simulate["dust"]["reddening"]
        for pole, north in (("ngp", True), ("sgp", False)):
            path = options.data / settings["references"]["dust"] / f"SFD_dust_4096_{pole}.fits"
            pixels = dust.polar_map(rng("dust"), size, north, mean)
            write_images(path, [Image(pixels, dust.polar_cards(size, north))], record)


def run_exposure(options: argparse.Namespace) -> None:
    """Write an exposure's raw frame, its truth and its artefacts."""
    from ..config import load_camera, load_config, read_yaml
    from ..io.fits import write_images
    from ..io.json import write_json
    from ..io.parquet import read_table, table_schema, write_table
    from ..io.provenance import recording
    from . import truth
    from .conditions import conditions
    from .exposure import expose
    from .raw import raw_images, truncate

    settings = load_config(options.config)
    simulate = simulate_section(settings, options.config)
    camera = load_camera(settings["camera"])
    exposure = planned_exposure(options.exposure, settings, camera)
    sky = read_table(options.sources)
    now = conditions(exposure, simulate, camera)
    chips, artefacts, pixels = {}, [], []
    for detector, raw, found in expose(exposure, sky, simulate, camera):
        chips[detector.chip.name] = truth.chip_truth(detector, now, simulate)
        artefacts.append((detector.chip.name, found))
        pixels.append((detector.chip, raw))
    used = {"camera": read_yaml(settings["camera"]), **simulate}
    with recording("simulate exposure", used, [options.sources], options.receipt) as record:
        target = replace(exposure, ra=now.header_ra, dec=now.header_dec)
        images = raw_images(camera, exposure.site, "OBJECT", target, pixels)
        write_images(options.raw, images, record)
        if now.status == "truncated":
            truncate(options.raw, record)
        write_json(options.truth, truth.exposure_truth(exposure, now, chips), record)
        table = truth.artefact_table(artefacts)
        write_table(options.artefacts, table, table_schema("truth_artefacts"), record)


def run_calibration(options: argparse.Namespace) -> None:
    """Write a calibration frame."""
    from ..config import load_camera, load_config, read_yaml
    from ..io.fits import write_images
    from ..io.provenance import recording
    from .calibration import calibrate
    from .raw import raw_images

    settings = load_config(options.config)
    simulate = simulate_section(settings, options.config)
    camera = load_camera(settings["camera"])
    frame, target = planned_calibration(options.frame, settings, camera)
    pixels = [(detector.chip, raw) for detector, raw in calibrate(frame, simulate, camera)]
    used = {"camera": read_yaml(settings["camera"]), **simulate}
    with recording("simulate calibration", used, [], options.receipt) as record:
        kind = {"bias": "BIAS", "dark": "DARK", "flat": "FLAT", "field": "OBJECT"}[frame["kind"]]
        images = raw_images(camera, frame["site"], kind, target, pixels)
        write_images(options.raw, images, record)


def planned_exposure(name: str, settings: dict, camera):
    """The planned exposure of a name.

    Raises
    ------
    ConfigError
        If the plan has none: the exposure table was made from another plan.
    """
    from ..errors import ConfigError
    from . import plan

    planned = plan.exposures(settings["simulate"]["plan"], settings["bands"], camera)
    for exposure in planned:
        if exposure.name == name:
            return exposure
    raise ConfigError(
        f"exposure {name!r}: not in the plan of simulate.plan ({len(planned)} exposures, from "
        f"{planned[0].name}); make {settings['tables']['exposures']} anew with "
        "'skymill simulate plan'."
    )


def planned_calibration(name: str, settings: dict, camera):
    """Row of a planned calibration frame, and when and where it was taken.

    Raises
    ------
    ConfigError
        If the plan has none of this name.
    """
    from ..errors import ConfigError
    from . import plan

    section = settings["simulate"]["plan"]
    rows = plan.calibration_rows(section, settings["bands"], camera)
    for number, row in enumerate(rows):
        if row["frame"] == name:
            row = row | {"exptime": float(row["exptime"])}
            return row, plan.calibration_target(row, number, section, camera)
    raise ConfigError(
        f"calibration frame {name!r}: not in the plan of simulate.plan ({len(rows)} frames, from "
        f"{rows[0]['frame']}); make {settings['tables']['calibrations']} anew with "
        "'skymill simulate plan'."
    )
