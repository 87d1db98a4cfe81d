"""The step `frames calibrate`: chips without the detector's imprint → calibrated frame, verdict."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..command import add_step

SECTIONS = ("background", "detection", "astrometry", "quality", "photometry", "screening")
"""The subsections of `frames` that this step reads."""
PRIMARY = ("EXPOSURE", "OBSERVAT", "RUN", "FILTER", "TILE", "EXPTIME", "MJD", "RA", "DEC")
"""Primary cards handed on."""


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step to the room's parser."""
    parser = add_step(
        steps,
        "calibrate",
        run,
        "chips → astrometry, zero points, calibrated frame, mask, catalogue, verdict",
        "skymill frames calibrate --config config/config.yaml --exposure c000001 "
        "--image c000001.pixels.fits --mask c000001.bits.fits --astrometry gaia/5160.parquet "
        "--photometry apass/5160.parquet --out-image c000001.fits --out-mask c000001.mask.fits "
        "--out-catalogue c000001.cat.parquet --out-verdict c000001.json",
    )
    path = {"type": Path, "required": True}
    parser.add_argument("--exposure", required=True, help="as the exposure table names it")
    parser.add_argument("--image", **path, help="as `frames pixels` wrote it (ADU)")
    parser.add_argument("--mask", **path, help="as `frames pixels` wrote it (bits)")
    parser.add_argument("--astrometry", **path, nargs="+", help="cells of Gaia")
    parser.add_argument("--photometry", **path, nargs="+", help="cells of the band's catalogue")
    parser.add_argument("--out-image", **path, help="calibrated frame to write")
    parser.add_argument("--out-mask", **path, help="its mask")
    parser.add_argument("--out-catalogue", **path, help="its detections (Parquet)")
    parser.add_argument("--out-verdict", **path, help="its verdict (JSON)")


def run(options: argparse.Namespace) -> None:
    """Calibrate one exposure; a broken one becomes a verdict."""
    from ..config import load_camera, load_config
    from ..io.fits import read_images
    from ..io.provenance import recording

    config = load_config(options.config)
    camera = load_camera(config["camera"])
    frames = {name: config["frames"][name] for name in SECTIONS}
    used = {"camera": config["camera"], "bands": config["bands"], **frames}
    inputs = [options.image, options.mask, *options.astrometry, *options.photometry]
    with recording("frames calibrate", used, inputs, options.receipt) as record:
        images, masks = read_images(options.image), read_images(options.mask)
        header = check_exposure(images, options)
        if header["STATUS"] != "ok":
            write_broken(options, header, record)
            return
        check_chips(images, masks, camera.chips, options)
        write_calibrated(options, header, images, masks, camera, config["bands"], frames, record)


def check_exposure(images: Sequence, options: argparse.Namespace) -> dict:
    """The primary cards, if they belong to this exposure.

    Raises
    ------
    InputError
        If a card is missing or the file is another exposure's.
    """
    from ..errors import InputError

    header = {key: value for key, value, _ in images[0].cards}
    needed = [*PRIMARY[:7], "STATUS"]
    needed += ["RA", "DEC"] if header.get("STATUS") == "ok" else []
    missing = [key for key in needed if key not in header]
    if missing:
        raise InputError(
            f"{options.image}: HDU 0: expected the cards {', '.join(missing)}; "
            "make the file with `skymill frames pixels`."
        )
    if header["EXPOSURE"] != options.exposure:
        raise InputError(
            f"{options.image}: HDU 0: EXPOSURE is {header['EXPOSURE']!r}, expected "
            f"{options.exposure!r}; give the exposure's own file."
        )
    return header


def check_chips(images: Sequence, masks: Sequence, chips: Mapping, options) -> None:
    """Whether both files hold every chip of the camera, in its shape.

    Raises
    ------
    InputError
        Naming the file, the HDU, what came and what was expected.
    """
    from ..errors import InputError

    for path, hdus in ((options.image, images), (options.mask, masks)):
        got = {hdu.name: getattr(hdu.data, "shape", None) for hdu in hdus[1:]}
        wanted = {name: chip.shape for name, chip in chips.items()}
        if got != wanted:
            raise InputError(
                f"{path}: expected the chips {wanted}, got {got}; "
                "make the file anew with `skymill frames pixels`."
            )


