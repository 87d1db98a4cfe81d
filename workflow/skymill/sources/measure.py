"""Detect and measure: from planes of pixels to a table of sources.

`measure` does one image. `measure_bands` detects on one image and measures several at the places,
isophotes and Kron ellipses found there (source-extractor's dual-image mode). Both cut a large image
into overlapping sub-tiles; what has to be one for the whole image (background mesh, light model,
noise factors, the size of stars) is.

An image is gone through twice: first to detect, and to model the light of all sources, then, with
that model, to add what was hidden in it (`skymill.sources.hidden`) and measure each source without
the others' light (`skymill.sources.light_model`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from astropy.table import Table

from ..errors import InputError
from .apertures import DIAMETERS, circular_sums
from .background import SOURCE_EXTRACTOR, Mesh, background_mesh
from .classes import Measured, classify
from .detection import Isophotes, detect, leftovers, undetectable
from .flags import extraction_flags, reaching_out
from .hidden import add_hidden
from .interpolate import EMPTY
from .isophote import core_bits, ellipses, isophotes
from .kron import SEARCH, elliptical_sums, foreign_fractions, kron_radii
from .light_model import INNER, LightModel, good_share, light_model, told
from .noise import correlation_factors, empty_sums, lattice
from .planes import ArrayPlanes, Piece, Planes, cut
from .resolved import resolved
from .scene import Scene, load_scene
from .shapes import half_light_radii, widths
from .sizes import window_sizes, windows_near
from .spread import filters, spreads
from .star_profile import EDGES, Moffat, sector_sums
from .stellarity import mode
from .stellarity_model import Model, shipped_model
from .windowed import windowed_centroids
from .winpos import winpos

COLUMNS = (
    *("x", "y", "x_error", "y_error"),
    *("flux_auto", "fluxerr_auto", "flux_aper3", "fluxerr_aper3"),
    *("flux_aper5", "fluxerr_aper5", "flux_aper10", "fluxerr_aper10"),
    *("fwhm_image", "flux_radius", "kron_radius", "flux_max", "theta_image", "ellipticity"),
    *("a_image", "b_image", "class_star", "spread_model", "spreaderr_model"),
    *("flags", "imaflags_iso", "background", "isoarea"),
)
INTEGERS = {"flags": np.int16, "imaflags_iso": np.int16, "isoarea": np.int32}
EPOCH_DIGITS = 6
"""Mean epochs that differ by less than 0.1 s are those of one set of exposures."""
BLANK = np.int32(-1)
"""Owner of pixels that are no source's, and mirrored all the same."""
PROBE, PROBES = 512, 8
"""Side, pixels, and number of the parts of an image that are looked at for its seeing, one after
the other, until there are bright sources enough."""
CORE = 2.0
"""A source's core, where BLEED means that it is saturated, is its half-light radius; at least this
many pixels."""


@dataclass(frozen=True)
class Band:
    """An image to be measured.

    Attributes
    ----------
    planes : Planes
        Image (the background may be in it), variance of the sky noise, mask.
    gain : float
        e⁻ per image unit, for the sources' own photon noise; 0 where the variance holds it already.
    saturation : float
        Image units, background included; infinite where nothing saturates.
    epoch : callable, optional
        (x, y) in pixels → mean epoch of the exposures combined there (any number that tells sets
        of exposures apart); without it all pixels are taken for one set.
    """

    planes: Planes
    gain: float
    saturation: float
    epoch: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None

    @property
    def inverse_gain(self) -> float:
        """Image units per e⁻; 0 where source noise isn't to be added."""
        return 1 / self.gain if self.gain > 0 else 0.0


