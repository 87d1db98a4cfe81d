"""``skymill sources homogenise``: scale a stack to one zero point and measure its depth."""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..command import add_step
from ..tree import map_name

if TYPE_CHECKING:
    import numpy as np
    from astropy.io.fits import Header
    from astropy.table import Table

    from ..io.provenance import Record
    from .depth import Sources
    from .scaled_stack import ScaledStack

PROVENANCE = re.compile(r"SOFTWARE|STEP|CONFHASH|NINPUT|INP\d{5}")
"""Cards that tell how the input was made; the product gets its own."""
CARDS = ("NUMEXP", "EXPTIME", "MINMJD", "MAXMJD", "MEANMJD", "SATURATE", "GAIN", "NOISEC..")
"""Cards that hold numbers; only the first has to be there."""


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step to the room's parser."""
    parser = add_step(
        steps,
        "homogenise",
        run,
        "scale a stack to one zero point; seeing, depth and area",
        "--tile 0000.000-30 --band I --image work/image.fits "
        "--variance work/variance.fits --mask mask.fits --nexp nexp.fits "
        "--catalogue single_I.parquet --maps maps/0000.000-30 --out-image image.fits "
        "--out-variance variance.fits --row row.json",
    )
    parser.add_argument("--tile", required=True)
    parser.add_argument("--band", required=True)
    for name in ("image", "variance", "mask", "nexp"):
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"{name} of the stack")
    parser.add_argument("--catalogue", type=Path, required=True, help="instrumental measurements")
    parser.add_argument("--maps", type=Path, required=True, help="folder of the tile's maps")
    parser.add_argument("--out-image", type=Path, required=True)
    parser.add_argument("--out-variance", type=Path, required=True)
    parser.add_argument("--row", type=Path, required=True, help="the stack's row of stacks.parquet")


def run(options: argparse.Namespace) -> None:
    """Scale the planes, measure the stack, write both."""
    from ..config import load_config
    from ..io.json import write_json
    from ..io.parquet import table_schema
    from ..io.provenance import recording
    from .flux_scale import scale_factors
    from .grid import stack_wcs
    from .inputs import read_catalogue, read_map, reading_planes
    from .scaled_stack import ScaledStack

    settings = load_config(options.config)
    homogenise = settings["sources"]["homogenise"]
    aperture = homogenise["aperture"]
    maps = {
        kind: read_map(options.maps, kind, options.tile, options.band, "single", settings, aperture)
        for kind in ("zp", "zperr", "pstar")
    }
    alignment = {
        kind: read_map(options.maps, kind, options.tile, options.band, "single", settings)
        for kind in ("align", "astar")
    }
    schema = table_schema("single_instrumental")
    catalogue = read_catalogue(options.catalogue, schema, settings, options.tile)
    factors = scale_factors(maps["zp"], homogenise["zero_point"])
    continued = settings["sources"]["maps"]["rule"] != "ks4"
    known = maps | alignment
    used = {name: settings[name] for name in ("tiles", "sources")}
    inputs = [options.image, options.variance, options.mask, options.nexp, options.catalogue]
    inputs += [
        options.maps / map_name(kind, options.tile, options.band, "single", aperture)
        for kind in maps
    ]
    inputs += [
        options.maps / map_name(kind, options.tile, options.band, "single") for kind in alignment
    ]
    paths = {name: getattr(options, name) for name in ("image", "variance", "mask", "nexp")}
    recorded = recording("sources homogenise", used, inputs, options.receipt)
    with reading_planes(paths, settings["tiles"]["size"]) as planes, recorded as record:
        _check_cards(planes["image"].header, options.image)
        scale = settings["tiles"]["pixel_scale"]
        stack_wcs(options.image, list(paths.values())[1:], planes["image"].shape, scale)
        stack = ScaledStack(planes, factors, continued)
        row = stack_row(stack, catalogue, known, options.tile, options.band, settings)
        header = planes["image"].header
        cards = [*scaled_cards(header, factors, maps, homogenise), *measured_cards(row)]
        _write(stack, cards, options.out_image, options.out_variance, record)
        write_json(options.row, row, record)


