"""The survey's tables: which tiles are observed, when, from where, and which frames calibrate them.

A site works through a tile dither by dither, through all bands at each, so that an asteroid moves
between two exposures of one band. Everything follows from the configuration; nothing is drawn.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import cos, floor, radians

from astropy.time import Time

from ..camera import Camera
from ..errors import ConfigError

MJD_DIGITS = 8
"""1e-8 d is 1 ms."""


@dataclass(frozen=True)
class Exposure:
    """One exposure as planned.

    Attributes
    ----------
    name, site, tile, band : str
    mjd : float
        UTC at mid-exposure.
    exptime : float
        Seconds.
    ra, dec : float
        Where the telescope is asked to point, degrees ICRS.
    """

    name: str
    site: str
    tile: str
    band: str
    mjd: float
    exptime: float
    ra: float
    dec: float


def tile_name(number: int, ra: float, dec: float) -> str:
    """KS4's name of a tile, ``{id:04d}.{RRR-DD}``: whole degrees, rounded half up.

    Parameters
    ----------
    number : int
    ra, dec : float
        Centre, degrees.
    """
    sign = "-" if dec < 0 else "+"
    return f"{number:04d}.{floor(ra + 0.5) % 360:03d}{sign}{floor(abs(dec) + 0.5):02d}"


def tiles(plan: Mapping) -> dict[str, tuple[float, float]]:
    """Name → centre (ra, dec in degrees) of each planned tile, in the plan's order."""
    return {
        tile_name(tile["number"], tile["ra"], tile["dec"]): (tile["ra"], tile["dec"])
        for tile in plan["tiles"]
    }


def exposures(plan: Mapping, bands: Sequence[str], camera: Camera) -> list[Exposure]:
    """Every exposure of the survey.

    Parameters
    ----------
    plan : Mapping
        The configuration's ``simulate.plan``.
    bands : sequence of str
    camera : Camera

    Returns
    -------
    list of Exposure
        In the order of sites, then time.

    Raises
    ------
    ConfigError
        If a dither names a site without nights, serial numbers or camera.
    """
    found = []
    for site in sorted({dither["site"] for dither in plan["dithers"]}):
        _check_site(plan, site, camera)
        serial = plan["serials"][site]
        for (tile, centre), start in zip(tiles(plan).items(), plan["nights"][site], strict=False):
            begin = Time(start, scale="utc").mjd
            for slot, (band, dither) in enumerate(_sequence(plan, bands, site, tile)):
                step = slot * (plan["exptime"] + plan["overhead"]) / 86400
                found.append(
                    _exposure(plan, camera, site, serial, tile, centre, band, dither, begin + step)
                )
                serial += 1
    return found


def _check_site(plan: Mapping, site: str, camera: Camera) -> None:
    nights = plan["nights"].get(site, [])
    if site not in camera.sites or site not in plan["serials"] or len(nights) < len(plan["tiles"]):
        raise ConfigError(
            f"simulate.plan: dithers name the site {site!r}, which needs a camera (known: "
            f"{', '.join(camera.sites)}), a number in serials and a night for each of the "
            f"{len(plan['tiles'])} tiles; got {len(nights)} nights."
        )


def _sequence(
    plan: Mapping, bands: Sequence[str], site: str, tile: str
) -> Iterator[tuple[str, Mapping]]:
    """Band and dither of each exposure of a tile at a site, in the order they are taken."""
    repeats = {(r["tile"], r["band"], r["site"]) for r in plan["repeats"]}
    for dither in (d for d in plan["dithers"] if d["site"] == site):
        for band in bands:
            yield band, dither
            key = (int(tile[:4]), band, site)
            if key in repeats:
                repeats.remove(key)
                yield band, dither


def _exposure(plan, camera, site, serial, tile, centre, band, dither, start) -> Exposure:
    date = Time(start, format="mjd", scale="utc").strftime("%Y%m%d")
    ra, dec = centre
    return Exposure(
        name=f"kmt{camera.sites[site].code}.{date}.{serial:06d}",
        site=site,
        tile=tile,
        band=band,
        mjd=round(start + plan["exptime"] / 2 / 86400, MJD_DIGITS),
        exptime=plan["exptime"],
        ra=(ra + dither["ra"] / 3600 / cos(radians(dec))) % 360,
        dec=dec + dither["dec"] / 3600,
    )


def calibration_rows(plan: Mapping, bands: Sequence[str], camera: Camera) -> list[dict]:
    """Rows of calibrations.csv: bias, dark, flats of each band and field frames of each site.

    Parameters
    ----------
    plan, bands, camera
        As for `exposures`.
    """
    counts = plan["calibrations"]
    rows = []
    for site in sorted({dither["site"] for dither in plan["dithers"]}):
        prefix = f"kmt{camera.sites[site].code}.{plan['run']}"
        kinds = [("bias", "", 0.0), ("dark", "", plan["exptime"])]
        kinds += [("flat", band, FLAT_TIME) for band in bands]
        kinds += [("field", counts["field_band"], plan["exptime"])]
        for kind, band, exptime in kinds:
            for number in range(1, counts[kind] + 1):
                name = f"{prefix}.{kind}{'_' + band if band else ''}.{number}"
                rows.append(
                    {
                        "frame": name,
                        "site": site,
                        "run": plan["run"],
                        "kind": kind,
                        "band": band,
                        "path": f"raw/calibration/{name}.fits",
                        "exptime": f"{exptime:g}",
                        "sha256": "",
                    }
                )
    return rows


FLAT_TIME = 5.0
"""Exposure of a twilight flat, s."""


def tile_rows(plan: Mapping) -> list[dict]:
    """Rows of tiles.csv."""
    return [{"tile": name, "ra": ra, "dec": dec} for name, (ra, dec) in tiles(plan).items()]


def exposure_rows(plan: Mapping, bands: Sequence[str], camera: Camera) -> list[dict]:
    """Rows of exposures.csv; which exposures are bad can't be read from them."""
    return [
        {
            "exposure": e.name,
            "site": e.site,
            "run": plan["run"],
            "path": f"raw/{e.name}.fits",
            "tile": e.tile,
            "band": e.band,
            "mjd": f"{e.mjd:.{MJD_DIGITS}f}",
            "exptime": f"{e.exptime:g}",
            "sha256": "",
        }
        for e in exposures(plan, bands, camera)
    ]


def table_text(rows: Sequence[Mapping]) -> str:
    """Rows as CSV with a header line.

    Raises
    ------
    ConfigError
        If there are no rows: a plan without a frame can't be built.
    """
    if not rows:
        raise ConfigError("simulate.plan: the plan has no tile, exposure or calibration frame.")
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def calibration_target(row: Mapping, number: int, plan: Mapping, camera: Camera) -> Exposure:
    """When a calibration frame was taken and where the telescope pointed: before the first night.

    Parameters
    ----------
    row : Mapping
        Of calibrations.csv; exptime a number.
    number : int
        Its place in the table; later frames are taken later.
    plan, camera
        As for `exposures`.
    """
    site = row["site"]
    mjd = Time(plan["nights"][site][0], scale="utc").mjd - 0.3
    mjd += number * (plan["exptime"] + plan["overhead"]) / 86400
    zenith = camera.sites[site].latitude
    ra = (280.46061837 + 360.98564736629 * (mjd - 51544.5) + camera.sites[site].longitude) % 360
    return Exposure(
        name=row["frame"],
        site=site,
        tile=row["kind"],
        band=row["band"],
        mjd=round(mjd, MJD_DIGITS),
        exptime=row["exptime"],
        ra=ra,
        dec=zenith,
    )