def write_broken(options: argparse.Namespace, header: Mapping, record) -> None:
    """A broken exposure: primary HDUs, an empty table and a verdict with the reason."""
    from ..io.fits import Image, mask_legend, write_images
    from ..io.json import write_json
    from ..io.parquet import table_schema, write_table

    reasons = [str(header.get("REASON") or "broken frame")]
    cards = primary_cards(header, "fail", reasons)
    write_images(options.out_image, [Image(None, cards)], record)
    write_images(options.out_mask, [Image(None, [*cards, *mask_legend()])], record)
    schema = table_schema("frame")
    write_table(options.out_catalogue, schema.empty(), schema, record)
    content = {**identity(header), "verdict": "fail", "reasons": reasons, "checks": {}}
    content |= {"fwhm": None, "elongation": None, "sky": None, "chips": {}}
    write_json(options.out_verdict, content, record)


def write_calibrated(
    options: argparse.Namespace,
    header: Mapping,
    images: Sequence,
    masks: Sequence,
    camera,
    bands: Sequence[str],
    settings: Mapping,
    record,
) -> None:
    """Calibrate an exposure and write its four products."""
    from ..io.fits import Image, mask_legend, write_images
    from ..io.json import write_json
    from ..io.parquet import table_schema, write_table
    from . import calibration, products
    from .measured_chip import measure_chip
    from .references import read_gaia, read_photometry
    from .scaling import scale_chip
    from .screening import checks, verdict

    scale, magzero = camera.pixel_scale, settings["photometry"]["magzero"]
    chips = {}
    for image, mask in zip(images[1:], masks[1:], strict=True):
        cards = {key: value for key, value, _ in image.cards}
        chips[image.name] = measure_chip(
            camera.chips[image.name],
            image.data,
            mask.data,
            cards,
            settings["background"],
            settings["detection"],
            scale,
        )
        image.data = None
    result = calibration.calibrate(
        chips,
        {name: camera.prior(header["OBSERVAT"], name) for name in chips},
        read_gaia(options.astrometry),
        read_photometry(options.photometry, header["FILTER"]),
        {"mjd": header["MJD"], "ra": header["RA"], "dec": header["DEC"]},
        settings,
        scale,
    )
    figures = calibration.figures(chips, result, settings, scale, magzero)
    outcome = checks(figures, settings["screening"])
    judgement, reasons = verdict(outcome)
    primary = primary_cards(header, judgement, reasons)
    frame, bits = [Image(None, primary)], [Image(None, [*primary, *mask_legend()])]
    for name, chip in chips.items():
        image, mask = scale_chip(chip, result.zero_points[name], magzero)
        cards = products.chip_cards(chip, name, result, scale, magzero)
        frame.append(Image(image, cards, name))
        bits.append(Image(mask, products.wcs_cards(result.astrometry.chips[name].cards), name))
    write_images(options.out_image, frame, record)
    write_images(options.out_mask, bits, record)
    schema = table_schema("frame")
    write_table(options.out_catalogue, products.catalogue(chips, result, scale), schema, record)
    residuals = calibration.residuals(chips, result, settings, scale)
    content = {
        **identity(header),
        "verdict": judgement,
        "reasons": reasons,
        "checks": {name: check.record() for name, check in outcome.items()},
        **calibration.averages(chips, result, scale),
        "pointing": products.pointing_record(result.astrometry, header["RA"], header["DEC"]),
        "chips": products.chip_records(
            chips, result, residuals, settings["astrometry"]["border_points"]
        ),
    }
    write_json(options.out_verdict, content, record)


def primary_cards(header: Mapping, judgement: str, reasons: Sequence[str]) -> list[tuple]:
    """The exposure's cards and its verdict."""
    comments = {
        "EXPOSURE": "name of the exposure",
        "OBSERVAT": "observatory",
        "RUN": "observing run",
        "FILTER": "band",
        "TILE": "tile to which the exposure belongs",
        "EXPTIME": "[s] exposure time",
        "MJD": "[d] UTC at mid-exposure",
        "RA": "[deg] pointing as the raw header gives it",
        "DEC": "[deg] pointing as the raw header gives it",
    }
    cards = [(key, header[key], comments[key]) for key in PRIMARY if key in header]
    cards.append(("VERDICT", judgement, "pass or fail"))
    if reasons:
        cards.append(("REASON", "; ".join(reasons), ""))
    return cards


def identity(header: Mapping) -> dict:
    """What the verdict says of the exposure itself."""
    keys = {"exposure": "EXPOSURE", "site": "OBSERVAT", "run": "RUN", "tile": "TILE"}
    keys |= {"band": "FILTER", "mjd": "MJD", "exptime": "EXPTIME"}
    return {name: header[key] for name, key in keys.items()}
