"""The calibrating steps on a small synthetic tile: what was put in comes out of the products."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from astropy.table import Table
from snakemake.utils import update_config

from skymill.__main__ import main
from skymill.config import load_config, read_yaml
from skymill.geometry import tile_cards
from skymill.io.fits import Image, read_images, write_images
from skymill.io.json import write_json
from skymill.io.parquet import (
    read_fact,
    read_table,
    table_schema,
    to_arrow,
    write_arrow,
    write_table,
)
from skymill.paths import CONFIG, ROOT
from skymill.sources.instrumental import instrumental
from skymill.sources.map_lookup import look_up
from skymill.tree import APERTURES, ASTROMETRIC_MAPS, map_name

SIZE, SCALE = 1200, 0.4
TILE, CENTRE = "0000.000-30", (359.88, -30.0)
BANDS = ["B", "I"]
NOISE = 3.0
"""Standard deviation of a pixel."""
FWHM = 5.0
"""Pixels."""
SHARE = {"APER3": 0.75, "APER5": 1 - 0.5**6.25, "APER10": 1.0, "AUTO": 0.98}
"""Share of a star's light in each aperture; in 5″ that of a Gaussian."""


def zero_point(x):
    """The zero point put in: a slope along x."""
    return 30.05 + 0.06 * (x / SIZE - 0.5)


def to_sky(x, y):
    """Celestial positions of 1-based pixels."""
    from astropy.wcs import WCS

    wcs = WCS(Image(None, tile_cards(*CENTRE, SIZE, SCALE)).header())
    return wcs.all_pix2world(x, y, 1)


def sky():
    """Stars, faint unknown sources, and a satellite's trail."""
    generator = np.random.default_rng(11)
    x, y = generator.uniform(20, SIZE - 20, (2, 900))
    mag = np.concatenate([generator.uniform(14.5, 18.5, 600), generator.uniform(19, 22, 300)])
    trail = 300 + 15 * np.arange(30.0), 200 + 20 * np.arange(30.0)
    lone = generator.uniform(20, SIZE - 20, (2, 12))
    return {
        "x": np.concatenate([x, trail[0], lone[0]]),
        "y": np.concatenate([y, trail[1], lone[1]]),
        "mag": np.concatenate([mag, np.full(42, 19.0)]),
        "kind": np.repeat(["gaia", "pool", "trail", "lone"], [600, 300, 30, 12]),
    }


def instrumental_columns(sources, suffix, seed):
    """Columns of one band, as extraction would measure them."""
    generator = np.random.default_rng(seed)
    number = sources["x"].size
    columns = {}
    for aperture in APERTURES:
        radius = {"APER3": 3.75, "APER5": 6.25, "APER10": 12.5, "AUTO": 8.0}[aperture]
        mag = sources["mag"] - zero_point(sources["x"])
        if aperture == "AUTO":
            mag = mag + 0.01 * (16.5 - sources["mag"])
        flux = SHARE[aperture] * 10 ** (-0.4 * mag)
        error = np.sqrt(np.pi * radius**2 * NOISE**2 + flux / 2)
        columns[f"flux_{aperture.lower()}{suffix}"] = flux + generator.normal(0, error)
        columns[f"fluxerr_{aperture.lower()}{suffix}"] = error
    constants = {"fwhm_image": FWHM, "flux_radius": 2.6, "kron_radius": 3.5, "flux_max": 100.0}
    constants |= {"theta_image": 0.0, "ellipticity": 0.0, "a_image": 2.0, "b_image": 2.0}
    constants |= {"class_star": 0.97, "spread_model": 0.0, "spreaderr_model": 0.001}
    constants |= {"background": 0.0}
    for name, value in constants.items():
        columns[f"{name}{suffix}"] = np.full(number, value)
    trail = sources["kind"] == "trail"
    columns[f"ellipticity{suffix}"][trail] = 0.6
    columns[f"theta_image{suffix}"][trail] = np.degrees(np.arctan2(20, 15))
    for name in ("flags", "imaflags_iso"):
        columns[f"{name}{suffix}"] = np.zeros(number, int)
    width = FWHM**2 / 4 / np.log(2)
    peak = 10 ** (0.4 * (30 - sources["mag"])) / np.pi / width
    columns[f"isoarea{suffix}"] = np.ceil(np.pi * width * np.log(1 + peak / (0.3 * NOISE)))
    return columns


def positions(sources):
    """Columns that all bands share."""
    generator = np.random.default_rng(5)
    x, y = (sources[axis] + generator.normal(0, 0.1, sources[axis].size) for axis in "xy")
    ra, dec = to_sky(x, y)
    columns = {"number": np.arange(1, x.size + 1), "ra": ra, "dec": dec, "x_image": x, "y_image": y}
    return {**columns, "ra_error": np.full(x.size, 0.04), "dec_error": np.full(x.size, 0.04)}


def footprint(x, y, side):
    """A chip's polygon, from its lower left corner in 1-based pixels."""
    ra, dec = to_sky(np.array([x, x + side, x + side, x]), np.array([y, y, y + side, y + side]))
    return [[float(a), float(d)] for a, d in zip(ra, dec, strict=True)]


def make_verdicts(folder, record):
    """Two exposures that pass, shifted by 100 px, and one that fails, in each band."""
    for band in BANDS:
        for number, (verdict, shift) in enumerate([("pass", 0), ("pass", 100), ("fail", 0)]):
            content = {
                "exposure": f"{band}{number}",
                "band": band,
                "mjd": 60000.25 + number,
                "verdict": verdict,
                "chips": {"M": {"observed": [footprint(0.5 + shift, 0.5, 1100)]}},
            }
            write_json(folder / f"{band}{number}.json", content, record)
    (folder / "broken.json").write_text('{"verdict": "fail", "band": "I", "chips": {}}')