@dataclass(frozen=True)
class Detections:
    """Sources found in a scene; arrays of shape (n,), pixels of the scene.

    Attributes
    ----------
    objects : structured ndarray
        As sep gives them: also those whose peak lies outside the piece's core, and not only n.
    segmentation : ndarray of int32
        Number of the source that owns each pixel, shape of the scene.
    cores : ndarray of int32
        The same, modelled sources owning no more than their cores: what is measured.
    ident : ndarray of int32
        Each source's number there.
    x0, y0, x, y : ndarray of float64
        Isophotal barycentre and windowed centroid.
    a, b, theta : ndarray of float64
        Rms ellipse, pixels and radians.
    kron : ndarray of float64
        Scale of the AUTO ellipse.
    area, sep_flags : ndarray of int64
        Isophotal area, sep's extraction flags.
    boxes : ndarray of int64
        Lowest y, highest y, lowest x, highest x; shape (n, 4).
    error_sky, error_source : ndarray of float64
        Squared errors of x, y without correlation: sky + source / gain; shape (n, 2).
    cleaned : ndarray of int32, optional
        Pixels that cleaning gave to a source (`skymill.sources.detection.Leftovers`).
    """

    objects: np.ndarray
    segmentation: np.ndarray
    cores: np.ndarray
    ident: np.ndarray
    x0: np.ndarray
    y0: np.ndarray
    x: np.ndarray
    y: np.ndarray
    a: np.ndarray
    b: np.ndarray
    theta: np.ndarray
    kron: np.ndarray
    area: np.ndarray
    sep_flags: np.ndarray
    boxes: np.ndarray
    error_sky: np.ndarray
    error_source: np.ndarray
    cleaned: np.ndarray | None = None

    @property
    def ellipse(self) -> tuple[np.ndarray, ...]:
        """x0, y0, a, b, theta."""
        return (self.x0, self.y0, self.a, self.b, self.theta)


@dataclass(frozen=True)
class KronLight:
    """The light of a scene's sources in their Kron ellipses; arrays of shape (n,).

    Attributes
    ----------
    flux, noise : ndarray of float64
        Sums of image and variance; NaN where less than half of the ellipse has data.
    area : ndarray of float64
        Area of the ellipse, pixels.
    incomplete : ndarray of bool
        Whether the ellipse holds pixels without data.
    half : ndarray of float64
        Half-light radius, pixels; NaN where the flux isn't positive.
    share : ndarray of float64
        Of the source's light, as modelled, in the ellipse; 1 without a model.
    """

    flux: np.ndarray
    noise: np.ndarray
    area: np.ndarray
    incomplete: np.ndarray
    half: np.ndarray
    share: np.ndarray


def measure(
    image: np.ndarray,
    variance: np.ndarray,
    mask: np.ndarray,
    settings: Mapping,
    pixel_scale: float,
    gain: float,
    saturation: float,
) -> Table:
    """Detect and measure the sources of one image.

    Parameters
    ----------
    image : ndarray of float32
        Shape (ny, nx); NaN is no data. The background may still be in it.
    variance : ndarray of float32
        Sky noise per pixel, image units²; where it isn't positive there is no data. Only its
        pattern counts: its scale is set by the measured rms of the background.
    mask : ndarray of uint8
        Bits of `skymill.bits.MaskBit`. Masked pixels are bridged along rows up to
        ``interpolate_lag`` pixels; in wider masked areas pixels keep their values and are measured.
    settings : Mapping
        `config/schemas/extraction.yaml`.
    pixel_scale : float
        Arcsec.
    gain : float
        e⁻ per image unit, for the sources' own photon noise; 0 adds none.
    saturation : float
        Image units, background included.

    Returns
    -------
    Table
        The columns `COLUMNS`, a row per source, sorted by y, then x. Positions are 0-based
        windowed centroids, lengths in pixels, angles in degrees counter-clockwise from x.
        Empty if the image holds no data, or fewer than 100 good pixels to tell its background.

    Raises
    ------
    InputError
        If the planes differ in shape, or the mask holds anything but 0 … 255.
    ConfigError
        If the detection's filter is no filter.
    DataError
        If detection fails.
    """
    bands = {"": Band(ArrayPlanes(image, variance, mask), gain, saturation)}
    return measure_bands(bands, "", settings, pixel_scale)[""]