def _write(
    stack: "ScaledStack", changes: list[tuple], image: Path, variance: Path, record: "Record"
) -> None:
    """Write the scaled image and its variance, with some of their cards changed."""
    from ..io.rows import writing_rows

    image_cards, variance_cards = (
        updated([tuple(card) for card in stack.planes[name].header.cards], changes)
        for name in ("image", "variance")
    )
    with (
        writing_rows(variance, stack.shape, "float32", variance_cards, record) as write_variance,
        writing_rows(image, stack.shape, "float32", image_cards, record) as write_image,
    ):
        for first, last in stack.bands():
            scaled = stack.rows(first, last)
            write_image(scaled[0])
            write_variance(scaled[1])


def _check_cards(header: "Header", path: Path) -> None:
    """InputError unless the cards that are used hold numbers."""
    from .inputs import card_number

    for keyword in ("NUMEXP", *(k for k in header if re.fullmatch("|".join(CARDS[1:]), k))):
        card_number(header, keyword, path)


def scaled_cards(
    header: "Header",
    factors: "np.ndarray",
    maps: "Mapping[str, np.ndarray]",
    homogenise: Mapping,
) -> list[tuple]:
    """Cards that say what was done; saturation and gain follow the mean scale."""
    import numpy as np

    mean = float(np.mean(factors))
    errors = maps["zperr"][(maps["pstar"] > 0) & np.isfinite(maps["zperr"])]
    cards: list[tuple] = [
        ("MAGZERO", homogenise["zero_point"], f"zero point in {homogenise['aperture']}, AB mag"),
        ("ZPSCALED", True, "scaled by its zero-point map: don't apply it again"),
        ("ZPAPER", homogenise["aperture"], "aperture of that map"),
        ("ZPINTERP", "bilinear", "between the centres of the map's bins"),
        ("PHOTREF", "Gaia XP", "photometric reference"),
    ]
    if errors.size:
        cards.append(("EMAGZERO", float(np.median(errors)), "median error of that map, mag"))
    if "SATURATE" in header:
        cards.append(("SATURATE", float(header["SATURATE"]) * mean, header.comments["SATURATE"]))
    if "GAIN" in header:
        cards.append(("GAIN", float(header["GAIN"]) / mean, header.comments["GAIN"]))
    return cards


def measured_cards(row: Mapping) -> list[tuple]:
    """Cards of what was measured on the stack: its row of table ``stacks``; none where unknown."""
    named = {
        "FWHM": ("fwhm", "[arcsec] median FWHM of the stack's stars"),
        "DEPTH5": ("depth_seeing", "[mag] 5 sigma, point source, aperture as wide as the seeing"),
        "DEPTH5AP": ("depth_5sigma", "[mag] 5 sigma, point source, 5 arcsec wide"),
        "DEPTH5EM": ("depth_empirical", "[mag] the same from empty apertures"),
        "ALIGN": ("align", "[arcsec] median separation from Gaia"),
    }
    return [
        (keyword, float(f"{row[name]:.6g}"), comment)
        for keyword, (name, comment) in named.items()
        if row[name] is not None
    ]


def updated(cards: list[tuple], changes: list[tuple]) -> list[tuple]:
    """Header cards with some replaced or added and an input's provenance left out."""
    new = {card[0]: card for card in changes}
    kept = [new.pop(card[0], card) for card in cards if not PROVENANCE.fullmatch(card[0])]
    return [*kept, *new.values()]


def stack_row(
    stack: "ScaledStack",
    catalogue: "Table",
    maps: "Mapping[str, np.ndarray]",
    tile: str,
    band: str,
    settings: Mapping,
) -> dict:
    """The row of table ``stacks``, without the count of candidates; None for null.

    Parameters
    ----------
    stack : ScaledStack
    catalogue : Table
        Table ``single_instrumental``.
    maps : mapping
        ``zp``, ``zperr`` and ``pstar`` in the aperture of the homogenised stack; ``align`` and
        ``astar``.
    tile, band : str
    settings : mapping
        The configuration.
    """
    import numpy as np

    from .inputs import tile_centre
    from .robust import scatter

    header = stack.planes["image"].header
    area, masked = stack.covered()
    ra, dec = tile_centre(settings, tile)
    calibrated, aligned = maps["zp"][maps["pstar"] > 0], maps["align"][maps["astar"] > 0]
    epochs = ("min_mjd", "max_mjd", "mean_mjd") if header["NUMEXP"] else ()
    row = {
        "tile": tile,
        "band": band,
        "ra": ra,
        "dec": dec,
        "nexp": int(header["NUMEXP"]),
        "exptime": float(header.get("EXPTIME", np.nan)),
        **dict.fromkeys(("min_mjd", "max_mjd", "mean_mjd"), np.nan),
        **{name: float(header.get(name.replace("_", "").upper(), np.nan)) for name in epochs},
        "zp": float(np.median(calibrated)) if calibrated.size else np.nan,
        "zperr": scatter(calibrated),
        "stars": int(maps["pstar"].sum()),
        "align": float(np.median(aligned)) if aligned.size else np.nan,
        "area": area * (settings["tiles"]["pixel_scale"] / 3600) ** 2,
        "masked": masked / area if area else np.nan,
        "sources": len(catalogue),
        **seeing_and_depth(stack, catalogue, settings),
    }
    finite = {k: v for k, v in row.items() if not isinstance(v, float) or np.isfinite(v)}
    return {name: finite.get(name) for name in row}


