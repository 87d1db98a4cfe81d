"""The step `frames pixels`: a raw exposure → chips without the detector's imprint, and masks."""

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from ..camera import Camera
from ..command import add_step
from ..config import load_camera, load_config, load_rows, read_yaml
from ..errors import ConfigError, InputError
from ..io.fits import Card, Image, mask_legend, writing_images
from ..io.provenance import logical_name, recording
from .amplifiers import mark_amplifiers
from .assemble import check_overscan, chip_image
from .bias import subtract_bias
from .bleed import mark_bleed
from .chip_frame import ChipFrame, Masters, new_frame
from .cosmic_rays import mark_cosmic_rays
from .crosstalk import subtract_crosstalk
from .dark import subtract_dark
from .defects import mark_defects
from .flat import divide_flat
from .masters import read_masters, read_slopes
from .raw import RawFrame, check_header, pointing, read_raw
from .saturation import mark_saturation
from .trails import mark_trails
from .victims import mark_victims

STEPS: tuple[Callable[[ChipFrame, Masters, Mapping], None], ...] = (
    subtract_crosstalk,
    subtract_bias,
    mark_saturation,
    subtract_dark,
    divide_flat,
    mark_defects,
    mark_amplifiers,
    mark_bleed,
    mark_victims,
    mark_cosmic_rays,
    mark_trails,
)
"""What happens to an assembled chip, in this order (overscan comes before assembly)."""

DETRENDING = (subtract_crosstalk, subtract_bias, subtract_dark, divide_flat)
"""The steps that a frame which comes reduced has behind it."""

SECTIONS = ("raw", "saturation", "bleed", "victims", "cosmic_rays", "trails")
"""The subsections of `frames` that this step reads."""

MASTERS = ("bias", "dark", "flat", "defects", "crosstalk", "slopes")


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step to the room's parser."""
    parser = add_step(
        steps,
        "pixels",
        run,
        "raw exposure → chips without the detector's imprint, and their masks",
        "--exposure c000001 "
        "--raw raw/c000001.fits --image c000001.pixels.fits --mask c000001.bits.fits",
    )
    parser.add_argument("--exposure", required=True, help="as the exposure table names it")
    parser.add_argument("--raw", type=Path, required=True, help="the raw MEF")
    for kind in MASTERS:
        parser.add_argument(
            f"--{kind}", type=Path, help="calibration master; left out: no such step"
        )
    parser.add_argument("--image", type=Path, required=True, help="image to write (ADU)")
    parser.add_argument("--mask", type=Path, required=True, help="mask to write (bits)")


def run(options: argparse.Namespace) -> None:
    """Process one exposure; a frame that can't be used becomes products that say so."""
    config = load_config(options.config)
    camera = load_camera(config["camera"])
    row = find_row(config["tables"]["exposures"], "exposures", options.exposure)
    tile = find_row(config["tables"]["tiles"], "tiles_table", row["tile"])
    paths = {kind: getattr(options, kind) for kind in MASTERS}
    settings = settings_of(config)
    inputs = [options.raw, *(path for path in paths.values() if path is not None)]
    with recording("frames pixels", settings, inputs, options.receipt) as record:
        masters = read_masters(paths, camera, row["site"])
        slopes = read_slopes(paths["slopes"]) if paths["slopes"] else None
        cards = primary_cards(options.exposure, row)
        try:
            check_checksum(record.inputs[logical_name(options.raw)], row)
            raw = read_raw(options.raw, camera)
            check_header(raw.header, row, tile, settings["raw"])
            for name, arrays in raw.chips.items():
                check_overscan(camera.chips[name], arrays, camera, settings["overscan"])
            hdus = process(raw, camera, row, masters, slopes, settings, cards)
        except InputError as error:
            hdus = iter([broken(cards, str(error))])
        with (
            writing_images(options.image, record) as add_image,
            writing_images(options.mask, record) as add_mask,
        ):
            for image, mask in hdus:
                add_image(image)
                add_mask(mask)