def make_stack(folder, sources, record):
    """Planes of the unscaled stack: stars of their fluxes, noise, a column without data."""
    generator = np.random.default_rng(3)
    image = generator.normal(0, NOISE, (SIZE, SIZE))
    half = 16
    for x, y, mag in zip(sources["x"], sources["y"], sources["mag"], strict=True):
        i, j = int(x) - 1, int(y) - 1
        rows = slice(max(0, j - half), j + half + 1)
        columns = slice(max(0, i - half), i + half + 1)
        yy, xx = np.mgrid[rows, columns]
        inside = (yy < SIZE) & (xx < SIZE)
        profile = np.exp(-4 * np.log(2) * ((xx - x + 1) ** 2 + (yy - y + 1) ** 2) / FWHM**2)
        profile *= 4 * np.log(2) / np.pi / FWHM**2
        image[rows, columns] += (10 ** (0.4 * (zero_point(x) - mag)) * profile)[
            : inside.any(1).sum(), : inside.any(0).sum()
        ]
    image[:, -10:] = np.nan
    variance = np.where(np.isnan(image), np.nan, NOISE**2)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[:, 100:112] = 4
    nexp = np.where(np.isnan(image) | (mask > 0), 0, 2).astype(np.int16)
    image[:, 100:112] = 1e4
    cards = [*tile_cards(*CENTRE, SIZE, SCALE), ("TILE", TILE, ""), ("FILTER", "I", "")]
    cards += [("MAGZERO", 30.0, "nominal"), ("NUMEXP", 2, ""), ("EXPTIME", 240.0, "s")]
    cards += [("MINMJD", 60000.25, ""), ("MAXMJD", 60001.25, ""), ("MEANMJD", 60000.75, "")]
    cards += [
        ("FWHM", 2.0, ""),
        ("SATURATE", 5e4, "units"),
        ("GAIN", 2.0, ""),
        ("VARSRC", False, ""),
    ]
    for name, data in {"image": image, "variance": variance}.items():
        write_images(folder / f"{name}.fits", [Image(data.astype(np.float32), cards)], record)
    write_images(folder / "mask.fits", [Image(mask, cards)], record)
    write_images(folder / "nexp.fits", [Image(nexp, cards)], record)


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A folder with everything that the four steps read, and what they wrote."""
    from skymill.io.provenance import recording

    folder = tmp_path_factory.mktemp("release")
    content = yaml.safe_load((CONFIG / "config.yaml").read_text())
    content["bands"] = BANDS
    content["tiles"]["size"] = SIZE
    content["camera"] = str(ROOT / content["camera"])
    content["frames"]["photometry"]["reference"] = {
        band: content["frames"]["photometry"]["reference"][band] for band in BANDS
    }
    (folder / "tiles.csv").write_text(f"tile,ra,dec\n{TILE},{CENTRE[0]},{CENTRE[1]}\n")
    lines = ["exposure,site,run,path,tile,band,mjd,exptime,sha256"]
    lines += [
        f"{band}{n},SAAO,1,raw/{band}{n}.fits,{TILE},{band},{60000.25 + n},120,"
        for band in BANDS
        for n in range(3)
    ]
    (folder / "exposures.csv").write_text("\n".join(lines) + "\n")
    content["tables"] |= {name: str(folder / f"{name}.csv") for name in ("tiles", "exposures")}
    (folder / "config.yaml").write_text(yaml.safe_dump(content))
    sources = sky()
    with recording("test", {}, [], None) as record:
        record.facts["stellarity"] = "7 sha256:feed"
        make_inputs(folder, sources, record)
        make_stack(folder, sources, record)
        make_verdicts(folder, record)
    run_all(folder)
    return folder


def make_inputs(folder, sources, record):
    """Instrumental tables, Gaia XP and the pool."""
    shared = positions(sources)
    for seed, band in enumerate(BANDS):
        table = Table({**shared, **instrumental_columns(sources, "", seed)})
        write_table(
            folder / f"single_{band}.parquet", table, table_schema("single_instrumental"), record
        )
    schema = table_schema("idual_instrumental", tuple(BANDS))
    both = [
        instrumental_columns(sources, f"_{band.lower()}", 5 + i) for i, band in enumerate(BANDS)
    ]
    table = Table({**shared, **both[0], **both[1]})
    table["flux_auto_b"][-1] = table["flux_aper5_b"][-1] = -40.0
    write_table(folder / "Idual.parquet", table, schema, record)
    for name, kinds in {"gaiaxp": ["gaia"], "pool": ["gaia", "pool"]}.items():
        chosen = np.isin(sources["kind"], kinds)
        ra, dec = to_sky(sources["x"][chosen], sources["y"][chosen])
        schema = table_schema(f"reference_{name}", ("B", "V", "R", "I"))
        columns = {"source_id": np.arange(ra.size), "ra": ra, "dec": dec}
        columns |= {"cstar": np.zeros(ra.size)} if name == "gaiaxp" else {}
        for band in "bvri":
            columns |= {
                f"mag_{band}": sources["mag"][chosen],
                f"magerr_{band}": np.full(ra.size, 0.003),
            }
        table = Table(columns)
        half = ra.size // 2
        write_table(folder / f"{name}_1.parquet", table[:half], schema, record)
        write_table(folder / f"{name}_2.parquet", table[half:], schema, record)


def run(folder, *words):
    """Run a step; its exit code."""
    return main(
        ["sources", words[0], "--config", str(folder / "config.yaml"), *map(str, words[1:])]
    )


def run_maps(folder, mode, bands, catalogue):
    """The maps of one mode."""
    return run(
        *(folder, "maps", "--tile", TILE, "--band", *bands, "--mode", mode),
        *("--catalogue", catalogue, "--folder", folder / "maps"),
        *("--reference", folder / "gaiaxp_2.parquet", folder / "gaiaxp_1.parquet"),
        *("--receipt", folder / "receipts" / f"maps_{mode}_{'_'.join(bands)}.json"),
    )


def run_homogenise(folder, band, **changes):
    """The scaled stack of one band."""
    paths = {name: folder / f"{name}.fits" for name in ("image", "variance", "mask", "nexp")}
    paths |= {"catalogue": folder / f"single_{band}.parquet", "maps": folder / "maps"} | changes
    out = folder / "stacks" / TILE / band
    return run(
        *(folder, "homogenise", "--tile", TILE, "--band", band),
        *(word for name, path in paths.items() for word in (f"--{name}", path)),
        *("--out-image", out / "image.fits", "--out-variance", out / "variance.fits"),
        *("--row", out / "row.json"),
    )


def run_finish(folder, out, **changes):
    """The finished catalogues."""
    verdicts = [folder / f"{band}{n}.json" for band in BANDS for n in range(3)]
    lists = {
        "bands": BANDS,
        "single": [folder / f"single_{band}.parquet" for band in BANDS],
        "idual": [folder / "Idual.parquet"],
        "maps": [folder / "maps"],
        "nexps": [folder / "nexp.fits"] * len(BANDS),
        "verdicts": [*verdicts, folder / "broken.json"],
        "pool": [folder / "pool_1.parquet", folder / "pool_2.parquet"],
        "reference": [folder / "gaiaxp_1.parquet", folder / "gaiaxp_2.parquet"],
        "out-single": [out / f"single_{band}.parquet" for band in BANDS],
        "out-idual": [out / "Idual.parquet"],
        "out-completeness": [out / "completeness.parquet"],
        "out-spurious": [out / "spurious.json"],
    } | changes
    words = [word for name, values in lists.items() for word in (f"--{name}", *values)]
    return run(folder, "finish", "--tile", TILE, *words)


def run_all(folder):
    """The steps, in the order of the road."""
    for band in BANDS:
        assert run_maps(folder, "single", [band], folder / f"single_{band}.parquet") == 0
        assert run_homogenise(folder, band) == 0
    assert run_maps(folder, "Idual", BANDS, folder / "Idual.parquet") == 0
    stacks = folder / "stacks"
    removed = {"out-spurious": [stacks / TILE / "spurious.json"]}
    assert run_finish(folder, folder / "catalogs", **removed) == 0
    assert run(folder, "table", "--folder", stacks, "--out", stacks / "stacks.parquet") == 0


def test_maps_hold_the_zero_point(release):
    """All files of the contract, in KS4's axes, values as put in."""
    names = {path.name for path in (release / "maps").iterdir()}
    for mode in ("single", "Idual"):
        for band in BANDS:
            expected = {map_name(kind, TILE, band, mode) for kind in ASTROMETRIC_MAPS}
            expected |= {
                map_name(kind, TILE, band, mode, aperture)
                for kind in ("zp", "zperr", "pstar")
                for aperture in APERTURES
            }
            assert expected <= names
    zp = np.load(release / "maps" / map_name("zp", TILE, "I", "single", "APER5"))
    truth = zero_point(np.array([200.0, 600.0, 1000.0])) - 2.5 * np.log10(1 / SHARE["APER5"])
    np.testing.assert_allclose(zp, np.repeat(truth[:, None], 3, axis=1), atol=0.012)
    align = np.load(release / "maps" / map_name("align", TILE, "I", "single"))
    np.testing.assert_allclose(align, 0.04 * np.sqrt(2 * np.log(2)), rtol=0.2)
    assert align.shape == (6, 6)
    assert align.dtype == np.float64
    shift = np.load(release / "maps" / map_name("shift", TILE, "I", "single"))
    assert shift.shape == (6, 6, 2)
    assert shift.dtype == np.float64
    assert np.abs(shift).max() < 0.02  # medians of some 400 stars, 0.04″ each, in 25 bins


