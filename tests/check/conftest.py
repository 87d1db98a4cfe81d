"""A small true survey, and the perfect release of it, made by other means than those of the check.

Two tiles of 4′ overlap by 1′; three dithers each in V and I, a chip pair with a gap; one exposure
is bad. A row of the release is the truth with the noise that photons give it.
"""

import copy
from types import SimpleNamespace

import healpy
import numpy as np
import pytest
from astropy.wcs import WCS

from skymill.check.exposure import TrueAmplifier, TrueChip, TrueExposure
from skymill.check.figure import read_targets
from skymill.check.truth import Truth

SCALE = 0.4
SIDE = 240.0
TILES = {"0000.000-30": (359.975, -30.0), "0001.000-30": (0.0327, -30.0)}
BANDS = ("V", "I")
SKY = {"V": 200.0, "I": 900.0}
START = 60938.1
ZP = 28.6


def chip_wcs(ra: float, dec: float, crpix: tuple[float, float]) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [ra, dec], crpix
    wcs.wcs.cd = np.diag([-SCALE, SCALE]) / 3600
    return wcs


def make_exposure(rng, tile, band, number, status="good") -> TrueExposure:
    centre = TILES[tile]
    ra = (centre[0] + (number - 1) * 25 / 3600 / np.cos(np.radians(30))) % 360
    dec = centre[1] + (number - 1) * 20 / 3600
    chips = {}
    for n, name in enumerate("MK"):  # two chips of 370 × 760, a gap of 40 pixels
        crpix = (390.0, 380.0) if n == 0 else (-20.0, 380.0)
        ports = tuple(
            TrueAmplifier(slice(185 * k, 185 * k + 185), False, 7.0, ZP, 1e-5) for k in (0, 1)
        )
        pixels = np.column_stack([rng.integers(0, 370, 150), rng.integers(0, 760, 150)])
        artefacts = {"cosmic_ray": pixels}
        artefacts["bleed"] = np.column_stack([np.full(40, 12), np.arange(40)])
        if (tile, band, number) == ("0001.000-30", "I", 1):
            x = np.arange(370)
            artefacts["satellite"] = np.column_stack([x, 200 + x // 2])
        chips[name] = TrueChip((760, 370), chip_wcs(ra, dec, crpix), ports, (0.0, 0.0), 0.0,
                               artefacts)  # fmt: skip
    bands = BANDS.index(band) + 2 * list(TILES).index(tile)
    return TrueExposure(
        name=f"e{bands}.{number}", tile=tile, band=band, status=status,
        mjd=round(START + bands + 0.01 * number, 8), exptime=120.0, ra=ra, dec=dec,
        seeing=1.6 + 0.2 * number, beta=3.0, color_term=0.0, sky=SKY[band], dark=3.0,
        pixel_scale=SCALE, chips=chips,
    )  # fmt: skip


def make_sources(rng) -> dict[str, np.ndarray]:
    """Bright stars on a jittered grid, so that most stand alone; faint ones anywhere."""
    step = 11.0
    east, north = (a.ravel() for a in np.meshgrid(np.arange(-300, 300, step),
                                                  np.arange(-150, 150, step)))  # fmt: skip
    bright = east.size
    east = np.concatenate([east + rng.uniform(-1, 1, bright), rng.uniform(-300, 300, 150)])
    north = np.concatenate([north + rng.uniform(-1, 1, bright), rng.uniform(-150, 150, 150)])
    size = east.size + 1
    kind = np.full(size, "star", "U8")
    kind[:bright:9], kind[4:bright:9] = "galaxy", "variable"
    kind[-1] = "asteroid"
    mag = np.concatenate([rng.uniform(15, 19, bright), rng.uniform(20.5, 22, 150), [17.0]])
    still = ("pmra", "pmdec", "amplitude", "phase", "rate_ra", "rate_dec", "half_light_radius")
    of = {name: np.zeros(size) for name in still}
    of["amplitude"][kind == "variable"] = 0.2
    of["half_light_radius"][kind == "galaxy"] = 0.6
    of["pmra"][:] = rng.normal(0, 10, size)
    of["rate_ra"][-1], of["rate_dec"][-1] = -30.0, 5.0
    dec = -30 + np.append(north, 40.0) / 3600
    return {
        **of,
        "kind": kind,
        "ra": (np.append(east, 60.0) / 3600 / np.cos(np.radians(dec)) + 0.004) % 360,
        "dec": dec,
        "period": np.where(kind == "variable", 0.3, np.nan),
        "epoch": np.where(kind == "asteroid", START + 2, np.nan),
        **{f"mag_{band}": mag + shift for band, shift in zip("bvri", (0.7, 0, -0.2, -0.4),
                                                             strict=True)},
    }  # fmt: skip


def on_chips(exposure: TrueExposure, ra, dec) -> np.ndarray:
    """Whether an exposure's chips hold positions: straight from the projection."""
    inside = np.zeros(np.size(ra), bool)
    for chip in exposure.chips.values():
        x, y = chip.wcs.wcs_world2pix(ra, dec, 0)
        inside |= (x > -0.5) & (x < chip.shape[1] - 0.5) & (y > -0.5) & (y < chip.shape[0] - 0.5)
    return inside


def on_tile(tile: str, ra, dec) -> np.ndarray:
    x, y = chip_wcs(*TILES[tile], (300.5, 300.5)).wcs_world2pix(ra, dec, 0)
    return (x > -0.5) & (x < 599.5) & (y > -0.5) & (y < 599.5)


def noise(exposure: TrueExposure, mag) -> np.ndarray:
    """Magnitude error in 5″ of a point source, by the photon equation."""
    alpha = exposure.seeing / (2 * np.sqrt(2 ** (1 / 3) - 1))
    share = 1 - (1 + (2.5 / alpha) ** 2) ** -2
    flux = 10 ** (0.4 * (ZP - mag)) * share
    pixels = np.pi * (2.5 / SCALE) ** 2
    return 1.0857 * np.sqrt(flux + pixels * (exposure.sky + exposure.dark + 49)) / flux


def scattered(rng, ra, dec, arcsec):
    east, north = rng.normal(0, arcsec, (2, np.size(ra))) / 3600
    return (ra + east / np.cos(np.radians(dec))) % 360, dec + north


def frame_table(rng, truth, exposure) -> dict[str, np.ndarray]:
    source = truth.sources
    ra, dec = truth.position(exposure.mjd)
    hours = (exposure.mjd - source["epoch"][-1]) * 24
    ra[-1] += source["rate_ra"][-1] * hours / 3600 / np.cos(np.radians(dec[-1]))
    dec[-1] += source["rate_dec"][-1] * hours / 3600
    cycles = exposure.mjd / np.nan_to_num(source["period"], nan=1.0)
    mag = source[f"mag_{exposure.band.lower()}"] + source["amplitude"] * np.sin(2 * np.pi * cycles)
    error = noise(exposure, mag)
    keep = on_chips(exposure, ra, dec) & (error < 0.2)
    ra, dec = scattered(rng, ra[keep], dec[keep], 0.01)
    mag, error = mag[keep], error[keep]
    table = {
        "ra": ra, "dec": dec, "magerr_aper5": error,
        "mag_aper5": mag + rng.normal(0, 1, mag.size) * error,
        "mag_auto": mag + rng.normal(0, 1, mag.size) * error,
        "flags": np.zeros(mag.size, int), "imaflags_iso": np.zeros(mag.size, int),
    }  # fmt: skip
    for chip in exposure.chips.values():
        for x, y in chip.artefacts.get("satellite", np.empty((0, 2)))[::30]:
            trail_ra, trail_dec = chip.wcs.wcs_pix2world(float(x), float(y), 0)
            row = {"ra": trail_ra, "dec": trail_dec, "mag_aper5": 17.5, "mag_auto": 17.5,
                   "magerr_aper5": 0.01, "flags": 0, "imaflags_iso": 1}  # fmt: skip
            table = {name: np.append(values, row[name]) for name, values in table.items()}
    return table


def master_table(rng, truth) -> dict[str, np.ndarray]:
    source, (ra, dec) = truth.sources, truth.position(truth.mean_mjd())
    size = len(ra)
    per_tile = {tile: on_tile(tile, ra, dec) for tile in TILES}
    out, seen = {}, np.zeros((len(TILES), size), bool)
    for band in BANDS:
        mag, low = source[f"mag_{band.lower()}"], band.lower()
        counts, epochs, errors = [], [], []
        for number, (tile, inside) in enumerate(per_tile.items()):
            exposures = truth.good(tile, band)
            covered = np.array([on_chips(e, ra, dec) & inside for e in exposures])
            count = covered.sum(axis=0)
            error = noise(exposures[1], mag) / np.sqrt(np.maximum(count, 1) * 0.7)
            seen[number] |= (count > 0) & (error < 0.15)
            counts.append(count)
            errors.append(np.where(count > 0, error, np.inf))
            epochs.append([np.where(c, e.mjd, np.nan) for c, e in zip(covered, exposures,
                                                                      strict=True)])  # fmt: skip
        counts, every = np.array(counts), np.concatenate(epochs)
        known = counts.any(axis=0)
        error = np.where(known, np.min(errors, axis=0), 0.0)
        for name in ("aper5", "auto"):
            out[f"mag_{name}_{low}"] = mag + rng.normal(0, 1, size) * error
        out[f"flux_aper5_{low}"] = 10 ** (0.4 * (23.9 - out[f"mag_aper5_{low}"]))
        out[f"fluxerr_aper5_{low}"] = out[f"flux_aper5_{low}"] * error / 1.0857
        out[f"ndith_{low}"] = np.where(known, counts.max(axis=0), np.nan)
        for name, low_value, pick in (("min", np.inf, np.min), ("max", -np.inf, np.max)):
            value = pick(np.where(np.isnan(every), low_value, every), axis=0)
            out[f"{name}_mjd_{low}"] = np.where(known, value, np.nan)
        total = np.nansum(every - START, axis=0) / np.maximum(counts.sum(axis=0), 1)
        out[f"mean_mjd_{low}"] = np.where(known, START + total, np.nan)
        out |= {f"{name}_{low}": np.full(size, float(value)) for name, value in (
            ("imaflags_iso", 0), ("kron_radius", 3.5), ("a_image", 2.5), ("b_image", 2.5),
            ("sscount_30", 0))}  # fmt: skip
        for name in ("mag_aper5", "mag_auto", "flux_aper5"):
            out[f"{name}_{low}"][~known] = np.nan
    out["n_det"] = seen.sum(axis=0)
    out["ra"], out["dec"] = scattered(rng, ra, dec, 0.02)
    keep = seen.any(axis=0) & (source["kind"] != "asteroid")
    out = {name: values[keep] for name, values in out.items()}
    cell = healpy.ang2pix(1 << 12, out["ra"], out["dec"], nest=True, lonlat=True).astype(np.int64)
    out["coadd_object_id"] = (cell << 35) + np.arange(cell.size)
    return out


def covered_cells(truth, band) -> np.ndarray:
    """Cells of order 14 that the chips cover, from positions every 1.5″."""
    found = []
    for tile, centre in TILES.items():
        line = np.arange(-130, 130, 1.5) / 3600
        east, north = (a.ravel() for a in np.meshgrid(line, line))
        dec = centre[1] + north
        ra = (centre[0] + east / np.cos(np.radians(dec))) % 360
        for exposure in truth.good(tile, band):
            on = on_chips(exposure, ra, dec) & on_tile(tile, ra, dec)
            found.append(healpy.ang2pix(1 << 14, ra[on], dec[on], nest=True, lonlat=True))
    return np.unique(np.concatenate(found)).astype(np.int64)


def make_masks(truth) -> dict[str, dict[str, np.ndarray]]:
    """Each spoilt pixel flagged, and every fifth one's neighbour."""
    masks = {}
    for exposure in truth.exposures:
        masks[exposure.name] = {}
        for name, chip in exposure.chips.items():
            mask = np.zeros(chip.shape, np.uint8)
            x, y = chip.artefacts["cosmic_ray"].T
            mask[y, x] = 1
            mask[y[::5], np.minimum(x[::5] + 1, 369)] = 1
            for kind, bit in (("satellite", 16), ("bleed", 2)):
                x, y = chip.artefacts.get(kind, np.empty((0, 2), int)).T
                mask[y, x] = bit
            masks[exposure.name][name] = mask
    return masks


@pytest.fixture(scope="session")
def truth() -> Truth:
    rng = np.random.default_rng(5)
    plan = [(tile, band, n) for tile in TILES for band in BANDS for n in range(3)]
    exposures = [make_exposure(rng, *each) for each in plan]
    bad = make_exposure(rng, "0000.000-30", "V", 3, "bad_seeing")
    return Truth(make_sources(rng), [*exposures, bad], TILES, SIDE, BANDS, "I", "median")


@pytest.fixture(scope="session")
def targets() -> dict:
    """The project's own targets, on a coarser grid of positions."""
    targets = read_targets()
    targets["samples"]["grid"] = 21
    return targets


@pytest.fixture(scope="session")
def perfect(truth) -> SimpleNamespace:
    rng = np.random.default_rng(6)
    frames = {e.name: frame_table(rng, truth, e) for e in truth.good()}
    parts = [
        {"exposure": np.full(len(t["ra"]), name), "ra": t["ra"], "dec": t["dec"]}
        for name, t in frames.items()
    ]
    cells = {band: covered_cells(truth, band) for band in BANDS}
    cells["mini"] = np.unique(np.concatenate(list(cells.values())))
    source = truth.sources
    gaia = (source["kind"] != "galaxy") & (source["kind"] != "asteroid")
    bright = gaia & (source["mag_v"] < 17)
    calibrators = source["ra"][bright], source["dec"][bright]
    verdicts = {
        e.name: {"verdict": "pass" if e.good else "fail", "mjd": e.mjd,
                 "reasons": [] if e.good else ["seeing 7 arcsec > 6 arcsec"]}
        for e in truth.exposures
    }  # fmt: skip
    masks = make_masks(truth)
    depth = [noise_depth(truth.good(t, b)) for t in TILES for b in BANDS]
    return SimpleNamespace(
        settings={"tiles": {"pixel_scale": SCALE}},
        verdicts=verdicts,
        frames=frames,
        masters={name: master_table(rng, truth) for name in ("single_master", "idual_master")},
        detections={n: np.concatenate([p[n] for p in parts]) for n in parts[0]},
        stacks={
            "tile": np.array([t for t in TILES for _ in BANDS]),
            "band": np.array([b for _ in TILES for b in BANDS]),
            "depth_5sigma": np.array(depth),
        },
        gaia={**{n: source[n][gaia] for n in ("ra", "dec", "pmra", "pmdec")},
              "ref_epoch": np.full(gaia.sum(), 2016.0)},
        frame_calibrators=lambda band: calibrators,
        map_calibrators=lambda band: calibrators,
        cells=cells,
        chips=masks,
        coverage=lambda order: cells,
        masks=lambda: masks.items(),
    )  # fmt: skip


def noise_depth(exposures) -> float:
    """5σ in 5″ of the median of three frames, by the photon equation of the middle one."""
    errors = []
    for exposure in exposures:
        alpha = exposure.seeing / (2 * np.sqrt(2 ** (1 / 3) - 1))
        share = 1 - (1 + (2.5 / alpha) ** 2) ** -2
        pixels = np.pi * (2.5 / SCALE) ** 2
        errors.append(np.sqrt(pixels * (exposure.sky + exposure.dark + 49)) / share)
    sigma = np.mean(errors) * np.sqrt(0.4487)
    return float(ZP - 2.5 * np.log10(5 * sigma))


@pytest.fixture
def products(perfect) -> SimpleNamespace:
    """The perfect release, to be spoilt."""
    own = copy.copy(perfect)
    for name in ("verdicts", "frames", "masters", "detections", "stacks", "cells", "chips"):
        setattr(own, name, copy.deepcopy(getattr(perfect, name)))
    own.coverage = lambda order: own.cells
    own.masks = lambda: own.chips.items()
    return own
