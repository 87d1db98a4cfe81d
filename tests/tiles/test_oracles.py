"""The stack against SWarp's and reproject's, made from the same frames with the same settings."""

import shutil
import subprocess
from contextlib import ExitStack

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skymill.geometry import tile_cards
from skymill.io.fits import make_header
from skymill.tiles.footprint import chip_nodes, tile_wcs
from skymill.tiles.frame import open_chips, read_frames
from skymill.tiles.stack import Layer, stack_bands

SIZE = 360
DITHERS = [(0, 0, 0.0), (12.3, -9.6, 0.3), (-8.1, 13.4, -0.2), (5.7, 6.2, 0.1)]


@pytest.fixture
def scene(sky, tmp_path):
    """Four noisy frames of stars: their files, the stars, the frames' masks."""
    random = np.random.default_rng(11)
    x, y = np.meshgrid(np.arange(60, 270, 30), np.arange(60, 250, 30))
    wcs = WCS(make_header(sky.cards()))
    places = wcs.wcs_pix2world(
        x.ravel() + random.random(x.size), y.ravel() + random.random(x.size), 0
    )
    stars = np.stack([*places, 10 ** random.uniform(3.5, 5.5, x.size)], axis=1)
    paths = []
    for number, (dx, dy, turn) in enumerate(DITHERS):
        cards = sky.cards(dx=dx, dy=dy, turn=turn)
        image = sky.render(cards, stars) + random.normal(0, 5, sky.shape)
        bits = np.where(random.random(sky.shape) < 0.001, 4, 0).astype(np.uint8)
        paths.append(sky.write(tmp_path, f"e{number}", image, cards, rms=5.0, bits=bits))
    return paths, stars


@pytest.fixture
def mine(sky, settings, scene):
    """Our own stack; a pixel whose kernel touches a masked one is dropped, as by SWarp."""

    def run(**changes):
        options = settings | {"size": SIZE, "masked_weight": 0.0} | changes
        frames = read_frames(*zip(*scene[0], strict=True), "0000.000-30", "R")
        wcs = tile_wcs(*sky.centre, SIZE, 0.4)
        with ExitStack() as stack:
            layers = []
            for frame in frames:
                chips = stack.enter_context(open_chips(frame, {"M": sky.chip}))
                placed = [(c, chip_nodes(c.wcs, c.shape, wcs, SIZE)) for c in chips]
                layers.append(Layer(placed, 1.0, 6e4, 2.0))
            bands = list(stack_bands(layers, (SIZE, SIZE), options))
        return {name: np.concatenate([band[name] for band in bands]) for name in bands[0]}, wcs

    return run


def fluxes(image, wcs, stars, radius=6.25):
    """Flux in 5″ and first moments about each star's place."""
    y, x = np.indices(image.shape)
    rows = []
    for ra, dec, _ in stars:
        x0, y0 = wcs.wcs_world2pix(ra, dec, 0)
        inside = np.hypot(x - x0, y - y0) < radius
        values = np.where(inside, image, 0)
        total = values.sum()
        rows.append((total, (values * (x - x0)).sum() / total, (values * (y - y0)).sum() / total))
    return np.array(rows)


