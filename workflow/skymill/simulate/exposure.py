"""One exposure of the true sky: its conditions, and the raw pixels of its chips."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from astropy.wcs import WCS

from ..camera import Camera
from ..io.fits import make_header
from ..seeding import generator
from . import distortion, light, satellite
from .asteroid import moved
from .cosmic_rays import add_cosmic_rays
from .detector import Detector, dark_rate, detector_of, field_corner, flat_response, hot_columns
from .drawing import draw_gaussians, draw_moffats
from .photometric_systems import REFERENCE_BANDS
from .plan import Exposure
from .proper_motion import at_epoch, epoch_of
from .psf import Psf, moffat_mixture
from .readout import Pixels, collect, read_out
from .sersic import sersic_mixture
from .variables import brightening

GOOD = "good"
TRACE = 30.0
"""Cosmic rays are noted as artefacts in pixels where they left so many electrons."""
STREAK = 5
"""Points that stand for an asteroid's motion during an exposure."""
REACH = 3.5
"""Galaxies' Gaussians are drawn out to so many standard deviations and keep their full flux."""


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
        Where the telescope really points, degrees.
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
        ra=(exposure.ra + east / np.cos(np.radians(exposure.dec))) % 360,
        dec=exposure.dec + north,
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


def true_wcs(detector: Detector, now: Conditions) -> dict[str, float | str]:
    """True TPV cards of a chip in an exposure, with CRVAL."""
    return distortion.pointed(distortion.rotate(detector.wcs, now.rotation), now.ra, now.dec)


def apparent(sky: Table, exposure: Exposure, now: Conditions) -> Table:
    """Sources as they appear in an exposure: ra, dec (degrees), flux (e⁻) and shape columns.

    An asteroid becomes a few points along its way. Rows keep the sky's order otherwise.
    """
    mags = {band: np.asarray(sky[f"mag_{band.lower()}"]) for band in REFERENCE_BANDS}
    natural = light.natural_magnitude(mags, exposure.band, now.color_term)
    natural = natural + brightening(
        *(np.asarray(sky[name]) for name in ("amplitude", "period", "phase")), exposure.mjd
    )
    ra, dec = at_epoch(
        *(np.asarray(sky[name]) for name in ("ra", "dec", "pmra", "pmdec")), epoch_of(exposure.mjd)
    )
    names = ("half_light_radius", "sersic", "axis_ratio", "position_angle")
    seen = Table({"ra": ra, "dec": dec, "flux": light.electrons(natural, now.zero_point)})
    for name in names:
        seen[name] = np.asarray(sky[name], float)
    moving = np.isfinite(np.asarray(sky["epoch"], float))
    if not moving.any():
        return seen
    return _with_streaks(seen, sky, moving, exposure)


def _with_streaks(seen: Table, sky: Table, moving: np.ndarray, exposure: Exposure) -> Table:
    from astropy.table import vstack

    parts = [seen[~moving]]
    body = sky[moving]
    for point in range(STREAK):
        during = ((point + 0.5) / STREAK - 0.5) * exposure.exptime / 3600
        hours = (exposure.mjd - np.asarray(body["epoch"])) * 24 + during
        place = moved(*(np.asarray(body[n]) for n in ("ra", "dec", "rate_ra", "rate_dec")), hours)
        part = seen[moving]
        part["ra"], part["dec"] = place
        part["flux"] /= STREAK
        parts.append(part)
    return vstack(parts)


def trail_points(now: Conditions) -> np.ndarray:
    """Offsets (x, y) in pixels at which the PSF is put down: one, or many along a drift."""
    length = np.hypot(*now.trail)
    count = int(np.ceil(length / (0.5 * now.psf.fwhm))) if length else 1
    fraction = (np.arange(count) + 0.5) / count - 0.5
    return fraction[:, None] * np.array(now.trail)


