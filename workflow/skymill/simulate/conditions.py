"""What is particular to one exposure: seeing, pointing, transparency, sky, what goes wrong."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..camera import Camera
from ..seeding import generator
from . import light, satellite
from .detector import field_corner
from .plan import Exposure
from .psf import Psf

GOOD = "good"


@dataclass(frozen=True)
class Conditions:
    """What is particular to one exposure.

    Attributes
    ----------
    status : str
        good, bad_seeing, trailed or truncated.
    seeing : float
        FWHM on the axis, arcsec.
    psf : Psf
    trail : tuple of float
        Drift (x, y) during the exposure, pixels.
    zero_point : float
        Magnitude (natural system) of one electron, before the amplifiers' response.
    color_term : float
    transparency : float
        Extra magnitudes of this exposure's zero point.
    sky : float
        Sky, electrons per unvignetted pixel.
    ra, dec : float
        Where the telescope points, degrees: as planned, so that dithers fill the gaps.
    header_ra, header_dec : float
        Where its header says that it points.
    rotation : float
        Degrees.
    satellites : tuple of (angle, offset, electrons per pixel of length)
    """

    status: str
    seeing: float
    psf: Psf
    trail: tuple[float, float]
    zero_point: float
    color_term: float
    transparency: float
    sky: float
    ra: float
    dec: float
    header_ra: float
    header_dec: float
    rotation: float
    satellites: tuple[tuple[float, float, float], ...]


def conditions(exposure: Exposure, settings: Mapping, camera: Camera) -> Conditions:
    """Draw an exposure's conditions from the seed and its name.

    Parameters
    ----------
    exposure : Exposure
    settings : Mapping
        The configuration's ``simulate``.
    camera : Camera
    """
    rng = generator("simulate", settings["seed"], "conditions", exposure.name)
    on, optics, corner = settings["effects"], settings["optics"], field_corner(camera)
    status = next((s for s, names in settings["status"].items() if exposure.name in names), GOOD)
    seeing = rng.uniform(*optics["seeing"])
    if status == "bad_seeing":
        seeing = optics["bad_seeing"]
    angle, drift = rng.uniform(0, 2 * np.pi), optics["trail"] / camera.pixel_scale
    varies = on["psf_variation"]
    psf = Psf(
        fwhm=seeing / camera.pixel_scale,
        beta=optics["moffat_beta"],
        rise=optics["seeing_rise"] * varies,
        ellipticity=optics["ellipticity"] * varies,
        angle=rng.uniform(0, np.pi),
        corner=corner,
    )
    transparency = -abs(rng.normal(0, settings["light"]["transparency"])) * on["transparency"]
    zero_point = site_zero_point(exposure, settings) + transparency
    east, north = rng.normal(0, optics["pointing"], 2) / 3600 * on["pointing"]
    return Conditions(
        status=status,
        seeing=float(seeing),
        psf=psf,
        trail=(drift * np.cos(angle), drift * np.sin(angle)) if status == "trailed" else (0.0, 0.0),
        zero_point=zero_point,
        color_term=_color_term(exposure, settings),
        transparency=float(transparency),
        sky=_sky(exposure, settings, camera),
        ra=exposure.ra,
        dec=exposure.dec,
        header_ra=(exposure.ra + east / np.cos(np.radians(exposure.dec))) % 360,
        header_dec=exposure.dec + north,
        rotation=float(rng.normal(0, optics["rotation"]) * on["pointing"]),
        satellites=_satellites(exposure, settings, camera, corner),
    )


def site_zero_point(exposure: Exposure, settings: Mapping) -> float:
    """Magnitude of one electron in an exposure of usual transparency at its site."""
    given = settings["light"]
    offset = given["site_offset"].get(exposure.site, 0.0) * settings["effects"]["transparency"]
    return given["zero_point"][exposure.band] + offset + 2.5 * np.log10(exposure.exptime)


def _color_term(exposure: Exposure, settings: Mapping) -> float:
    term = settings["light"]["color_terms"].get(exposure.site, {}).get(exposure.band, 0.0)
    return term * settings["effects"]["color_terms"]


def _sky(exposure: Exposure, settings: Mapping, camera: Camera) -> float:
    if not settings["effects"]["sky"]:
        return 0.0
    per_pixel = settings["light"]["sky"][exposure.band] - 2.5 * np.log10(camera.pixel_scale**2)
    return float(light.electrons(per_pixel, site_zero_point(exposure, settings)))


def _satellites(exposure: Exposure, settings: Mapping, camera: Camera, corner: float) -> tuple:
    if not settings["effects"]["satellites"]:
        return ()
    rng = generator("simulate", settings["seed"], "satellite", exposure.name)
    count = rng.poisson(settings["detector"]["satellites"] * settings["artefacts"])
    magnitude = settings["detector"]["satellite_brightness"] - 2.5 * np.log10(camera.pixel_scale)
    strength = light.electrons(magnitude, site_zero_point(exposure, settings))
    return tuple(
        (*satellite.draw_trail(rng, corner), float(strength * rng.uniform(0.5, 2)))
        for _ in range(count)
    )