def test_swarp_makes_the_same_stack(scene, mine, sky, tmp_path, monkeypatch):
    """With its own Lanczos kernel, whose first moment isn't 0."""
    monkeypatch.setattr("skymill.resampling.kernels.centred", lambda weights, distance: weights)
    command = shutil.which("SWarp") or shutil.which("swarp")
    if command is None:
        pytest.skip("needs the Debian package swarp")
    paths, stars = scene
    for image, mask, _ in paths:
        # SWarp reads one image a file here, and wants a weight: 1/σ², 0 where masked.
        with fits.open(image) as hdus, fits.open(mask) as bits:
            header = hdus[1].header.copy()
            header["EXTEND"] = False
            fits.writeto(tmp_path / f"s_{image.name}", hdus[1].data, header)
            weight = np.where(bits[1].data > 0, 0, 1 / 25).astype(np.float32)
            fits.writeto(tmp_path / f"s_{image.stem}.weight.fits", weight, header)
    wcs = tile_wcs(*sky.centre, SIZE, 0.4)
    head = make_header(tile_cards(*sky.centre, SIZE, 0.4)).tostring(sep="\n", endcard=False)
    (tmp_path / "coadd.head").write_text(head + "\nEND\n")
    options = {
        "IMAGEOUT_NAME": "coadd.fits",
        "WEIGHTOUT_NAME": "coadd.weight.fits",
        "WEIGHT_TYPE": "MAP_WEIGHT",
        "RESAMPLING_TYPE": "LANCZOS3",
        "COMBINE_TYPE": "MEDIAN",
        "SUBTRACT_BACK": "N",
        "FSCALASTRO_TYPE": "VARIABLE",
        "FSCALE_KEYWORD": "NONE",
        "CENTER_TYPE": "MANUAL",
        "CENTER": f"{sky.centre[0]},{sky.centre[1]}",
        "PIXELSCALE_TYPE": "MANUAL",
        "PIXEL_SCALE": "0.4",
        "IMAGE_SIZE": f"{SIZE},{SIZE}",
        "PROJECTION_ERR": "0",
        "WRITE_XML": "N",
        "VERBOSE_TYPE": "QUIET",
        "NTHREADS": "1",
    }
    arguments = [word for key, value in options.items() for word in (f"-{key}", value)]
    names = [f"s_{image.name}" for image, _, _ in paths]
    subprocess.run([command, *names, *arguments], cwd=tmp_path, check=True, capture_output=True)
    theirs = fits.getdata(tmp_path / "coadd.fits")
    weight = fits.getdata(tmp_path / "coadd.weight.fits")
    planes, wcs = mine()
    both = (weight > 0) & (planes["nexp"] == 4)
    assert both.sum() > 50000
    difference = (planes["image"] - theirs)[both]
    assert np.median(np.abs(difference)) < 0.02
    assert np.percentile(np.abs(difference), 99) < 0.2
    ours, swarp = (fluxes(np.nan_to_num(image), wcs, stars) for image in (planes["image"], theirs))
    ratio = 2.5 * np.log10(ours[:, 0] / swarp[:, 0])
    assert abs(np.median(ratio)) < 2e-4
    assert np.percentile(np.abs(ratio), 90) < 3e-3
    assert np.abs(np.median(ours[:, 1:] - swarp[:, 1:], axis=0)).max() < 2e-3


def test_reproject_puts_flux_in_the_same_place(scene, mine, sky, tmp_path):
    from reproject import reproject_exact

    paths, stars = scene
    (image, _, _) = paths[1]
    with fits.open(image) as hdus:
        source = WCS(hdus[1].header, naxis=2)
        data = hdus[1].data
    scene[0][:] = [paths[1]]
    planes, wcs = mine(masked_weight=0.05)
    # An exact drizzle conserves surface brightness; our sums conserve flux: apply the area.
    theirs, _ = reproject_exact((data, source), wcs, shape_out=(SIZE, SIZE), parallel=False)
    step = np.array([source.wcs_world2pix(*wcs.wcs_pix2world(u, v, 0), 0)
                     for u, v in ((180, 180), (181, 180), (180, 181))])  # fmt: skip
    (ax, ay), (bx, by) = step[1] - step[0], step[2] - step[0]
    theirs *= abs(ax * by - ay * bx)
    bright = stars[stars[:, 2] > 3e4]
    ours, exact = (fluxes(np.nan_to_num(i), wcs, bright, 12) for i in (planes["image"], theirs))
    ratio = 2.5 * np.log10(ours[:, 0] / exact[:, 0])
    assert abs(np.median(ratio)) < 3e-3
    assert np.abs(ratio).max() < 2e-2
    assert np.abs(np.median(ours[:, 1:] - exact[:, 1:], axis=0)).max() < 0.01