def seeing_and_depth(
    stack: "ScaledStack", catalogue: "Table", settings: Mapping
) -> dict[str, float]:
    """FWHM of the stars (arcsec), depths in 5″ and in the seeing; NaN where they can't be measured.

    The variance holds the pixels' noise alone; the header's NOISECnn how much more an aperture has.

    Parameters
    ----------
    stack, catalogue, settings
        As for `stack_row`.
    """
    import numpy as np

    from .depth import aperture_fraction, depths_in

    scale, depth = settings["tiles"]["pixel_scale"], settings["sources"]["depth"]
    zero_point = settings["sources"]["homogenise"]["zero_point"]
    stars = _stars(catalogue, settings["sources"]["maps"])
    fwhm_image = np.asarray(catalogue["fwhm_image"], dtype=float)[stars]
    fwhm = float(np.median(fwhm_image)) if stars.any() else np.nan
    sources = _sources(
        catalogue, stack.factors, settings["tiles"]["size"], depth["clearance"] / scale
    )
    aperture = depth["aperture"] / scale
    at_stars = sources.x[stars], sources.y[stars]
    share = aperture_fraction(stack.sums, *at_stars, fwhm, aperture)
    where, header = (stack.sums, stack.shape, sources), stack.planes["image"].header
    wide, narrow = (aperture_correlation(header, d) for d in (depth["aperture"], fwhm * scale))
    fixed, empirical = depths_in(*where, aperture, 1.0, zero_point, wide, depth)
    within, _ = depths_in(*where, fwhm, share, zero_point, narrow, depth)
    return {
        "fwhm": fwhm * scale,
        "depth_5sigma": fixed,
        "depth_empirical": empirical,
        "depth_seeing": within,
    }


def aperture_correlation(header: "Header", diameter: float) -> float:
    """How much more noise an aperture (arcsec) has than its pixels' variances tell: NOISECnn.

    Between the diameters nn that the header gives it is interpolated; without them it is 1.
    """
    import numpy as np

    known = sorted(
        (int(key[6:]), header[key])
        for key in header
        if key.startswith("NOISEC") and key[6:].isdigit()
    )
    return float(np.interp(diameter, *zip(*known, strict=True))) if known else 1.0


def _stars(catalogue: "Table", limits: Mapping) -> "np.ndarray":
    """Clean stars with a size and without a neighbour."""
    import numpy as np

    from .calibrators import clean_stars
    from .instrumental import instrumental

    class_star, fwhm = (np.asarray(catalogue[name]) for name in ("class_star", "fwhm_image"))
    magerr = instrumental(catalogue["flux_auto"], catalogue["fluxerr_auto"])[1]
    flags = catalogue["flags"], catalogue["imaflags_iso"]
    return clean_stars(*flags, class_star, magerr, {**limits, "flags": 0}) & (fwhm > 0)


def _sources(catalogue: "Table", factors: "np.ndarray", size: int, clearance: float) -> "Sources":
    """Sources as far as their isophotes reach, and the background there, scaled as the image."""
    import numpy as np

    from .depth import Sources
    from .map_lookup import look_up

    x, y, area, ellipticity, background = (
        np.nan_to_num(np.asarray(catalogue[name], dtype=float))
        for name in ("x_image", "y_image", "isoarea", "ellipticity", "background")
    )
    major = np.sqrt(np.maximum(area, 0) / np.pi / np.clip(1 - ellipticity, 0.1, 1))
    scaled = background * look_up(factors, x, y, size)
    return Sources(x - 1, y - 1, major + clearance, scaled)
