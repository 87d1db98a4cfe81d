"""``skymill sources extract``: detect and measure the sources of one stack."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..command import add_step

if TYPE_CHECKING:
    from astropy.io import fits
    from astropy.table import Table
    from astropy.wcs import WCS

    from .measure import Band


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step."""
    step = add_step(
        steps,
        "extract",
        run,
        "detect and measure the sources of a stack (single mode)",
        "--tile 0001.000-30 --band R --image image.fits --variance variance.fits "
        "--mask mask.fits --catalogue single_R.parquet",
    )
    step.add_argument("--tile", required=True, help="the tile")
    step.add_argument("--band", required=True, help="the band")
    for name, what in (
        ("image", "the unscaled stack"),
        ("variance", "its variance"),
        ("mask", "its mask bits"),
    ):
        step.add_argument(f"--{name}", type=Path, required=True, help=what)
    step.add_argument(
        "--epoch", type=Path, help="mean epoch per pixel: tells sets of exposures apart"
    )
    step.add_argument("--catalogue", type=Path, required=True, help="the table to write")


def run(options: argparse.Namespace) -> None:
    """Read the planes of a stack, measure it, write table ``single_instrumental``."""
    from ..config import load_config
    from ..io.fits import read_header
    from ..io.parquet import table_schema, write_table
    from ..io.provenance import recording
    from .grid import stack_wcs
    from .measure import measure_bands
    from .stellarity_model import shipped_model

    config = load_config(options.config)
    settings = config["sources"]["extraction"]
    planes = [options.image, options.variance, options.mask]
    inputs = [*planes, *([options.epoch] if options.epoch else [])]
    with recording("sources extract", {"extraction": settings}, inputs, options.receipt) as record:
        record.facts["stellarity"] = shipped_model().name
        band = stack_band(planes, read_header(options.image), options.epoch)
        scale = config["tiles"]["pixel_scale"]
        wcs = stack_wcs(options.image, inputs[1:], band.planes.shape, scale)
        table = measure_bands({options.band: band}, options.band, settings, scale)[options.band]
        table = with_sky_positions(table, wcs)
        schema = table_schema("single_instrumental")
        write_table(options.catalogue, table[schema.names], schema, record)


def stack_band(paths: Sequence[Path], header: "fits.Header", epochs: Path | None = None) -> "Band":
    """The planes of a stack (image, variance, mask; epochs) with its gain.

    A stack whose variance holds the sources' photons (VARSRC) needs no gain, nor does one without
    GAIN (no exposure was usable). What saturates is masked in its exposure, and in the stack where
    all were: the mask tells, not a level. SATURATE is the lowest of all exposures' and amplifiers',
    which good stars of other exposures exceed.

    Raises
    ------
    InputError
        If a plane can't be read, or isn't one of these planes, or GAIN is no gain.
    """
    from functools import partial

    from ..errors import InputError
    from .measure import Band
    from .planes import FitsPlanes, check_shape, values_at

    planes = FitsPlanes(*paths)
    gain = header.get("GAIN", 0.0)
    if isinstance(gain, str | bool) or gain < 0:
        raise InputError(
            f"{paths[0]}: HDU 0: GAIN: expected electrons per unit, or 0 where no exposure was "
            f"used; got {gain!r}. Stack it again."
        )
    if epochs:
        check_shape(epochs, planes.shape, paths[0])
    epoch = partial(values_at, epochs) if epochs else None
    return Band(planes, 0.0 if header.get("VARSRC", False) is True else gain, float("inf"), epoch)


def with_sky_positions(table: "Table", wcs: "WCS") -> "Table":
    """Add number, ra, dec, their errors, and 1-based pixels; take out the 0-based ones.

    Parameters
    ----------
    table : Table
        Of `skymill.sources.measure`.
    wcs : WCS
        Of its image (`skymill.sources.grid.stack_wcs`), north up: the error in x is that in right
        ascension.
    """
    import numpy as np

    x, y = np.asarray(table["x"]), np.asarray(table["y"])
    scale_x, scale_y = np.hypot(*(wcs.pixel_scale_matrix * 3600))
    table = table.copy()
    table["number"] = np.arange(1, len(table) + 1, dtype=np.int32)
    ra, dec = wcs.all_pix2world(x, y, 0) if len(table) else (x, y)
    table["ra"], table["dec"] = ra % 360.0, dec
    table["ra_error"] = table["x_error"] * scale_x
    table["dec_error"] = table["y_error"] * scale_y
    table["x_image"], table["y_image"] = x + 1, y + 1
    table.remove_columns(["x", "y", "x_error", "y_error"])
    return table