def test_homogenised_stack_has_one_zero_point(release):
    """Stars measured on the scaled image have their magnitudes in 5″ at MAGZERO 30."""
    import sep

    image = read_images(release / "stacks" / TILE / "I" / "image.fits")[0]
    sources = sky()
    bright = (sources["mag"] < 17) & (np.abs(sources["x"] - 650) < 500)
    x, y = sources["x"][bright] - 1, sources["y"][bright] - 1
    flux, _, flags = sep.sum_circle(np.nan_to_num(image.data), x, y, 6.25, subpix=0)
    off = (30 - 2.5 * np.log10(flux) - sources["mag"][bright])[flags == 0]
    left = x[flags == 0] < 600
    assert abs(np.median(off[left])) < 0.006
    assert abs(np.median(off[~left])) < 0.006
    header = image.header()
    assert header["MAGZERO"] == 30
    assert header["ZPSCALED"] is True
    assert header["ZPAPER"] == "APER5"
    assert 0 < header["EMAGZERO"] < 0.02
    assert header["FILTER"] == "I"
    assert header["SATURATE"] == pytest.approx(5e4, rel=0.1)
    assert header["GAIN"] * header["SATURATE"] == pytest.approx(1e5)
    keywords = [card[0] for card in image.cards]
    assert len(keywords) == len(set(keywords))
    assert np.isnan(image.data[:, -10:]).all()