def source_light(seen: Table, detector: Detector, now: Conditions) -> np.ndarray:
    """Light of all sources on a chip, electrons, float32, before the chip's response."""
    ny, nx = detector.chip.shape
    image = np.zeros((ny, nx), np.float32)
    x, y, near = chip_positions(seen, detector, now)
    seen, x, y = seen[near], x[near], y[near]
    shape = now.psf.at(x - detector.axis[0], y - detector.axis[1])
    extended = np.asarray(seen["half_light_radius"]) > 0
    least = max(now.sky, 1.0) ** 0.5 * 2e-3
    flux, star = np.asarray(seen["flux"]), ~extended
    points = trail_points(now)
    for dx, dy in points:
        place = x[star] + dx, y[star] + dy
        draw_moffats(image, *place, flux[star] / len(points), shape[star], now.psf.beta, least)
    galaxies = (x[extended], y[extended], flux[extended], shape[extended])
    draw_galaxies(image, *galaxies, seen[extended], now.psf.beta, detector.pixel_scale, now.trail)
    return image


def chip_positions(
    seen: Table, detector: Detector, now: Conditions
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """0-based positions of sources on a chip, and which lie near enough to matter."""
    ny, nx = detector.chip.shape
    wcs = WCS(make_header([(k, v, "") for k, v in true_wcs(detector, now).items()]))
    margin = 40 * now.psf.fwhm
    x, y = np.full(len(seen), -np.inf), np.full(len(seen), -np.inf)
    close = _near_chip(seen, detector, now, margin)
    x[close], y[close] = wcs.wcs_world2pix(seen["ra"][close], seen["dec"][close], 0)
    near = (x > -margin) & (x < nx + margin) & (y > -margin) & (y < ny + margin)
    return x, y, near


def _near_chip(seen: Table, detector: Detector, now: Conditions, margin: float) -> np.ndarray:
    """Which sources a coarse projection puts near a chip: saves projecting the whole sky."""
    ny, nx = detector.chip.shape
    cards = detector.wcs
    cd = np.array([[cards["CD1_1"], cards["CD1_2"]], [cards["CD2_1"], cards["CD2_2"]]])
    east = (np.asarray(seen["ra"]) - now.ra + 180) % 360 - 180
    offsets = np.stack([east * np.cos(np.radians(now.dec)), np.asarray(seen["dec"]) - now.dec])
    x, y = np.linalg.solve(cd, offsets) + np.array(detector.axis)[:, None]
    slack = margin + 0.06 * detector.corner
    return (x > -slack) & (x < nx + slack) & (y > -slack) & (y < ny + slack)


def draw_galaxies(
    image: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    flux: np.ndarray,
    psf_shape: np.ndarray,
    rows: Table,
    beta: float,
    scale: float,
    trail: tuple[float, float] = (0.0, 0.0),
) -> None:
    """Add galaxies convolved with the PSF: sums of Gaussians.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        Changed in place.
    x, y, flux : ndarray, shape (n,)
        0-based pixels, electrons.
    psf_shape : ndarray, shape (n, 3)
        As from `Psf.at`.
    rows : Table
        half_light_radius (arcsec), sersic, axis_ratio, position_angle (degrees east of north; the
        chip's x runs west).
    beta : float
        Moffat's exponent.
    scale : float
        Arcsec per pixel.
    trail : (float, float)
        Drift during the exposure, pixels; smears by its variance alone.
    """
    angle = np.radians(np.asarray(rows["position_angle"]))
    ratio = np.asarray(rows["axis_ratio"])
    major = (np.asarray(rows["half_light_radius"]) / scale) ** 2 / ratio
    minor = major * ratio**2
    along = np.stack([-np.sin(angle), np.cos(angle)])  # x grows toward the west
    across = np.stack([along[1], -along[0]])
    own = np.stack(
        [
            major * along[0] ** 2 + minor * across[0] ** 2,
            major * along[0] * along[1] + minor * across[0] * across[1],
            major * along[1] ** 2 + minor * across[1] ** 2,
        ],
        axis=-1,
    )
    smear = np.array([trail[0] ** 2, trail[0] * trail[1], trail[1] ** 2]) / 12
    flux = flux / (1 - np.exp(-0.5 * REACH**2))
    shares, variances = moffat_mixture(beta)
    index = np.asarray(rows["sersic"])
    for n in np.unique(index):
        which = index == n
        for part, width in zip(*sersic_mixture(float(n)), strict=True):
            for share, variance in zip(shares, variances, strict=True):
                covariance = own[which] * width + psf_shape[which] * variance + smear
                draw_gaussians(
                    image, x[which], y[which], flux[which] * part * share, covariance, REACH
                )


def chip_exposure(
    seen: Table,
    exposure: Exposure,
    now: Conditions,
    detector: Detector,
    settings: Mapping,
    overscan: tuple[int, int],
) -> tuple[list[np.ndarray], dict[str, Pixels]]:
    """Expose and read one chip.

    Parameters
    ----------
    seen : Table
        As from `apparent`.
    exposure, now, detector
    settings : Mapping
        The configuration's ``simulate``.
    overscan : (int, int)
        Prescan and overscan columns.

    Returns
    -------
    As `readout.read_out`.
    """
    on = settings["effects"]
    image = source_light(seen, detector, now)
    if on["amplifier_response"]:
        image *= light.amplifier_response(
            detector.offsets, detector.slopes, detector.columns, detector.chip.shape
        )
    artefacts = _add_satellites(image, detector, now)
    image += np.float32(now.sky)
    image *= flat_response(detector, settings)
    image += dark_rate(detector, settings) * np.float32(exposure.exptime)
    rng = generator("simulate", settings["seed"], "photons", exposure.name, detector.chip.name)
    collect(image, rng, on["photon_noise"])
    artefacts |= _add_hits(image, exposure, detector, settings)
    artefacts |= _hot_pixels(detector, settings)
    trace = np.sqrt(now.sky + 50) / np.mean(detector.gains)
    raw, found = read_out(image, detector, settings, exposure.name, trace, overscan)
    return raw, artefacts | found


def _add_satellites(image: np.ndarray, detector: Detector, now: Conditions) -> dict[str, Pixels]:
    touched = np.zeros(image.shape, bool)
    for angle, offset, strength in now.satellites:
        trail = satellite.satellite_trail(
            image.shape, detector.axis, (angle, offset), strength, now.psf.fwhm, now.psf.beta
        )
        touched |= trail > np.sqrt(now.sky + 50)
        image += trail
    return {"satellite": np.nonzero(touched)} if touched.any() else {}


def _add_hits(
    image: np.ndarray, exposure: Exposure, detector: Detector, settings: Mapping
) -> dict[str, Pixels]:
    if not settings["effects"]["cosmic_rays"]:
        return {}
    given = settings["detector"]["cosmic_rays"]
    rng = generator("simulate", settings["seed"], "cosmic", exposure.name, detector.chip.name)
    count = given["rate"] * exposure.exptime * image.size / 1e6 * settings["artefacts"]
    hits = add_cosmic_rays(image, rng, count, given["charge"], given["thickness"])
    y, x = hits[hits[:, 2] >= TRACE, :2].T.astype(np.int64)
    return {"cosmic_ray": (y, x)} if y.size else {}


def _hot_pixels(detector: Detector, settings: Mapping) -> dict[str, Pixels]:
    columns = hot_columns(detector, settings)
    if not columns:
        return {}
    y = [np.arange(rows.start, rows.stop) for _, rows, _ in columns]
    x = [np.full(part.size, column) for part, (column, _, _) in zip(y, columns, strict=True)]
    return {"hot_column": (np.concatenate(y), np.concatenate(x))}


def expose(
    exposure: Exposure, sky: Table, settings: Mapping, camera: Camera
) -> Iterator[tuple[Detector, list[np.ndarray], dict[str, Pixels]]]:
    """Expose every chip of the camera, one after another, in the camera's order."""
    now = conditions(exposure, settings, camera)
    seen = apparent(sky, exposure, now)
    for name in camera.chips:
        detector = detector_of(camera, exposure.site, name, settings)
        raw, artefacts = chip_exposure(
            seen, exposure, now, detector, settings, (camera.prescan, camera.overscan)
        )
        yield detector, raw, artefacts
