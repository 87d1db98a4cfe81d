"""The step `frames ingest`: an exposure that arrives calibrated → frame, mask, catalogue, verdict.

For surveys whose archive gives reduced images with a WCS. The sky position is the header's; gain
and saturation are the camera file's; zero points are relative to the first exposure of the tile
and band, whose own is stated in the configuration; noise and seeing are measured. Steps that need
a reference catalogue (astrometry and its sections, zero points per amplifier) don't run.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..command import add_step

if TYPE_CHECKING:
    from ..camera import Camera
    from ..io.provenance import Record
    from .ingested import Ingested

SECTIONS = ("files", "ingest", "background", "detection", "screening")
"""The keys of `frames` that this step reads."""


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step to the room's parser."""
    parser = add_step(
        steps,
        "ingest",
        run,
        "an exposure that arrives calibrated → frame, mask, catalogue, verdict",
        "--exposure obs04b --image raw/obs04b.fits --first raw/obs04a.fits "
        "--out-image obs04b.fits --out-mask obs04b.mask.fits "
        "--out-catalogue obs04b.cat.parquet --out-verdict obs04b.json",
    )
    path = {"type": Path, "required": True}
    parser.add_argument("--exposure", required=True, help="as the exposure table names it")
    parser.add_argument("--image", **path, help="calibrated image with a WCS, an HDU per chip")
    parser.add_argument("--first", **path, help="first exposure of the tile and band")
    files = {**path, "nargs": "+"}
    parser.add_argument("--out-image", **files, help="frame to write; one file, or one per chip")
    parser.add_argument("--out-mask", **files, help="its mask, likewise")
    parser.add_argument("--out-catalogue", **path, help="its detections (Parquet)")
    parser.add_argument("--out-verdict", **path, help="its verdict (JSON)")


def run(options: argparse.Namespace) -> None:
    """Take in one exposure; one that can't be used becomes a verdict."""
    from ..config import load_camera, load_config
    from ..errors import DataError, InputError
    from ..io.provenance import logical_name, recording
    from .calibrate import write_broken
    from .files import check_files
    from .ingested import check_pointing, measure_exposure, zero_points
    from .pixels import check_checksum, find_row, primary_cards

    config = load_config(options.config)
    camera = load_camera(config["camera"])
    check_files(options.out_image, list(camera.chips), "--out-image")
    check_files(options.out_mask, list(camera.chips), "--out-mask")
    row = find_row(config["tables"]["exposures"], "exposures", options.exposure)
    tile = find_row(config["tables"]["tiles"], "tiles_table", row["tile"])
    frames = {name: config["frames"][name] for name in SECTIONS}
    used = settings_of(config)
    header = {key: value for key, value, _ in primary_cards(options.exposure, row)}
    with recording(
        "frames ingest", used, [options.image, options.first], options.receipt
    ) as record:
        try:
            check_checksum(record.inputs[logical_name(options.image)], row)
            found = measure_exposure(options.image, camera, frames)
            check_pointing(found, tile, frames["ingest"]["pointing"])
            same = options.image == options.first
            first = found if same else measure_exposure(options.first, camera, frames)
            points = zero_points(found, first, frames["ingest"])
        except (InputError, DataError) as error:
            write_broken(options, header, str(error), record)
            return
        header |= {"RA": found.ra, "DEC": found.dec}
        write(options, header, found, points, camera, frames, record)


def settings_of(config: Mapping) -> dict:
    """What the step reads of a configuration, and the camera."""
    from ..config import read_yaml

    frames = {name: config["frames"][name] for name in SECTIONS}
    return {"camera": read_yaml(config["camera"]), **frames}


def write(
    options: argparse.Namespace,
    header: Mapping,
    found: "Ingested",
    points: Mapping,
    camera: "Camera",
    frames: Mapping,
    record: "Record",
) -> None:
    """Judge an exposure and write its four products."""
    from ..io.json import write_json
    from ..io.parquet import table_schema, write_table
    from . import calibration, products
    from .calibrate import identity, primary_cards, write_frames
    from .ingested import as_calibration, chip_records, figures
    from .screening import checks, verdict

    magzero, scale = frames["ingest"]["magzero"], camera.pixel_scale
    result = as_calibration(found, points, frames["screening"])
    screening = checks(figures(found, result, frames, scale), frames["screening"])
    judgement, reasons, bits = verdict(screening)
    primary = primary_cards(header, judgement, reasons)
    write_frames(options, primary, found.chips, result, camera, magzero, record)
    aper5 = dict.fromkeys(found.chips, 0.0)  # zero points are measured in 5″
    table = products.catalogue(found.chips, result, aper5, scale)
    schema = table_schema("frame")
    write_table(options.out_catalogue, table, schema, record)
    content = {
        **identity(header),
        "verdict": judgement,
        "reasons": reasons,
        "reason_bits": bits,
        "checks": {name: check.record() for name, check in screening.items()},
        **calibration.averages(found.chips, result, scale),
        "pointing": {"ra": found.ra, "dec": found.dec, "offset": None},
        "chips": chip_records(found, result, frames["ingest"]["border_points"]),
    }
    write_json(options.out_verdict, content, record)
