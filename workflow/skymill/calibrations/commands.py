"""The calibrations room's commands."""

import argparse
from collections.abc import Callable
from pathlib import Path

from ..command import add_step


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the room's steps, in the order in which masters need one another."""
    _add(steps, "bias", run_bias, "bias frames → master bias", "frames")
    _add(steps, "slopes", run_slopes, "bias and flat pairs → gain and read noise", "bias flats")
    _add(steps, "dark", run_dark, "dark frames → master dark", "frames", masters="bias")
    _add(steps, "flat", run_flat, "flats of a band → master flat", "frames", masters="bias dark")
    _add(
        steps,
        "defects",
        run_defects,
        "masters → bad pixels, columns, amplifiers",
        "flats",
        masters="bias dark",
    )
    _add(
        steps,
        "crosstalk",
        run_crosstalk,
        "fields of bright stars → crosstalk",
        "fields",
        masters="bias defects",
    )


HELP = {
    "frames": "raw frames",
    "bias": "bias frames, or the master bias",
    "flats": "raw flats of all bands, or master flats",
    "fields": "raw frames of fields with bright stars",
    "dark": "the master dark",
    "defects": "the static mask",
}


def _add(
    steps: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], None],
    summary: str,
    lists: str,
    masters: str = "",
) -> None:
    words = [f"--{m} {m}.fits" for m in masters.split()]
    words += [f"--{kind} a.fits b.fits" for kind in lists.split()]
    example = "--site SAAO"
    out = f"{name}.{'json' if name in ('slopes', 'crosstalk') else 'fits'}"
    parser = add_step(steps, name, run, summary, f"{example} {' '.join(words)} --out {out}")
    parser.add_argument("--site", required=True, help="observatory, as the camera file names it")
    for master in masters.split():
        parser.add_argument(f"--{master}", type=Path, required=True, help=HELP[master])
    for kind in lists.split():
        parser.add_argument(f"--{kind}", type=Path, nargs="+", required=True, help=HELP[kind])
    parser.add_argument("--out", type=Path, required=True, help="product to write")


def run_bias(options: argparse.Namespace) -> None:
    """Write the master bias."""
    from ..io.provenance import recording
    from .bias import master_bias
    from .products import chips_of, load, write_master
    from .reading import read_set

    settings, camera = load(options)
    combine = settings["combine"]
    with recording("calibrations bias", settings, options.frames, options.receipt) as record:
        found = read_set(options.frames, camera, options.site, combine["least_frames"])
        chips = {
            name: master_bias(camera.chips[name], images, combine)
            for name, images in chips_of(found.frames, camera, settings)
        }
        write_master(options.out, chips, [*found.cards("bias", options.site), UNIT_ADU], record)


def run_dark(options: argparse.Namespace) -> None:
    """Write the master dark."""
    from ..frames.masters import read_master
    from ..io.provenance import recording
    from .dark import master_dark
    from .products import chips_of, load, write_master
    from .reading import check_exptime, read_set

    settings, camera = load(options)
    combine = settings["combine"]
    inputs = [options.bias, *options.frames]
    with recording("calibrations dark", settings, inputs, options.receipt) as record:
        bias = read_master(options.bias, camera)
        least = combine["least_frames"]
        found = read_set(options.frames, camera, options.site, least, check_exptime)
        chips = {
            name: master_dark(camera.chips[name], images, found.exptimes(), bias[name], combine)
            for name, images in chips_of(found.frames, camera, settings)
        }
        cards = [*found.cards("dark", options.site), ("BUNIT", "adu/s", "unit of the images")]
        write_master(options.out, chips, cards, record)