def test_stack_table(release):
    """Seeing, depth, area and counts as put in."""
    rows = read_table(release / "stacks" / "stacks.parquet")
    assert rows.colnames == table_schema("stacks").names
    row = rows[1]
    assert (row["tile"], row["band"], row["candidates"], row["nexp"]) == (TILE, "I", 3, 2)
    assert row["fwhm"] == pytest.approx(2.0, abs=0.01)
    assert row["side"] == pytest.approx(SIZE * SCALE / 3600)
    assert row["area"] == pytest.approx(SIZE * (SIZE - 10) * (SCALE / 3600) ** 2)
    assert row["masked"] == pytest.approx(12 / (SIZE - 10), rel=1e-5)
    assert row["sources"] == 942
    assert 30 <= row["spurious"] <= 32
    assert row["fdr"] == pytest.approx(row["spurious"] / 942)
    assert 400 < row["stars"] <= 600
    zp = 30.05 - 2.5 * np.log10(1 / SHARE["APER5"])
    noise = 5 * 0.967 * NOISE * np.sqrt(np.pi) * 6.25
    assert row["zp"] == pytest.approx(zp, abs=0.01)
    assert row["depth_5sigma"] == pytest.approx(zp - 2.5 * np.log10(noise), abs=0.05)
    share = 0.5 / SHARE["APER5"]
    within = 5 * NOISE * np.sqrt(np.pi) * 2.5 * 0.92 / share
    assert row["depth_seeing"] == pytest.approx(zp - 2.5 * np.log10(within), abs=0.08)


def test_catalogue_is_calibrated(release):
    """Magnitudes as put in, in each aperture; the bias of MAG_AUTO is gone."""
    for name, suffix in (("single_I", ""), ("Idual", "_i")):
        path = release / "catalogs" / f"{name}.parquet"
        assert read_fact(path, "stellarity") == "7 sha256:feed"  # what they were measured with
        table = read_table(path)
        sources = sky()
        at = np.asarray(table["number"]) - 1
        star = sources["kind"][at] == "gaia"
        for column in ("mag_aper5", "mag_aper10", "mag_auto"):
            off = np.asarray(table[f"{column}{suffix}"]) - sources["mag"][at]
            bright, faint = star & (sources["mag"][at] < 15.5), star & (sources["mag"][at] > 17.5)
            assert abs(np.median(off[bright])) < 0.006
            assert abs(np.median(off[faint])) < 0.006
            pull = off / np.asarray(table[f"magerr_{column[4:]}{suffix}"])
            # MAG_AUTO's error holds the scatter of its bias, which is taken out afterwards.
            assert (0.1 if column == "mag_auto" else 0.7) < np.std(pull[star]) < 1.2
        flux = 10 ** (0.4 * (23.9 - np.asarray(table[f"mag_auto{suffix}"], dtype=float)))
        np.testing.assert_allclose(flux[star], table[f"flux_auto{suffix}"][star], rtol=1e-4)
        assert np.isfinite(table["misalign"]).all()


def test_trail_is_gone_and_lone_sources_stay(release):
    """SSFLAG is 0 in what is left; SSCOUNT_30 counts the trail's pieces nearby."""
    table = read_table(release / "catalogs" / "single_I.parquet")
    kind = sky()["kind"][np.asarray(table["number"]) - 1]
    assert (kind == "trail").sum() == 0
    assert (kind == "lone").sum() >= 10
    assert (np.isin(kind, ["gaia", "pool"])).sum() == 900
    assert (table["ssflag"] == 0).all()
    assert table["sscount_30"].max() > 2
    assert table["sscount_30"].min() == 0


def test_exposures_are_counted(release):
    """Two exposures that pass overlap by 1000 px; the failed one doesn't count."""
    table = read_table(release / "catalogs" / "Idual.parquet")
    x, y = np.asarray(table["x_image"]), np.asarray(table["y_image"])
    inner = (y > 30) & (y < 1070)
    both, first, last = inner & (x > 130) & (x < 1070), inner & (x < 95), inner & (x > 1105)
    for band in "bi":
        assert (table[f"ndith_{band}"][both] == 2).all()
        assert (table[f"ndith_{band}"][first | last] == 1).all()
        assert (table[f"max_mjd_{band}"][both] == 60001.25).all()
        assert (table[f"mean_mjd_{band}"][both] == 60000.75).all()
        assert (table[f"min_mjd_{band}"][last] == 60001.25).all()
        edge = np.asarray(table[f"edge_{band}"])
        assert not edge[both].any()
        assert edge[(y > 1077) & (y < 1098)].all()
        assert (table[f"ndith_{band}"][edge] == 1).all()


def test_negative_flux_is_kept_without_a_magnitude(release):
    """Forced photometry may be below 0."""
    table = read_table(release / "catalogs" / "Idual.parquet")
    last = table[table["number"] == 942]
    assert np.isnan(last["mag_auto_b"][0])
    assert last["flux_auto_b"][0] < 0
    assert np.isfinite(last["fluxerr_auto_b"][0])
    limit = 23.9 - 2.5 * np.log10(5 * last["fluxerr_aper5_b"][0])
    assert last["mag_limit_b"][0] == pytest.approx(limit, abs=1e-5)
    assert np.isnan(last["mag_limit_i"][0])
    assert np.isfinite(last["mag_auto_i"][0])


def test_completeness_counts_inside_the_coverage(release):
    """Every pool source is detected, where the stack has data."""
    rows = read_table(release / "catalogs" / "completeness.parquet")
    assert list(dict.fromkeys(rows["band"])) == BANDS
    sources = sky()
    covered = np.isin(sources["kind"], ["gaia", "pool"]) & (sources["x"] < SIZE - 10 + 0.5)
    covered &= np.abs(sources["x"] - 106.5) > 6
    assert rows["pool"][rows["band"] == "I"].sum() == covered.sum()
    assert (rows["completeness"][rows["pool"] > 0] == 1).all()


def test_two_runs_agree_byte_for_byte(release, tmp_path):
    """And the order of verdicts and cells doesn't matter."""
    cells = [release / "pool_2.parquet", release / "pool_1.parquet"]
    verdicts = [release / f"{band}{n}.json" for n in (2, 1, 0) for band in BANDS]
    verdicts.append(release / "broken.json")
    assert run_finish(release, tmp_path, pool=cells, verdicts=verdicts) == 0
    for name in ("single_B", "Idual", "completeness"):
        first = (release / "catalogs" / f"{name}.parquet").read_bytes()
        assert (tmp_path / f"{name}.parquet").read_bytes() == first


