"""``skymill sources maps``: the zero-point and alignment maps of a tile."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..command import add_step
from ..tree import APERTURES, MODES, map_name

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step to the room's parser."""
    parser = add_step(
        steps,
        "maps",
        run,
        "zero-point and alignment maps from Gaia XP stars",
        "--config config/config.yaml --tile 0000.000-30 --band I --mode single "
        "--catalogue single_I.parquet --reference 8672.parquet --folder maps/0000.000-30",
    )
    parser.add_argument("--tile", required=True)
    parser.add_argument(
        "--band", nargs="+", required=True, help="one in mode single, several in mode Idual"
    )
    parser.add_argument("--mode", choices=MODES, required=True)
    parser.add_argument("--catalogue", type=Path, required=True, help="instrumental measurements")
    parser.add_argument("--reference", type=Path, nargs="+", required=True, help="Gaia XP cells")
    parser.add_argument("--folder", type=Path, required=True, help="where the maps go")


def run(options: argparse.Namespace) -> None:
    """Make the maps of each band."""
    from ..config import load_config
    from ..errors import InputError
    from ..io.npy import write_npy
    from ..io.parquet import table_schema
    from ..io.provenance import recording
    from .inputs import read_catalogue, read_cells

    if options.mode == "single" and len(options.band) > 1:
        raise InputError(f"--band: mode single takes one band, got {' '.join(options.band)}.")
    settings = load_config(options.config)
    bands = options.band
    single = options.mode == "single"
    schema = (
        table_schema("single_instrumental")
        if single
        else table_schema("idual_instrumental", tuple(settings["bands"]))
    )
    catalogue = read_catalogue(options.catalogue, schema)
    columns = [f"{name}_{band.lower()}" for band in bands for name in ("mag", "magerr")]
    reference = read_cells(options.reference, ["ra", "dec", *columns])
    used = {name: settings[name] for name in ("tiles", "sources")}
    inputs = [options.catalogue, *options.reference]
    with recording("sources maps", used, inputs, options.receipt) as record:
        for band in bands:
            suffix = "" if single else f"_{band.lower()}"
            made = band_maps(
                catalogue, reference, band, suffix, settings["sources"]["maps"], settings
            )
            for (kind, aperture), values in made.items():
                name = map_name(kind, options.tile, band, options.mode, aperture)
                write_npy(options.folder / name, values, record)


def band_maps(
    catalogue: "Table",
    reference: "Table",
    band: str,
    suffix: str,
    limits: Mapping,
    settings: Mapping,
) -> "dict[tuple[str, str], np.ndarray]":
    """The maps of one band: (kind, aperture) → array.

    Parameters
    ----------
    catalogue : Table
        Instrumental measurements.
    reference : Table
        Gaia XP: ``ra``, ``dec``, ``mag_<band>``, ``magerr_<band>``.
    band : str
    suffix : str
        Of the catalogue's columns: empty or ``_<band>``.
    limits : mapping
        The section sources.maps.
    settings : mapping
        The configuration, for the tile's size and the homogenised zero point.
    """
    import numpy as np

    from .align_map import align_map
    from .calibrators import clean_stars, one_to_one
    from .instrumental import instrumental
    from .map_lookup import bin_count, look_up
    from .zero_point_map import zero_point_map

    size = settings["tiles"]["size"]
    measured = {
        aperture: instrumental(
            catalogue[f"flux_{aperture.lower()}{suffix}"],
            catalogue[f"fluxerr_{aperture.lower()}{suffix}"],
        )
        for aperture in APERTURES
    }
    clean = np.flatnonzero(
        clean_stars(
            catalogue[f"flags{suffix}"],
            catalogue[f"imaflags_iso{suffix}"],
            np.asarray(catalogue[f"class_star{suffix}"]),
            measured["AUTO"][1],
            limits,
        )
    )
    source, star, separation = one_to_one(
        catalogue["ra"], catalogue["dec"], reference["ra"], reference["dec"], limits["match_radius"]
    )
    cleared = np.isin(source, clean)
    source, star, separation = source[cleared], star[cleared], separation[cleared]
    mag = np.asarray(reference[f"mag_{band.lower()}"], dtype=float)[star]
    magerr = np.asarray(reference[f"magerr_{band.lower()}"], dtype=float)[star]
    x, y = (np.asarray(catalogue[name])[source] for name in ("x_image", "y_image"))

    near = (mag > limits["bright"]) & (mag < limits["align_faint"])
    count = bin_count(size, limits["align_bin"])
    align = align_map(
        x[near], y[near], separation[near], size, count, limits["align_window"], limits["min_stars"]
    )
    made = {
        ("align", ""): align.separation,
        ("alerr", ""): align.scatter,
        ("astar", ""): align.stars,
    }
    local = np.fmax(limits["match_limit"], look_up(align.separation, x, y, size))
    good = (mag > limits["bright"]) & (mag < limits["faint"]) & (separation < local)
    count = bin_count(size, limits["zp_bin"])
    for aperture, (inst, insterr) in measured.items():
        zero_points = zero_point_map(
            x[good],
            y[good],
            (mag - inst[source])[good],
            np.hypot(magerr, insterr[source])[good],
            size,
            count,
            limits["clip"],
            limits["min_stars"],
            settings["sources"]["homogenise"]["zero_point"],
        )
        made["zp", aperture] = zero_points.zp
        made["zperr", aperture] = zero_points.error
        made["pstar", aperture] = zero_points.stars
    return made