def run_flat(options: argparse.Namespace) -> None:
    """Write the master flat of a band."""
    from ..frames.masters import read_master
    from ..io.provenance import recording
    from .flat import master_flat
    from .products import chips_of, flat_check, load, one_band, write_master
    from .reading import read_set

    settings, camera = load(options)
    inputs = [options.bias, options.dark, *options.frames]
    with recording("calibrations flat", settings, inputs, options.receipt) as record:
        bias, dark = read_master(options.bias, camera), read_master(options.dark, camera)
        least = settings["combine"]["least_frames"]
        check = flat_check(camera, settings)
        found = read_set(options.frames, camera, options.site, least, check)
        band, exptimes, clip = one_band(found), found.exptimes(), settings["combine"]["clip"]
        chips = {
            name: master_flat(
                camera.chips[name], images, exptimes, bias[name], dark[name], settings["flat"], clip
            )
            for name, images in chips_of(found.frames, camera, settings)
        }
        cards = [*found.cards("flat", options.site), ("FILTER", band, "band")]
        write_master(options.out, chips, cards, record)


def run_slopes(options: argparse.Namespace) -> None:
    """Write gain and read noise of every amplifier."""
    from ..io.json import write_json
    from ..io.provenance import recording
    from .products import by_band, chips_of, load
    from .reading import read_set
    from .slopes import amplifier_slope

    settings, camera = load(options)
    inputs = [*options.bias, *options.flats]
    with recording("calibrations slopes", settings, inputs, options.receipt) as record:
        biases = read_set(options.bias, camera, options.site, 2)
        flats = read_set(options.flats, camera, options.site, 2)
        measured = {}
        pairs = zip(
            chips_of(biases.frames, camera, settings),
            chips_of(flats.frames, camera, settings),
            strict=True,
        )
        for (name, dark_images), (_, images) in pairs:
            for amplifier in camera.chips[name].amplifiers:
                place = (amplifier.rows, amplifier.columns)
                measured[amplifier.name] = amplifier_slope(
                    [image[place] for image in dark_images],
                    by_band(flats, [image[place] for image in images]),
                    amplifier.saturation,
                    settings["slopes"],
                )
        dropped = [*biases.dropped, *flats.dropped]
        write_json(options.out, {"amplifiers": measured, "dropped": dropped}, record)


def run_defects(options: argparse.Namespace) -> None:
    """Write the static mask."""
    from ..frames.masters import read_master
    from ..io.fits import mask_legend
    from ..io.provenance import recording
    from .defects import find_defects
    from .products import load, write_master

    settings, camera = load(options)
    inputs = [options.bias, options.dark, *options.flats]
    with recording("calibrations defects", settings, inputs, options.receipt) as record:
        bias, dark = read_master(options.bias, camera), read_master(options.dark, camera)
        flats = [read_master(path, camera) for path in sorted(options.flats)]
        chips = {
            name: find_defects(
                chip, bias[name], dark[name], [f[name] for f in flats], settings["defects"]
            )
            for name, chip in camera.chips.items()
        }
        cards = [("IMAGETYP", "defects", "kind of calibration"), ("OBSERVAT", options.site, "")]
        write_master(options.out, chips, [*cards, *mask_legend()], record)


def run_crosstalk(options: argparse.Namespace) -> None:
    """Write the crosstalk matrix of every chip."""
    from ..frames.masters import read_master
    from ..io.json import write_json
    from ..io.provenance import recording
    from .crosstalk import measure_crosstalk
    from .products import chips_of, load, plain_matrix
    from .reading import read_set

    settings, camera = load(options)
    inputs = [options.bias, options.defects, *options.fields]
    with recording("calibrations crosstalk", settings, inputs, options.receipt) as record:
        bias, bits = read_master(options.bias, camera), read_master(options.defects, camera)
        found = read_set(options.fields, camera, options.site, 1)
        matrices = {
            name: plain_matrix(
                measure_crosstalk(
                    [image - bias[name] for image in images],
                    bits[name],
                    camera.chips[name],
                    camera.mirrored_halves,
                    camera.crosstalk_excluded,
                    settings["crosstalk"],
                )
            )
            for name, images in chips_of(found.frames, camera, settings)
        }
        write_json(options.out, {"coefficients": matrices, "dropped": found.dropped}, record)


UNIT_ADU = ("BUNIT", "adu", "unit of the images")