def test_empty_catalogues_and_no_exposure(release, tmp_path, record):
    """A tile-band without a usable frame: maps nominal, stack without data, tables without rows."""
    bands = tuple(BANDS)
    empty = table_schema("single_instrumental")
    for band in BANDS:
        write_table(tmp_path / f"single_{band}.parquet", empty.empty(), empty, record)
    both = table_schema("idual_instrumental", bands)
    write_table(tmp_path / "Idual.parquet", both.empty(), both, record)
    for name in ("image", "variance", "mask", "nexp"):
        plane = read_images(release / f"{name}.fits")[0]
        plane.data[:] = np.nan if plane.data.dtype.kind == "f" else 0
        none = ("NUMEXP", "MINMJD", "MAXMJD", "MEANMJD")  # as `tiles combine` writes them
        plane.cards = [(card[0], 0, "") if card[0] in none else card for card in plane.cards]
        write_images(tmp_path / f"{name}.fits", [plane], record)
    for name in ("config.yaml", "gaiaxp_1.parquet", "gaiaxp_2.parquet", "pool_1.parquet"):
        (tmp_path / name).write_bytes((release / name).read_bytes())
    for band in BANDS:
        assert run_maps(tmp_path, "single", [band], tmp_path / f"single_{band}.parquet") == 0
        assert run_homogenise(tmp_path, band) == 0
    assert run_maps(tmp_path, "Idual", BANDS, tmp_path / "Idual.parquet") == 0
    stacks = tmp_path / "stacks"
    inputs = {
        "out-spurious": [stacks / TILE / "spurious.json"],
        "pool": [tmp_path / "pool_1.parquet"],
        "reference": [tmp_path / "gaiaxp_1.parquet"],
        "verdicts": [release / "B2.json", release / "broken.json"],
    }
    assert run_finish(tmp_path, tmp_path / "catalogs", **inputs) == 0
    assert run(tmp_path, "table", "--folder", stacks, "--out", stacks / "stacks.parquet") == 0
    assert len(read_table(tmp_path / "catalogs" / "Idual.parquet")) == 0
    row = read_table(stacks / "stacks.parquet")[0]
    assert row["nexp"] == row["area"] == row["stars"] == row["spurious"] == 0
    assert np.isnan(
        [row[name] for name in ("fwhm", "zp", "depth_5sigma", "min_mjd", "mean_mjd", "fdr")]
    ).all()
    assert np.isnan(read_images(stacks / TILE / "B" / "image.fits")[0].data).all()


@pytest.fixture(scope="module")
def ks4(release, tmp_path_factory):
    """The same by KS4's rule of maps, without calibrators at x, y > 600."""
    from astropy.wcs import WCS

    from skymill.io.provenance import recording

    folder = tmp_path_factory.mktemp("ks4")
    for path in release.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    content = yaml.safe_load((folder / "config.yaml").read_text())
    update_config(content, {"sources": read_yaml(CONFIG / "ks4.yaml")["sources"]})
    (folder / "config.yaml").write_text(yaml.safe_dump(content))
    wcs = WCS(Image(None, tile_cards(*CENTRE, SIZE, SCALE)).header())
    schema = table_schema("reference_gaiaxp", ("B", "V", "R", "I"))
    with recording("test", {}, [], None) as record:
        for name in ("gaiaxp_1.parquet", "gaiaxp_2.parquet"):
            stars = read_table(folder / name)
            x, y = wcs.all_world2pix(stars["ra"], stars["dec"], 1)
            write_table(folder / name, stars[(x < 600) | (y < 600)], schema, record)
    run_all(folder)
    return folder


def read_maps(folder, mode, aperture=""):
    """The I maps of a mode: kind → array."""
    kinds = ("zp", "zperr", "pstar") if aperture else ASTROMETRIC_MAPS
    names = {kind: map_name(kind, TILE, "I", mode, aperture) for kind in kinds}
    return {kind: np.load(folder / "maps" / name) for kind, name in names.items()}


@pytest.mark.parametrize("mode", ["single", "Idual"])
def test_by_ks4_s_rule_empty_bins_have_its_values(ks4, mode):
    """30, 0, 0 and 0, 0, 0; the others have values of their own."""
    for aperture in APERTURES:
        zp, error, stars = read_maps(ks4, mode, aperture).values()
        assert (zp[2, 2], error[2, 2], stars[2, 2]) == (30, 0, 0)
        full = np.ones(zp.shape, bool)
        full[2, 2] = False
        assert (stars[full] > 0).all()
        assert (error[full] > 0).all()
        assert (np.abs(zp[full] - 30) < 0.4).all()
    empty = {kind: values[5, 5] for kind, values in read_maps(ks4, mode).items()}
    assert all((value == 0).all() for value in empty.values())
    assert all((values[:3, :3] != 0).all() for values in read_maps(ks4, mode).values())


