"""The step `frames calibrate`: chips without the detector's imprint → calibrated frame, verdict."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..command import add_step

if TYPE_CHECKING:
    from ..camera import Camera
    from ..io.fits import Image
    from ..io.provenance import Record
    from .calibration import Calibration
    from .measured_chip import MeasuredChip

SECTIONS = ("files", "background", "detection", "astrometry", "quality", "photometry", "screening")
"""The keys of `frames` that this step reads; ``pattern`` too, where there is one."""
PRIMARY = ("EXPOSURE", "OBSERVAT", "RUN", "FILTER", "TILE", "EXPTIME", "MJD", "RA", "DEC")
"""Primary cards handed on."""


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step to the room's parser."""
    parser = add_step(
        steps,
        "calibrate",
        run,
        "chips → astrometry, zero points, calibrated frame, mask, catalogue, verdict",
        "--exposure c000001 "
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
    parser.add_argument(
        "--colors", type=Path, nargs="+", default=[], help="cells of Gaia XP (none: no colour term)"
    )
    parser.add_argument(
        "--tie",
        type=Path,
        nargs=2,
        metavar=("CATALOGUE", "VERDICT"),
        help="another exposure's, whose stars stand beside Gaia's where those are few",
    )
    files = {**path, "nargs": "+"}
    parser.add_argument("--out-image", **files, help="calibrated frame to write; one file per chip")
    parser.add_argument("--out-mask", **files, help="its mask, likewise")
    parser.add_argument("--out-catalogue", **path, help="its detections (Parquet)")
    parser.add_argument("--out-verdict", **path, help="its verdict (JSON)")


def run(options: argparse.Namespace) -> None:
    """Calibrate one exposure; a broken one becomes a verdict."""
    from ..config import load_camera, load_config
    from ..errors import DataError
    from ..io.fits import read_images
    from ..io.provenance import recording
    from .files import check_files

    config = load_config(options.config)
    camera = load_camera(config["camera"])
    check_files(options.out_image, list(camera.chips), "--out-image")
    check_files(options.out_mask, list(camera.chips), "--out-mask")
    frames = _sections(config)
    used = settings_of(config)
    inputs = [options.image, options.mask, *options.astrometry, *options.photometry]
    inputs += [*options.colors, *(options.tie or [])]
    with recording("frames calibrate", used, inputs, options.receipt) as record:
        images, masks = read_images(options.image), read_images(options.mask)
        header = check_exposure(images, camera.sites, options)
        if header["STATUS"] != "ok":
            write_broken(options, header, str(header.get("REASON") or "broken frame"), record)
            return
        check_chips(images, masks, camera.chips, options)
        try:
            chips = measure_chips(images, masks, camera, frames)
        except DataError as error:
            write_broken(options, header, str(error), record)
            return
        write_calibrated(options, header, chips, camera, frames, record)


def settings_of(config: Mapping) -> dict:
    """What the step reads of a configuration, and the camera."""
    from ..config import read_yaml

    camera, bands = read_yaml(config["camera"]), config["bands"]
    return {"camera": camera, "bands": bands, **_sections(config)}


def _sections(config: Mapping) -> dict:
    return {
        name: config["frames"][name] for name in (*SECTIONS, "pattern") if name in config["frames"]
    }


def check_exposure(images: "Sequence[Image]", sites: Mapping, options: argparse.Namespace) -> dict:
    """The primary cards, if they belong to this exposure.

    Raises
    ------
    InputError
        If a card is missing, the file is another exposure's, or the camera has no such site.
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
    if header["OBSERVAT"] not in sites:
        raise InputError(
            f"{options.image}: HDU 0: OBSERVAT is {header['OBSERVAT']!r}; the camera file knows "
            f"{', '.join(sites)}."
        )
    return header


def check_chips(
    images: "Sequence[Image]",
    masks: "Sequence[Image]",
    chips: Mapping,
    options: argparse.Namespace,
) -> None:
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


def write_broken(
    options: argparse.Namespace, header: Mapping, reason: str, record: "Record"
) -> None:
    """A broken exposure: primary HDUs, an empty table and a verdict with the reason."""
    from ..bits import Reason
    from ..io.fits import Image, mask_legend
    from ..io.json import write_json
    from ..io.parquet import table_schema, write_table
    from .files import write_planes

    cards = primary_cards(header, "fail", [reason])
    write_planes(options.out_image, [Image(None, cards)], record)
    write_planes(options.out_mask, [Image(None, [*cards, *mask_legend()])], record)
    schema = table_schema("frame")
    write_table(options.out_catalogue, schema.empty(), schema, record)
    content = {**identity(header), "verdict": "fail", "reasons": [reason]}
    content |= {"reason_bits": int(Reason.BROKEN), "checks": {}}
    content |= {"fwhm": None, "elongation": None, "sky": None, "chips": {}}
    write_json(options.out_verdict, content, record)


def measure_chips(
    images: "Sequence[Image]", masks: "Sequence[Image]", camera: "Camera", settings: Mapping
) -> "dict[str, MeasuredChip]":
    """Take pattern and sky out of every chip and measure its sources."""
    from .background import subtract_sky
    from .measured_chip import measure_chip
    from .pattern import has_pattern, subtract_pattern

    header = {key: value for key, value, _ in images[0].cards}
    pattern = settings.get("pattern")
    chips = {}
    for image, mask in zip(images[1:], masks[1:], strict=True):
        chip, data = camera.chips[image.name], image.data
        image.data = None  # a KMTNet chip takes 340 MB
        if has_pattern(header["OBSERVAT"], header["MJD"], pattern):
            how = camera.mirrored_halves, int(pattern["smooth"]), settings["background"]
            data = subtract_pattern(data, mask.data, chip, *how)
        sky = subtract_sky(data, mask.data, chip.amplifiers, settings["background"])
        del data
        cards = {key: value for key, value, _ in image.cards}
        chips[image.name] = measure_chip(
            chip, sky, mask.data, cards, settings["detection"], camera.pixel_scale
        )
    return chips


def write_calibrated(
    options: argparse.Namespace,
    header: Mapping,
    chips: "dict[str, MeasuredChip]",
    camera: "Camera",
    settings: Mapping,
    record: "Record",
) -> None:
    """Calibrate an exposure, judge it, and write its four products."""
    from ..io.json import write_json
    from ..io.parquet import table_schema, write_table
    from . import calibration, products
    from .aperture_correction import aperture_corrections
    from .color_term import with_colors
    from .reach import unreached
    from .references import read_colors, read_gaia, read_photometry
    from .screening import checks, verdict
    from .tied import read_tied

    gaia = read_gaia(options.astrometry)
    photometry = read_photometry(options.photometry, header["FILTER"])
    pair = (settings["photometry"]["color_terms"]["colors"] or {}).get(header["FILTER"])
    colors = read_colors(options.colors, pair) if options.colors and pair else None
    photometry = with_colors(photometry, colors, settings["photometry"]["match_radius"])
    result = calibration.calibrate(
        chips,
        {name: camera.prior(header["OBSERVAT"], name) for name in chips},
        gaia,
        photometry,
        {"mjd": header["MJD"], "ra": header["RA"], "dec": header["DEC"]},
        settings,
        camera.pixel_scale,
        read_tied(options.tie, settings["astrometry"]["snr"]),
    )
    figures = calibration.figures(chips, result, settings, camera.pixel_scale)
    outcome = checks(figures, settings["screening"])
    catalogues = {"astrometric": gaia, "photometric": photometry}
    judgement, reasons, bits = verdict(outcome, unreached(chips, result.astrometry, catalogues))
    write_frames(
        options,
        primary_cards(header, judgement, reasons),
        chips,
        result,
        camera,
        settings["photometry"]["magzero"],
        record,
    )
    aper5 = aperture_corrections(
        chips, settings["photometry"]["stellarity"], settings["quality"]["bright_snr"]
    )
    table = products.catalogue(chips, result, aper5, camera.pixel_scale)
    schema = table_schema("frame")
    write_table(options.out_catalogue, table, schema, record)
    content = {
        **identity(header),
        "verdict": judgement,
        "reasons": reasons,
        "reason_bits": bits,
        "checks": {name: check.record() for name, check in outcome.items()},
        **calibration.averages(chips, result, camera.pixel_scale),
        "color_term": result.color_term.record() if colors is not None else None,
        "pointing": products.pointing_record(result.astrometry, header["RA"], header["DEC"]),
        "chips": products.chip_records(chips, result, settings, camera.pixel_scale),
    }
    write_json(options.out_verdict, content, record)


def write_frames(
    options: argparse.Namespace,
    primary: list[tuple],
    chips: "dict[str, MeasuredChip]",
    result: "Calibration",
    camera: "Camera",
    magzero: float,
    record: "Record",
) -> None:
    """The scaled frame and its mask, chip by chip."""
    from ..io.fits import Image, mask_legend
    from .files import write_planes
    from .products import chip_cards, wcs_cards
    from .scaling import marked_mask, scaled_image

    def frame() -> Iterator["Image"]:
        yield Image(None, primary)
        for name, chip in chips.items():
            image = scaled_image(chip, result.zero_points[name], magzero)
            yield Image(image, chip_cards(chip, name, result, camera.pixel_scale, magzero), name)

    def bits() -> Iterator["Image"]:
        yield Image(None, [*primary, *mask_legend()])
        for name, chip in chips.items():
            mask = marked_mask(chip, result.zero_points[name])
            yield Image(mask, wcs_cards(result.astrometry.chips[name].cards), name)

    write_planes(options.out_image, frame(), record)
    write_planes(options.out_mask, bits(), record)


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
    cards.append(("QARESULT", judgement == "pass", "the same, as KS4 names it"))
    if reasons:
        cards.append(("REASON", "; ".join(reasons), ""))
    return cards


def identity(header: Mapping) -> dict:
    """What the verdict says of the exposure itself."""
    keys = {"exposure": "EXPOSURE", "site": "OBSERVAT", "run": "RUN", "tile": "TILE"}
    keys |= {"band": "FILTER", "mjd": "MJD", "exptime": "EXPTIME"}
    return {name: header[key] for name, key in keys.items()}