def measure_bands(
    bands: Mapping[str, Band],
    detection: str,
    settings: Mapping,
    pixel_scale: float,
    network: Model | None = None,
) -> dict[str, Table]:
    """Detect in one band; measure all at the same places.

    Parameters
    ----------
    bands : mapping of str to Band
        Images of one shape.
    detection : str
        The band that detects.
    settings, pixel_scale
        As for `measure`.
    network : Model, optional
        What CLASS_STAR comes from; by default the model that is shipped.

    Returns
    -------
    dict of str to Table
        A table as `measure`'s for each band, the same rows in the same order. Positions, their
        errors, ``a_image`` … ``theta_image``, ``kron_radius`` and ``isoarea`` are the detection
        band's; everything else is each band's own, NaN where the band has no data. The detection
        band's table is what `measure` gives. ``meta`` holds ``star`` (what a star looks like, or
        None), ``noise`` (σ of a pixel) and ``noise_factors``, unless the image holds no data.

    Raises
    ------
    InputError
        If the bands differ in shape.
    """
    shape = bands[detection].planes.shape
    if any(band.planes.shape != shape for band in bands.values()):
        found = ", ".join(f"{name}: {band.planes.shape}" for name, band in bands.items())
        raise InputError(f"all bands must have the shape of {detection}; got {found}.")
    if 0 in shape:
        return {name: _empty_table() for name in bands}
    meshes = {name: background_mesh(band.planes, settings) for name, band in bands.items()}
    if meshes[detection] is None:
        return {name: _empty_table() for name in bands}
    pieces = cut(shape, int(settings["sub_tile"]), int(settings["sub_tile_overlap"]))
    models, first = light_models(bands, detection, meshes, pieces, settings)
    for name, model in models.items():
        if model is not None:
            meshes[name] = background_mesh(bands[name].planes, settings, model, meshes[name])
    radii = _radii(pixel_scale)
    windows = size_windows(bands, detection, meshes, models, settings)
    places: list[dict] = []
    rows: dict[str, list[dict]] = {name: [] for name in bands}
    empties: dict[str, list[np.ndarray]] = {name: [] for name in bands}
    for n, piece in enumerate(pieces):
        views = seen(bands, detection, meshes, models, piece, settings, first.pop(n, None))
        for name, scene, found, light in views:
            saturation = bands[name].saturation
            given = settings, radii, saturation, windows[name]
            rows[name].append(measure_at(scene, found, light, *given))
            empties[name].append(
                _empty_apertures(scene, found.segmentation, piece, shape, settings, radii)
            )
        places.append(_places(found, piece))
    factors = {
        name: correlation_factors(np.concatenate(sums), settings["empty_fewest"])
        for name, sums in empties.items()
    }
    place = _with_errors(_joined(places), factors[detection], bands[detection])
    order = np.lexsort((place["x"], place["y"]))
    kept = slice(None)
    tables: dict[str, Table] = {}
    for name in (detection, *(name for name in bands if name != detection)):
        own = _joined(rows.pop(name)), place, factors[name], bands[name], settings, radii
        tables[name] = _finish(*own, windows[name], network or shipped_model())[order]
        if name == detection and models[name] is not None:
            columns = (tables[name][column] for column in ("x", "y", "flux_aper5"))
            kept = resolved(*columns, models[name].star.fwhm)
        tables[name] = tables[name][kept]
        tables[name].meta["star"] = models[name].star if models[name] else None
        tables[name].meta["noise"] = meshes[name].noise if meshes[name] else 0.0
    return {name: tables[name] for name in bands}


def seen(
    bands: Mapping[str, Band],
    detection: str,
    meshes: Mapping[str, Mesh | None],
    models: Mapping[str, LightModel | None],
    piece: Piece,
    settings: Mapping,
    first: Isophotes | None = None,
) -> Iterator[tuple[str, Scene, "Detections", "KronLight"]]:
    """A piece of every band, the detection band's first: name, scene, sources and their light.

    Sources that were detected before aren't detected anew.
    """
    found = None
    for name in (detection, *(name for name in bands if name != detection)):
        scene = load_scene(
            bands[name].planes, meshes[name], piece.window, settings, models.get(name)
        )
        if found is None:
            found, light = find(scene, piece, settings, bands[name].inverse_gain, first)
        else:
            light = kron_light(scene, found, settings)
        yield name, scene, found, light