@pytest.mark.parametrize(
    ("name", "mode", "end"), [("single_I", "single", ""), ("Idual", "Idual", "_i")]
)
def test_by_ks4_s_rule_catalogues_take_the_maps_as_they_are(ks4, name, mode, end):
    """Errors of empty bins are the photons' alone; no value is lost."""
    table = read_table(ks4 / "catalogs" / f"{name}.parquet")
    before = read_table(ks4 / f"{name}.parquet")[np.asarray(table["number"]) - 1]
    x, y = np.asarray(table["x_image"]), np.asarray(table["y_image"])
    empty = (x >= 800) & (y >= 800)
    assert empty.sum() > 50
    for aperture in APERTURES:
        maps, column = read_maps(ks4, mode, aperture), f"{aperture.lower()}{end}"
        for kind in ("zp", "zperr"):
            expected = look_up(maps[kind], x, y, SIZE).astype(np.float32)
            np.testing.assert_array_equal(table[f"{kind}_{column}"], expected)
        flux, error = (np.asarray(before[f"{n}_{column}"])[empty] for n in ("flux", "fluxerr"))
        if aperture != "AUTO":  # whose bias is taken out afterwards
            mag, magerr = instrumental(flux, error)
            np.testing.assert_allclose(table[f"mag_{column}"][empty], mag + 30, atol=1e-5)
            np.testing.assert_allclose(table[f"magerr_{column}"][empty], magerr, rtol=1e-5)
        assert np.isfinite(table[f"mag_{column}"]).all()
    align = read_maps(ks4, mode)["align"]
    np.testing.assert_array_equal(table["misalign"], look_up(align, x, y, SIZE).astype(np.float32))


def test_by_ks4_s_rule_the_stack_is_whole(ks4):
    """An empty bin is scaled by 1; zero point, seeing and depth are those of the others."""
    image = read_images(ks4 / "stacks" / TILE / "I" / "image.fits")[0]
    unscaled = read_images(ks4 / "image.fits")[0]
    np.testing.assert_array_equal(image.data[1000:, 1000:], unscaled.data[1000:, 1000:])
    assert 0 < image.header()["EMAGZERO"] < 0.05
    assert np.isfinite(image.data[:, :-10]).all()
    row = read_table(ks4 / "stacks" / "stacks.parquet")[1]
    for name in ("zp", "zperr", "fwhm", "depth_5sigma", "depth_seeing", "depth_empirical"):
        assert np.isfinite(row[name]), name
    assert row["stars"] == read_maps(ks4, "single", "APER5")["pstar"].sum()


def test_by_ks4_s_rule_a_tile_without_calibrators_is_nominal(ks4, tmp_path):
    """No reference at all: 30, 0, 0 everywhere, and catalogues with the photons' errors."""
    for path in ks4.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    for band in BANDS:
        words = ("--tile", TILE, "--band", band, "--mode", "single")
        words += ("--catalogue", ks4 / f"single_{band}.parquet", "--folder", tmp_path / "maps")
        assert run(tmp_path, "maps", *words) == 0
        assert run_homogenise(tmp_path, band) == 0
    words = ("--tile", TILE, "--band", *BANDS, "--mode", "Idual")
    words += ("--catalogue", ks4 / "Idual.parquet", "--folder", tmp_path / "maps")
    assert run(tmp_path, "maps", *words) == 0
    for mode in ("single", "Idual"):
        zp, error, stars = read_maps(tmp_path, mode, "APER5").values()
        assert (zp == 30).all()
        assert (error == 0).all()
        assert (stars == 0).all()
        assert all((values == 0).all() for values in read_maps(tmp_path, mode).values())
    assert run_finish(tmp_path, tmp_path / "catalogs", reference=[]) == 0
    table = read_table(tmp_path / "catalogs" / "Idual.parquet")
    assert (table["zperr_aper5_i"] == 0).all()
    assert np.isfinite(table["magerr_aper5_i"]).all()


def test_bad_input_is_one_message(release, tmp_path, capsys, record):
    """What is wrong, where, and what to do; no product."""
    out = tmp_path / "out"
    (tmp_path / "verdict.json").write_text('{"verdict": "pass", "band": "I", "mjd": 1}')
    assert run_finish(release, out, verdicts=[tmp_path / "verdict.json"]) == 1
    assert "verdict.json: expected a verdict with" in capsys.readouterr().err
    assert run_finish(release, out, single=[release / "single_B.parquet"]) == 1
    assert "--single: expected a file per band (B, I), got 1" in capsys.readouterr().err
    table = read_table(release / "single_I.parquet")
    table["ra"][3] = np.nan
    schema = table_schema("single_instrumental")
    write_arrow(tmp_path / "nan.parquet", to_arrow(table, schema), record)
    assert run_maps(release, "single", ["I"], tmp_path / "nan.parquet") == 1
    assert "column ra: row 4 holds no finite number" in capsys.readouterr().err
    assert run_maps(release, "single", BANDS, release / "single_I.parquet") == 1
    assert "mode single takes one band" in capsys.readouterr().err
    assert run_finish(release, out, maps=[tmp_path]) == 1
    assert "zp_map_0000.000-30_B_single_APER3.npy: expected" in capsys.readouterr().err
    small = Image(np.zeros((10, 10), np.float32), [])
    write_images(tmp_path / "small.fits", [small], record)
    assert run_homogenise(release, "B", image=tmp_path / "small.fits") == 1
    assert "expected 1200 × 1200 pixels" in capsys.readouterr().err
    assert run(release, "table", "--folder", tmp_path, "--out", out / "stacks.parquet") == 1
    assert "row.json" in capsys.readouterr().err
    assert not out.exists()


def without(column):
    return lambda arrow: arrow.drop_columns([column])


def with_column(column, value, type_=None):
    """A change of an Arrow table: a column of one value."""

    def change(arrow):
        index = arrow.column_names.index(column)
        return arrow.set_column(index, column, pa.array([value] * len(arrow), type_))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("flux_aper5"), "expected the columns ['flux_aper5']"),
        (with_column("ra", None, pa.float64()), "column ra: row 1 holds no finite number"),
        (with_column("ra", None), "expected a Parquet file"),
        (with_column("dec", float("nan")), "column dec: row 1 holds no finite number"),
        (with_column("dec", 100.0), "columns ra, dec: row 1 lies outside tile"),
        (with_column("ra", 180.0), "Is it another tile's catalogue?"),
        (with_column("x_image", -1e19), "columns x_image, y_image: row 1 lies outside tile"),
        (with_column("y_image", float("inf")), "column y_image: row 1"),
        (with_column("flags", float("nan")), "column flags: expected whole numbers"),
        (with_column("flux_auto", "bright"), "column flux_auto: expected numbers"),
        (with_column("class_star", [1.0, 0.0]), "expected a Parquet file"),
    ],
)
def test_a_catalogue_that_is_none(release, tmp_path, capsys, change, said):
    path, out = tmp_path / "bad.parquet", tmp_path / "out"
    pq.write_table(change(pq.read_table(release / "single_I.parquet")), path)
    for step in (
        lambda: run_maps(release, "single", ["I"], path),
        lambda: run_homogenise(release, "I", catalogue=path),
        lambda: run_finish(release, out, single=[path, path]),
    ):
        assert step() == 1
        message = capsys.readouterr().err
        assert f"{path}: " in message
        assert said in message


