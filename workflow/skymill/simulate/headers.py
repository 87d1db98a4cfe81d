"""Headers of raw frames, as KMTNet's: odd in places, but valid."""

import numpy as np
from astropy.time import Time

from ..camera import Camera, Chip, Site
from ..io.fits import Card


def sexagesimal(degrees: float, per_unit: float, signed: bool) -> str:
    """An angle as ``HH:MM:SS.ss`` (`per_unit` 15) or ``±DD:MM:SS.s`` (`per_unit` 1)."""
    digits = 1 if signed else 2
    scale = 10**digits
    total = round(abs(degrees) / per_unit * 3600 * scale)
    if not signed:
        total %= 24 * 3600 * scale
    whole, part = divmod(total, scale)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    sign = ("-" if degrees < 0 else "+") if signed else ""
    return f"{sign}{hours:02d}:{minutes:02d}:{seconds:02d}.{part:0{digits}d}"


def airmass(site: Site, ra: float, dec: float, mjd: float) -> float:
    """sec z of a position, from mean sidereal time; 99 below 5° altitude."""
    sidereal = 280.46061837 + 360.98564736629 * (mjd - 51544.5) + site.longitude
    hour = np.radians(sidereal - ra)
    lat, dec = np.radians(site.latitude), np.radians(dec)
    cosine = np.sin(lat) * np.sin(dec) + np.cos(lat) * np.cos(dec) * np.cos(hour)
    return float(1 / cosine) if cosine > np.sin(np.radians(5)) else 99.0


def primary_cards(
    camera: Camera,
    site: str,
    kind: str,
    target: str,
    band: str,
    exptime: float,
    mjd: float,
    ra: float,
    dec: float,
) -> list[Card]:
    """Cards of a raw frame's primary HDU.

    Parameters
    ----------
    camera : Camera
    site : str
    kind : str
        IMAGETYP: OBJECT, BIAS, DARK, FLAT.
    target : str
        OBJECT: the tile, or what the frame is of.
    band : str
        Empty without a filter.
    exptime : float
        Seconds.
    mjd : float
        UTC at mid-exposure.
    ra, dec : float
        Where the telescope was asked to point, degrees.
    """
    start = Time(mjd - exptime / 2 / 86400, format="mjd", scale="utc")
    secz = round(airmass(camera.sites[site], ra, dec, mjd), 3)
    amplifiers = list(camera.amplifiers())
    return [
        ("NAMPS", len(amplifiers), "number of amplifiers"),
        ("PRESCANX", camera.prescan, "prescan columns"),
        ("OVERSCNX", camera.overscan, "overscan columns"),
        ("PIXSCALE", camera.pixel_scale, "arcsec/pixel"),
        ("INSTRUME", camera.name, "camera"),
        ("OBSERVAT", site, "observatory"),
        ("IMAGETYP", kind, "type of frame"),
        ("OBJECT", target, "field"),
        ("FILTER", band or "NONE", "filter"),
        ("EXPTIME", float(exptime), "exposure time, s"),
        ("DATE-OBS", start.isot, "UTC at the start"),
        ("TSHOPEN", start.isot[11:], "UTC at which the shutter opened"),
        ("TSHSHUT", None, "UTC at which the shutter shut"),
        ("PIXITIME", None, "pixel integration time"),
        ("GAINDL", None, "gain of the data link"),
        ("MIDJD", mjd + 2400000.5, "Julian date at mid-exposure"),
        ("RA", sexagesimal(ra, 15, False), "telescope, ICRS"),
        ("DEC", sexagesimal(dec, 1, True), "telescope, ICRS"),
        ("SECZ", secz, "airmass"),
        ("FAFOCUS", 2650, "focus"),
        ("CCDTEMP", "-108.0", "deg C"),
        ("RTD12", None, "no sensor"),
    ]


def amplifier_cards(camera: Camera, chip: Chip, index: int) -> list[Card]:
    """Cards of a raw amplifier's HDU."""
    amplifier = chip.amplifiers[index]
    ny, width = chip.shape[0], amplifier.columns.stop - amplifier.columns.start
    first, last = camera.prescan + 1, camera.prescan + width
    end = last + camera.overscan
    x = [amplifier.columns.start + 1, amplifier.columns.stop]
    y = [1, ny]
    x = x[::-1] if amplifier.flip[0] else x
    y = y[::-1] if amplifier.flip[1] else y
    return [
        ("CCDNAME", f"KMTNet CCD {chip.name}", "chip"),
        ("AMPNAME", amplifier.name, "amplifier"),
        ("PRESEC", f"[1:{camera.prescan},1:{ny}]", "prescan"),
        ("DATASEC", f"[{first}:{last},1:{ny}]", "data"),
        ("TRIMSEC", f"[{first}:{last},1:{ny}]", "data"),
        ("BIASSEC", f"[{last + 1}:{end},1:{ny}]", "overscan"),
        ("CCDSEC", f"[{x[0]}:{x[1]},{y[0]}:{y[1]}]", "where the data lie in the chip"),
        ("GAIN", f"{amplifier.gain:.1f}", "nominal, e-/ADU"),
        ("RDNOISE", f"{amplifier.read_noise:.1f}", "nominal, e-"),
    ]