def light_models(
    bands: Mapping[str, Band],
    detection: str,
    meshes: Mapping[str, Mesh | None],
    pieces: Sequence[Piece],
    settings: Mapping,
) -> tuple[dict[str, LightModel | None], dict[int, Isophotes]]:
    """The light of each band's sources; None where a band hasn't stars enough, or by config.

    With what was detected for it, by number of the piece.
    """
    if not settings["light_model"]:
        return dict.fromkeys(bands), {}
    first: dict[int, Isophotes] = {}
    parts: dict[str, list[dict]] = {name: [] for name in bands}
    for n, piece in enumerate(pieces):
        for name, scene, found, light in seen(bands, detection, meshes, {}, piece, settings):
            parts[name].append(_shining(scene, found, light, bands[name], settings))
            if name == detection:
                first[n] = Isophotes.of(found.objects, found.segmentation)
    models = {
        name: light_model(_joined(parts[name]), meshes[name].noise, settings)
        if meshes[name]
        else None
        for name in bands
    }
    return models, first


def size_windows(
    bands: Mapping[str, Band],
    detection: str,
    meshes: Mapping[str, Mesh | None],
    models: Mapping[str, LightModel | None],
    settings: Mapping,
) -> dict[str, np.ndarray]:
    """The windows in which each band's sizes are measured: those near its seeing.

    The seeing is that of the model of the sources' light, or, without one, that of the bright
    sources in a few parts of the image; all windows where these are too few, or the image hardly
    larger than its parts.
    """
    fwhm: dict[str, list[np.ndarray]] = {name: [] for name in bands if models[name] is None}
    limits, shape = settings["stellarity"], bands[detection].planes.shape
    if min(shape) < PROBE or shape[0] * shape[1] < PROBES * PROBE**2:
        fwhm = {}
    for window in _parts(shape) if fwhm else ():
        piece = Piece(window, window)
        for name, scene, found, light in seen(bands, detection, meshes, {}, piece, settings):
            if name in fwhm:
                error = _flux_error(light.flux, light.noise, 1.0, bands[name])
                own = widths(*_pixels(scene, found), found.x, found.y, light.half)
                bright = (light.flux > limits["bright_snr"] * error) & (found.sep_flags == 0)
                fwhm[name].append(own[bright & np.isfinite(own)])
        if all(sum(map(len, own)) >= 2 * limits["fewest"] for own in fwhm.values()):
            break
    known = {name: model.star.fwhm for name, model in models.items() if model is not None}
    for name, own in ((name, np.concatenate(parts)) for name, parts in fwhm.items()):
        if own.size >= limits["fewest"]:
            known[name] = mode(own, 0.05 * own)
    return {name: windows_near(known.get(name)) for name in bands}