@pytest.mark.parametrize("column", ["flux_auto", "flux_aper5", "fluxerr_auto", "class_star"])
@pytest.mark.parametrize("value", [float("nan"), float("-inf"), 0.0])
def test_catalogues_of_worthless_measurements(release, tmp_path, column, value):
    """No calibrators, no stars, but every step ends."""
    path = tmp_path / "bad.parquet"
    pq.write_table(with_column(column, value)(pq.read_table(release / "single_I.parquet")), path)
    for name in ("config.yaml", "gaiaxp_1.parquet", "gaiaxp_2.parquet"):
        (tmp_path / name).write_bytes((release / name).read_bytes())
    assert run_maps(tmp_path, "single", ["I"], path) == 0
    zp = np.load(tmp_path / "maps" / map_name("zp", TILE, "I", "single", "APER5"))
    assert np.isfinite(zp).all()
    assert (zp == 30).all() == ((column, value) != ("fluxerr_auto", 0))


@pytest.mark.parametrize("name", ["gaiaxp", "pool"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_column("ra", float("nan")), "column ra: row 1"),
        (with_column("dec", "south"), "column dec: expected numbers"),
        (with_column("mag_i", "bright"), "column mag_i: expected numbers"),
        (without("mag_i"), "expected the columns ['mag_i']"),
    ],
)
def test_a_reference_that_is_none(release, tmp_path, capsys, name, change, said):
    path = tmp_path / "bad.parquet"
    pq.write_table(change(pq.read_table(release / f"{name}_1.parquet")), path)
    option = {"gaiaxp": "reference", "pool": "pool"}[name]
    assert run_finish(release, tmp_path / "out", **{option: [path]}) == 1
    message = capsys.readouterr().err
    assert f"{path}: " in message
    assert said in message


@pytest.mark.parametrize("column", ["mag_i", "magerr_i"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_references_without_magnitudes_calibrate_nothing(release, tmp_path, column, value):
    for name in ("gaiaxp_1", "gaiaxp_2"):
        arrow = pq.read_table(release / f"{name}.parquet")
        pq.write_table(with_column(column, value)(arrow), tmp_path / f"{name}.parquet")
    (tmp_path / "config.yaml").write_bytes((release / "config.yaml").read_bytes())
    assert run_maps(tmp_path, "single", ["I"], release / "single_I.parquet") == 0
    zp = np.load(tmp_path / "maps" / map_name("zp", TILE, "I", "single", "APER5"))
    assert np.isfinite(zp).all()
    assert (zp == 30).all() or column == "magerr_i"


def test_an_empty_pool_and_an_empty_reference(release, tmp_path, record):
    """Nothing is known, so what comes in groups is spurious; zero points are the maps'."""
    bands = ("B", "V", "R", "I")
    for name in ("gaiaxp", "pool"):
        schema = table_schema(f"reference_{name}", bands)
        write_table(tmp_path / f"{name}.parquet", schema.empty(), schema, record)
    cells = {"pool": [tmp_path / "pool.parquet"], "reference": [tmp_path / "gaiaxp.parquet"]}
    assert run_finish(release, tmp_path / "out", **cells) == 0
    rows = read_table(tmp_path / "out" / "completeness.parquet")
    assert (rows["pool"] == 0).all()
    assert np.isnan(rows["completeness"]).all()


SQUARE = [[359.8, -30.1], [359.9, -30.1], [359.9, -29.9]]


@pytest.mark.parametrize(
    "change",
    [
        *({"mjd": v} for v in (None, "noon", float("nan"))),
        *({"chips": v} for v in (None, [], {}, {"M": {"observed": None}})),
        *(
            {"chips": {"M": {"observed": [v]}}}
            for v in (
                *([], SQUARE[:2], [SQUARE[0]] * 4, [SQUARE[0], SQUARE[1], SQUARE[0]]),
                *([[180.0, 30.0], [181.0, 30.0], [181.0, 31.0]], [["a", "b"]] * 3),
            )
        ),
        *({"color_term": v} for v in ("red", {"slope": None}, {"slope": float("nan")})),
        {"band": ["I"]},
        "hello",
        "[]",
        "null",
        "",
        b"\xff\xfe",
    ],
)
def test_a_verdict_that_is_none(release, tmp_path, capsys, change):
    path = tmp_path / "verdict.json"
    if isinstance(change, dict):
        content = json.loads((release / "I0.json").read_text())
        change = json.dumps(content | change)
    path.write_bytes(change if isinstance(change, bytes) else change.encode())
    assert run_finish(release, tmp_path / "out", verdicts=[path]) == 1
    assert f"{path}: expected a " in capsys.readouterr().err


MAPS = {"zp": "APER5", "zperr": "APER5", "pstar": "APER5", "align": "", "astar": ""}


@pytest.mark.parametrize("kind", MAPS)
@pytest.mark.parametrize(
    "values",
    [np.zeros((0, 0)), np.ones((1, 1)), np.ones((3, 4)), np.ones(9), np.ones((50, 50)), b"x", None],
)
def test_a_map_that_is_none(release, tmp_path, capsys, kind, values):
    folder, name = tmp_path / "maps", map_name(kind, TILE, "I", "single", MAPS[kind])
    folder.mkdir()
    for path in (release / "maps").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    if isinstance(values, np.ndarray):
        np.save(folder / name, values)
    elif values:
        (folder / name).write_bytes(values)
    else:
        (folder / name).unlink()
    assert run_homogenise(release, "I", maps=folder) == 1
    assert f"{name}: expected" in capsys.readouterr().err
    if kind not in ("pstar", "astar"):
        assert run_finish(release, tmp_path / "out", maps=[folder]) == 1
        assert f"{name}: expected" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["zp", "pstar", "astar"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, -1e30])
def test_a_map_without_numbers(release, tmp_path, capsys, kind, value):
    folder, name = tmp_path / "maps", map_name(kind, TILE, "I", "single", MAPS[kind])
    folder.mkdir()
    for path in (release / "maps").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    values = np.load(folder / name)
    values[-1, -1] = value
    np.save(folder / name, values)
    assert run_homogenise(release, "I", maps=folder) == 1
    assert f"{name}: expected finite numbers" in capsys.readouterr().err


@pytest.mark.parametrize(
    "swap", [{"image": "mask"}, {"variance": "mask"}, {"mask": "variance"}, {"nexp": "image"}]
)
def test_swapped_planes_are_told(release, tmp_path, capsys, swap):
    paths = {kind: release / f"{other}.fits" for kind, other in swap.items()}
    assert run_homogenise(release, "I", **paths) == 1
    message = capsys.readouterr().err
    assert "Is it another plane?" in message
    assert str(next(iter(paths.values()))) in message


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("NUMEXP", None), ("NUMEXP", "two"), ("GAIN", "x"), ("NOISEC05", "x"), ("MINMJD", "now")],
)
def test_cards_that_are_no_numbers(release, tmp_path, capsys, record, keyword, value):
    plane = read_images(release / "image.fits")[0]
    plane.cards = [card for card in plane.cards if card[0] != keyword]
    plane.cards += [(keyword, value, "")] if value else []
    write_images(tmp_path / "image.fits", [plane], record)
    assert run_homogenise(release, "I", image=tmp_path / "image.fits") == 1
    assert f"image.fits: HDU 0: {keyword}: expected a number" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["variance", "mask", "nexp"])