def settings_of(config: Mapping) -> dict:
    """What the step reads of a configuration, and the camera."""
    return {
        "camera": read_yaml(config["camera"]),
        "overscan": config.get("calibrations", {}).get("overscan"),
        **{name: config["frames"][name] for name in SECTIONS},
    }


def find_row(path: str, table: str, key: str) -> dict:
    """A table's row by its key; ConfigError if there is none."""
    from ..schema import load_schema

    name = load_schema(table)["key"]
    for row in load_rows(path, table):
        if row[name] == key:
            return row
    raise ConfigError(f"{path}: no {name} {key!r}; add its row, or check the name.")


def check_checksum(sha256: str, row: Mapping) -> None:
    """InputError if the exposure table gives a checksum and the file has another."""
    if row["sha256"] and sha256 != row["sha256"]:
        raise InputError("The file's SHA-256 isn't the exposure table's.")


def process(
    raw: RawFrame,
    camera: Camera,
    row: Mapping,
    masters: Mapping[str, Masters],
    slopes: Mapping | None,
    settings: Mapping,
    cards: list[Card],
) -> Iterator[tuple[Image, Image]]:
    """Run one chip after another through the steps; yields the HDUs of image and mask.

    A frame that comes reduced isn't detrended again, whatever masters there are.
    """
    steps = [step for step in STEPS if not (raw.reduced and step in DETRENDING)]
    cards = [*cards, *pointing_cards(raw.header), ("STATUS", "ok", "ok or broken")]
    yield (
        Image(None, [*cards, ("BUNIT", "adu", "unit of the images")]),
        Image(None, [*cards, *mask_legend()]),
    )
    for name, chip in camera.chips.items():
        data = chip_image(chip, raw.chips.pop(name), camera, settings["overscan"])
        frame = new_frame(chip, camera, row["exptime"], data, slopes)
        own = masters[name]
        for step in steps:
            step(frame, own, settings)
        yield Image(frame.data, chip_cards(frame), name), Image(frame.bits, [], name)


def pointing_cards(header: Mapping) -> list[Card]:
    """Where the header says that the telescope pointed."""
    ra, dec = pointing(header)
    return [
        ("RA", ra, "[deg] pointing of the field's centre"),
        ("DEC", dec, "[deg] pointing of the field's centre"),
    ]


def primary_cards(exposure: str, row: Mapping) -> list[Card]:
    """What the exposure table knows."""
    return [
        ("EXPOSURE", exposure, "name of the exposure"),
        ("OBSERVAT", row["site"], "observatory"),
        ("RUN", row["run"], "observing run"),
        ("FILTER", row["band"], "band"),
        ("TILE", row["tile"], "tile to which the exposure belongs"),
        ("EXPTIME", row["exptime"], "[s] exposure time"),
        ("MJD", row["mjd"], "[d] UTC at mid-exposure"),
    ]


def chip_cards(frame: ChipFrame) -> list[Card]:
    """Gain, read noise and saturation of a chip as its pixels are now."""
    cards: list[Card] = []
    for n, gain in enumerate(frame.gain, 1):
        cards.append((f"GAIN{n}", float(np.round(gain, 6)), "[electron/adu] after the flat"))
    for n, noise in enumerate(frame.read_noise, 1):
        cards.append((f"RDNOISE{n}", float(np.round(noise, 6)), "[electron] read noise"))
    cards.append(("SATURATE", float(frame.saturation.min()), "[adu] lowest level marked BLEED"))
    return cards


def broken(cards: list[Card], reason: str) -> tuple[Image, Image]:
    """The HDUs of an exposure that can't be used: a primary HDU with the reason, nothing else."""
    cards = [*cards, ("STATUS", "broken", "ok or broken"), ("REASON", reason, "")]
    return Image(None, cards), Image(None, [*cards, *mask_legend()])