def _parts(shape: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Windows scattered over an image."""
    for x, y in zip(*lattice(shape, PROBES), strict=True):
        row, column = (
            int(np.clip(centre - PROBE // 2, 0, length - PROBE))
            for centre, length in zip((y, x), shape, strict=True)
        )
        yield slice(row, row + PROBE), slice(column, column + PROBE)


def mean_star(band: Band, settings: Mapping) -> Moffat | None:
    """What an image's stars look like, whether or not its sources' light is to be modelled."""
    mesh = background_mesh(band.planes, settings)
    pieces = cut(band.planes.shape, int(settings["sub_tile"]), int(settings["sub_tile_overlap"]))
    modelled = {**settings, "light_model": True}
    model = light_models({"": band}, "", {"": mesh}, pieces, modelled)[0][""]
    return model.star if model else None


def _shining(
    scene: Scene, found: Detections, light: KronLight, band: Band, settings: Mapping
) -> dict[str, np.ndarray]:
    """What `skymill.sources.light_model.light_model` needs to know of a scene's sources."""
    sums, pixels, distances = sector_sums(
        scene.data, scene.state, found.segmentation, found.ident, found.x, found.y, EDGES
    )
    kernels = (*_pixels(scene, found), found.x, found.y)
    error = _flux_error(light.flux, light.noise, 1.0, band)
    with np.errstate(invalid="ignore", divide="ignore"):
        snr = light.flux / error
    own = {
        "x": found.x + scene.window[1].start,
        "y": found.y + scene.window[0].start,
        "half": light.half,
        "fwhm": widths(*kernels, light.half),
        "inner": circular_sums(*kernels, np.array([INNER]))[0][:, 0],
        "good": good_share(scene.state, found.x, found.y, INNER),
        "snr": np.nan_to_num(snr),
        "clean": found.sep_flags == 0,
    }
    return own | told(own, sums, pixels, distances, settings["stellarity"]["bright_snr"])


def find(
    scene: Scene,
    piece: Piece,
    settings: Mapping,
    inverse_gain: float,
    first: Isophotes | None = None,
) -> tuple[Detections, KronLight]:
    """Detect the sources of a scene, keep those whose peak lies in the piece's core, place them.

    Parameters
    ----------
    scene : Scene
    piece : Piece
    settings : Mapping
        `config/schemas/extraction.yaml`.
    inverse_gain : float
        Image units per e⁻; 0 where the variance holds the sources' photons.
    first : Isophotes, optional
        What was detected in the scene before its light was modelled.

    Returns
    -------
    Detections
        The sources, with their windowed centroids.
    KronLight
        Their AUTO sums in this very scene, which the centroids' windows come from.
    """
    found = _detected(scene, piece, settings, inverse_gain, first)
    kron = _kron_scale(scene, found, settings)
    found = replace(found, kron=kron)
    light = kron_light(scene, found, settings)
    width = _window(scene, light.half, settings)
    start = (*_pixels(scene, found), found.x0, found.y0, width)
    if settings["definitions"] == SOURCE_EXTRACTOR:
        x, y, sky, source = winpos(*start, found.a, found.b, found.theta)
    else:
        x, y, sky, source = windowed_centroids(*start)
    # Where the iteration ran away (a source in 800, on the flanks of bright ones), the barycentre
    # stands, with the error of its pixels: half of the true one, the isophote follows the noise.
    lost = np.isnan(sky)
    sky = np.where(lost, found.error_sky, sky)
    source = np.where(lost, found.error_source, source)
    return replace(found, x=x, y=y, error_sky=sky, error_source=source), light


def _window(scene: Scene, half: np.ndarray, settings: Mapping) -> np.ndarray:
    """Half the FWHM of each source's window: its half-light radius, or at most half a star's FWHM.

    Wings put a star's half-light diameter a quarter above its FWHM, and neighbours' light far more;
    the wider the window, the more of that light draws the centroid.
    """
    if settings["window"] == "half_light" or scene.model is None:
        return half
    return np.fmin(half, scene.model.star.fwhm / 2)


def _detected(
    scene: Scene, piece: Piece, settings: Mapping, inverse_gain: float, first: Isophotes | None
) -> Detections:
    """The sources of a scene; where their light is modelled, hidden ones too, and by own light."""
    empty = scene.state == EMPTY
    theirs = settings["definitions"] == SOURCE_EXTRACTOR
    variance = undetectable(scene.variance, empty, settings) if theirs else scene.variance
    if first is None:
        objects, segmentation = detect(scene.data, variance, empty, settings)
    else:
        objects, segmentation = first.objects, first.segmentation()
    if scene.model is None:
        found = _isophotal(objects, segmentation, piece)
        if theirs:
            left = leftovers(scene.data, variance, objects, segmentation, settings)
            cores = segmentation.copy()
            cores[left.small] = BLANK
            found = replace(found, cores=cores, cleaned=left.cleaned)
        return found
    planes = (scene.data, scene.net, scene.variance, scene.state)
    model = (scene.model, scene.window)
    found = (objects, segmentation)
    objects, segmentation = add_hidden(*planes, *model, inverse_gain, found, settings)
    cores = scene.model.cores(segmentation, len(objects), scene.window, settings["wing_start"])
    return replace(_alone(scene, _isophotal(objects, segmentation, piece)), cores=cores)


def _isophotal(objects: np.ndarray, segmentation: np.ndarray, piece: Piece) -> Detections:
    """What sep says about the sources whose peak lies in the piece's core."""
    row = objects["ycpeak"] + piece.window[0].start
    column = objects["xcpeak"] + piece.window[1].start
    rows, columns = piece.core
    mine = (row >= rows.start) & (row < rows.stop)
    mine &= (column >= columns.start) & (column < columns.stop)
    found = objects[mine]
    x, y, a, b, theta = (found[name].astype(float) for name in ("x", "y", "a", "b", "theta"))
    return Detections(
        objects=objects,
        segmentation=segmentation,
        cores=segmentation,
        ident=np.flatnonzero(mine).astype(np.int32) + np.int32(1),
        **{"x0": x, "y0": y, "x": x, "y": y, "a": a, "b": b, "theta": theta},
        kron=np.zeros(len(found)),
        area=found["tnpix"].astype(np.int64),
        sep_flags=found["flag"].astype(np.int64),
        boxes=np.stack(
            [found[k].astype(np.int64) for k in ("ymin", "ymax", "xmin", "xmax")], axis=1
        ),
        error_sky=np.stack([found["errx2"], found["erry2"]], axis=1).astype(float),
        error_source=np.zeros((len(found), 2)),
    )


def _alone(scene: Scene, found: Detections) -> Detections:
    """Barycentres and ellipses of the sources' own light, where there is some."""
    net, _, *rest = _pixels(scene, found)
    new = ellipses(net, *rest, found.boxes)
    old = np.stack(found.ellipse, axis=1)
    names = ("x0", "y0", "a", "b", "theta")
    return replace(found, **dict(zip(names, np.where(np.isnan(new), old, new).T, strict=True)))


def _pixels(scene: Scene, found: Detections) -> tuple[np.ndarray, ...]:
    """What the measuring kernels take of a scene."""
    own = scene.own(found.segmentation, found.ident)
    return scene.net, scene.variance, scene.state, found.cores, found.ident, own


def _kron_scale(scene: Scene, found: Detections, settings: Mapping) -> np.ndarray:
    net, _, *rest = _pixels(scene, found)
    return kron_radii(
        net,
        *rest,
        *found.ellipse,
        settings["kron_factor"],
        settings["kron_floor"],
        np.inf if settings["definitions"] == SOURCE_EXTRACTOR else SEARCH,
    )


def kron_light(scene: Scene, found: Detections, settings: Mapping) -> KronLight:
    """AUTO sums and half-light radii of a scene in the Kron ellipses of given sources."""
    pixels = _pixels(scene, found)
    flux, noise, area, incomplete = elliptical_sums(*pixels, *found.ellipse, found.kron)
    half = half_light_radii(
        *pixels,
        found.x0,
        found.y0,
        found.a,
        flux,
        settings["flux_fraction"],
        settings["longest_radius"],
    )
    radius = found.kron * np.sqrt(found.a * found.b)
    share = scene.model.share(pixels[-1], radius) if scene.model else np.ones_like(flux)
    return KronLight(flux, noise, area, incomplete, half, share)


def measure_at(
    scene: Scene,
    found: Detections,
    light: KronLight,
    settings: Mapping,
    radii: np.ndarray,
    saturation: float,
    windows: np.ndarray,
) -> dict[str, np.ndarray]:
    """Measure a scene at the places, isophotes and Kron ellipses of given sources.

    Parameters
    ----------
    scene : Scene
        The image to measure; not necessarily the one that detected.
    found : Detections
        What was detected, on the same pixel grid.
    light : KronLight
        `kron_light` of the scene.
    settings : Mapping
        `config/schemas/extraction.yaml`.
    radii : ndarray
        Radii of the circular apertures, pixels, ascending.
    saturation : float
        Image units, background included.
    windows : ndarray
        Those of `size_windows` for the image.

    Returns
    -------
    dict of str to ndarray
        Sums and noise sums, from which `measure_bands` makes fluxes and errors once the noise
        factors of the whole image are known.
    """
    pixels = _pixels(scene, found)
    centre = (found.x, found.y)
    theirs = settings["definitions"] == SOURCE_EXTRACTOR
    middle = (found.x0, found.y0) if theirs else centre
    flux, noise, incomplete = circular_sums(*pixels, *middle, radii)
    peak, bits, holed = isophotes(
        scene.data, scene.mask, scene.state, found.segmentation, found.ident, found.boxes
    )
    size, size_sky, size_source = window_sizes(*pixels, *centre, windows)
    background = _at_pixels(scene.background, *centre)
    core = core_bits(scene.mask, *centre, np.maximum(np.nan_to_num(light.half, nan=0.0), CORE))
    incomplete = incomplete | light.incomplete
    owners = found.segmentation
    if theirs:  # of masks it knows none but what is left in the image; what it mends is whole
        core, holed, owners = np.zeros_like(core), np.zeros_like(holed), found.cores
        bits |= _cleaned_bits(scene.mask, found)
        incomplete = reaching_out(scene.data.shape, found.ellipse, found.kron, radii[-1])
    return {
        "flux_auto": light.flux,
        "noise_auto": light.noise,
        "area_auto": light.area,
        "share_auto": light.share,
        "flux": flux,
        "noise": noise,
        "fwhm_image": widths(*pixels, *centre, light.half),
        "flux_radius": light.half,
        "flux_max": peak,
        "background": np.where(np.isfinite(light.flux), background, np.nan),
        "imaflags_iso": bits,
        "flags": extraction_flags(
            found.sep_flags,
            foreign_fractions(scene.state, owners, found.ident, *found.ellipse, found.kron),
            peak + background,
            core,
            incomplete,
            holed,
            saturation,
            settings["neighbour_fraction"],
        ),
        "size": size,
        "size_sky": size_sky,
        "size_source": size_source,
        **_spreads(pixels, centre, scene.model),
    }


def _cleaned_bits(mask: np.ndarray, found: Detections) -> np.ndarray:
    """The mask bits of what cleaning gave to each source."""
    bits = np.zeros(len(found.objects) + 1, np.int16)
    if found.cleaned is not None:
        rows, columns, ident = found.cleaned.T
        np.bitwise_or.at(bits, ident, mask[rows, columns])
    return bits[found.ident]


def _spreads(
    pixels: tuple[np.ndarray, ...], centre: tuple[np.ndarray, np.ndarray], model: LightModel | None
) -> dict[str, np.ndarray]:
    """The spread model of a scene's sources, where their image's star profile is known."""
    if model is None:
        return {}
    shape = filters(model.star)
    found = spreads(*pixels, *centre, shape.star, shape.wide, shape.step, shape.reach)
    return dict(zip(("spread", "spread_sky", "spread_source"), found, strict=True))


def _at_pixels(plane: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A plane's values at the nearest pixels."""
    row = np.clip(np.rint(y).astype(int), 0, plane.shape[0] - 1)
    column = np.clip(np.rint(x).astype(int), 0, plane.shape[1] - 1)
    return plane[row, column]


def _radii(pixel_scale: float) -> np.ndarray:
    return np.array(list(DIAMETERS.values())) / 2 / pixel_scale


def _places(found: Detections, piece: Piece) -> dict[str, np.ndarray]:
    """What all bands share, in pixels of the whole image."""
    return {
        "x": found.x + piece.window[1].start,
        "y": found.y + piece.window[0].start,
        "error_sky": found.error_sky,
        "error_source": found.error_source,
        "kron_radius": found.kron,
        "theta_image": np.degrees(found.theta),
        "ellipticity": 1 - found.b / found.a,
        "a_image": found.a,
        "b_image": found.b,
        "isoarea": found.area,
    }


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The parts' arrays end to end; each part gives its own up, lest memory hold them twice."""
    return {name: np.concatenate([part.pop(name) for part in parts]) for name in list(parts[0])}


def _empty_apertures(
    scene: Scene,
    segmentation: np.ndarray,
    piece: Piece,
    shape: tuple[int, int],
    settings: Mapping,
    radii: np.ndarray,
) -> np.ndarray:
    """Sums in empty apertures of the image's lattice that lie in the piece's core."""
    x, y = lattice(shape, settings["empty_apertures"])
    rows, columns = piece.core
    mine = (y >= rows.start) & (y < rows.stop) & (x >= columns.start) & (x < columns.stop)
    return empty_sums(
        scene.net,
        scene.variance,
        scene.state,
        segmentation,
        x[mine] - piece.window[1].start,
        y[mine] - piece.window[0].start,
        radii,
    )


def _with_errors(
    place: dict[str, np.ndarray], factors: np.ndarray, band: Band
) -> dict[str, np.ndarray]:
    """Put x_error and y_error in the place of their sums."""
    sky, source = place.pop("error_sky"), place.pop("error_source")
    error = np.sqrt(factors[0] ** 2 * sky + band.inverse_gain * source)
    return {**place, "x_error": error[:, 0], "y_error": error[:, 1]}


def _finish(
    raw: dict[str, np.ndarray],
    place: dict[str, np.ndarray],
    factors: np.ndarray,
    band: Band,
    settings: Mapping,
    radii: np.ndarray,
    ladder: np.ndarray,
    network: Model,
) -> Table:
    """Turn sums into fluxes, errors and classes."""
    table = Table(place)
    auto_factor = np.interp(np.sqrt(raw["area_auto"] / np.pi), radii, factors)
    error = _flux_error(raw["flux_auto"], raw["noise_auto"], auto_factor, band)
    # A star's ellipse shrinks as it fades: what lies outside is added, so that AUTO stays total.
    table["flux_auto"] = raw["flux_auto"] / raw["share_auto"]
    table["fluxerr_auto"] = error / raw["share_auto"]
    for k, name in enumerate(DIAMETERS):
        flux, noise = raw["flux"][:, k], raw["noise"][:, k]
        table[f"flux_{name}"] = flux
        table[f"fluxerr_{name}"] = _flux_error(flux, noise, factors[k], band)
    for name in ("fwhm_image", "flux_radius", "flux_max", "flags", "imaflags_iso", "background"):
        table[name] = raw[name]
    for name, values in _classes(table, raw, factors[0], band, settings, ladder, network).items():
        table[name] = values
    for name, type_ in INTEGERS.items():
        table[name] = table[name].astype(type_)
    table.meta["noise_factors"] = {name: float(factors[k]) for k, name in enumerate(DIAMETERS)}
    return table[list(COLUMNS)]


def _flux_error(
    flux: np.ndarray, noise: np.ndarray, factor: np.ndarray | float, band: Band
) -> np.ndarray:
    return np.sqrt(factor**2 * noise + band.inverse_gain * np.clip(flux, 0, None))


def _classes(
    table: Table,
    raw: Mapping[str, np.ndarray],
    factor: float,
    band: Band,
    settings: Mapping,
    ladder: np.ndarray,
    network: Model,
) -> dict[str, np.ndarray]:
    """CLASS_STAR and the spread model of every source (`skymill.sources.classes.classify`)."""

    def error(name: str) -> np.ndarray:
        return np.sqrt(factor**2 * raw[f"{name}_sky"] + band.inverse_gain * raw[f"{name}_source"])

    x, y = np.asarray(table["x"]), np.asarray(table["y"])
    sets = None
    if band.epoch is not None:
        sets = np.unique(np.round(band.epoch(x, y), EPOCH_DIGITS), return_inverse=True)[1]
    spread = "spread" in raw
    found = Measured(
        x=x,
        y=y,
        snr=np.asarray(table["flux_auto"] / table["fluxerr_auto"]),
        flags=np.asarray(table["flags"]),
        bits=np.asarray(table["imaflags_iso"]),
        fwhm=np.asarray(table["fwhm_image"]),
        half=np.asarray(table["flux_radius"]),
        peak=np.asarray(table["flux_max"]),
        light=np.asarray(table["flux_aper3"]),
        size=raw["size"],
        error=error("size"),
        spread=raw["spread"] if spread else None,
        spread_error=error("spread") if spread else None,
        ladder=ladder,
    )
    ny, nx = band.planes.shape
    return classify(found, (nx, ny), settings["stellarity"], network, sets)


def _empty_table() -> Table:
    return Table({name: np.empty(0, INTEGERS.get(name, float)) for name in COLUMNS})