def test_planes_of_another_grid_are_told(release, tmp_path, capsys, record, name):
    plane = read_images(release / f"{name}.fits")[0]
    shifted = {"CRPIX1": SIZE / 2}
    plane.cards = [(k, shifted.get(k, v), c) for k, v, c in plane.cards]
    write_images(tmp_path / f"{name}.fits", [plane], record)
    assert run_homogenise(release, "I", **{name: tmp_path / f"{name}.fits"}) == 1
    message = capsys.readouterr().err
    assert f"{name}.fits: HDU 0: its grid isn't that of {release / 'image.fits'}" in message


@pytest.mark.parametrize(
    "change",
    ["x", "[]", "3", "null", "{}", {"zp": "x"}, {"nexp": None}, {"nexp": 1.5}, {"stars": 10**30}],
)
def test_a_row_of_a_stack_that_is_none(release, tmp_path, capsys, change):
    lost = release / "stacks" / TILE / "spurious.json"
    (tmp_path / TILE).mkdir()
    (tmp_path / TILE / lost.name).write_bytes(lost.read_bytes())
    for band in BANDS:
        path = tmp_path / TILE / band / "row.json"
        path.parent.mkdir(parents=True)
        text = (release / "stacks" / TILE / band / "row.json").read_text()
        if band == "I":
            text = change if isinstance(change, str) else json.dumps(json.loads(text) | change)
        path.write_text(text)
    out = tmp_path / "stacks.parquet"
    assert run(release, "table", "--folder", tmp_path, "--out", out) == 1
    assert f"{path}: expected " in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("plane", "value"),
    [
        *(("image", value) for value in (np.nan, np.inf, 0)),
        *(("variance", value) for value in (np.nan, np.inf, 0, -1)),
    ],
)
def test_planes_without_values(release, tmp_path, record, plane, value):
    """A stack of nothing has no depth."""
    content = read_images(release / f"{plane}.fits")[0]
    content.data[:] = value
    write_images(tmp_path / f"{plane}.fits", [content], record)
    for path in (*release.glob("*.yaml"), *release.glob("*.parquet")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    paths = {name: release / f"{name}.fits" for name in ("image", "variance", "mask", "nexp")}
    paths |= {plane: tmp_path / f"{plane}.fits", "maps": release / "maps"}
    assert run_homogenise(tmp_path, "I", **paths) == 0
    row = json.loads((tmp_path / "stacks" / TILE / "I" / "row.json").read_text())
    assert row["depth_empirical"] is None


@pytest.mark.parametrize(
    ("faint", "width"), [("14 mag", "0.5 mag"), ("10 mag", "0.5 mag"), ("20 mag", "50 mag")]
)
def test_a_completeness_without_bins(release, tmp_path, capsys, faint, width):
    content = yaml.safe_load((release / "config.yaml").read_text())
    content["sources"]["completeness"] |= {"faint": faint, "bin": width}
    for path in release.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    assert run_finish(tmp_path, tmp_path / "out", maps=[release / "maps"]) == 1
    assert "sources.completeness: expected faint to exceed bright" in capsys.readouterr().err


def test_settings_are_those_of_the_file(release):
    """The fixture's configuration passes the schema."""
    assert load_config(release / "config.yaml")["sources"]["maps"]["zp_bin"] == 400
    receipt = json.loads((release / "receipts" / "maps_single_I.json").read_text())
    assert len(receipt["outputs"]) == 16
    assert len(receipt["inputs"]) == 3
