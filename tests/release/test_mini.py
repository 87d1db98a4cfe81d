"""The mini release against its truth, and the tree of its products."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import vstack

from skymill.geometry import match
from skymill.io.parquet import read_table
from skymill.tree import (
    ASTROMETRIC_MAPS,
    COLOR,
    HATS_GROUPS,
    MAP_ARCHIVES,
    MODES,
    PHOTOMETRIC_MAPS,
)


@pytest.fixture(scope="module")
def truth(mini):
    return read_table(mini.path(f"{mini.tree.data}/truth/sources.parquet"))


@pytest.fixture(scope="module")
def hats(mini):
    """Read all cells of a HATS catalogue."""

    def read(name: str):
        folder = mini.path(mini.tree.hats(name, "dataset"))
        return vstack([read_table(path) for path in sorted(folder.rglob("Npix=*.parquet"))])

    return read


def test_every_product_of_the_tree_exists(mini):
    tree, bands = mini.tree, mini.settings["bands"]
    tiles = [row["tile"] for row in mini.rows("tiles_table")]
    exposures = mini.rows("exposures")
    sites_runs = {(row["site"], row["run"]) for row in exposures}
    masters = ["bias.fits", "dark.fits", "defects.fits", "crosstalk.json", "slopes.json"]
    masters += [f"flat_{band}.fits" for band in bands]
    names = [tree.calib(*site_run, name) for site_run in sites_runs for name in masters]
    for row in exposures:
        names += [
            tree.frame(row["exposure"], s) for s in ("fits", "mask.fits", "cat.parquet", "json")
        ]
    for tile in tiles:
        names += [tree.catalogue(tile, "Idual"), tree.completeness(tile)]
        names += [tree.injected_plot(tile), *(n for b in bands for n in tree.injected(tile, b))]
        for band in bands:
            planes = ("image", "variance", "mask", "nexp", "exptime", "mjd")
            names += [tree.stack(tile, band, plane) for plane in planes]
            names += [tree.catalogue(tile, f"single_{band}")]
            for mode in MODES:
                names += tree.maps(tile, band, mode, PHOTOMETRIC_MAPS + ASTROMETRIC_MAPS)
    prefix = mini.settings["release"]["archive_prefix"]
    names += [tree.archive(prefix, f"{name}_Maps") for name in MAP_ARCHIVES]
    names += [tree.archive(prefix, name) for name in HATS_GROUPS]
    names += [tree.hats(name, "hats.properties") for name in HATS_GROUPS]
    names += [
        f"{tree.out}/hips/{name}/{file}"
        for name in (*bands, COLOR)
        for file in ("properties", "Moc.fits")
    ]
    names += [f"{tree.out}/moc/{name}.fits" for name in (*bands, "mini")]
    names += [
        f"{tree.out}/{name}"
        for name in (
            "www/index.html",
            "report/index.html",
            "manifest.json",
            "manifest.parquet",
            "stacks/stacks.parquet",
        )
    ]
    missing = [name for name in names if not mini.path(name).is_file()]
    assert not missing


def test_maps_are_float64_and_their_grids_are_ks4_s(mini):
    size = mini.settings["tiles"]["size"]
    for row in mini.rows("tiles_table"):
        for kind, bin_size in (("zp", 400), ("align", 200)):
            for path in mini.tree.maps(row["tile"], "V", "single", (kind,)):
                array = np.load(mini.path(path))
                assert array.dtype == np.float64
                assert array.shape == (size // bin_size,) * 2
        (path,) = mini.tree.maps(row["tile"], "V", "single", ("shift",))
        assert np.load(mini.path(path)).shape == (size // 200, size // 200, 2)


def test_only_the_bad_exposures_are_excluded_and_the_reasons_are_right(mini):
    import json

    reasons = {}
    for row in mini.rows("exposures"):
        verdict = json.loads(mini.path(mini.tree.frame(row["exposure"], "json")).read_text())
        truth = json.loads(
            mini.path(f"{mini.tree.data}/truth/exposures/{row['exposure']}.json").read_text()
        )
        assert (verdict["verdict"] == "pass") == (truth["status"] == "good"), row["exposure"]
        if verdict["verdict"] == "fail":
            reasons[truth["status"]] = " ".join(verdict["reasons"]).lower()
    assert "seeing" in reasons["bad_seeing"]
    assert "elong" in reasons["trailed"]
    assert "truncated" in reasons["truncated"] or "read" in reasons["truncated"]


def test_the_modal_offset_to_gaia_is_within_the_target(hats):
    """Modal separation of single_master to Gaia DR3 (KS4 Paper III, §5.1: 0.125″)."""
    separation = hats("gaia")["separation"]
    counts, edges = np.histogram(separation, bins=np.arange(0, 1.0, 0.025))
    assert len(separation) > 2000
    assert edges[counts.argmax() + 1] <= 0.15


@pytest.mark.parametrize("catalogue", ["single_master", "idual_master"])
@pytest.mark.parametrize("kind", ["auto", "aper5"])
def test_stars_have_their_true_magnitudes_in_each_band(mini, hats, truth, catalogue, kind):
    """Stars of 15–18 mag: median offset to truth within 0.03 mag."""
    master = hats(catalogue)
    stars = truth[truth["kind"] == "star"]
    first, second, _ = match(master["ra"], master["dec"], stars["ra"], stars["dec"], 0.5)
    for band in (band.lower() for band in mini.settings["bands"]):
        true = stars[f"mag_{band}"][second]
        offset = master[f"mag_{kind}_{band}"][first] - true
        use = (true > 15) & (true < 18) & np.isfinite(offset)
        assert use.sum() > 500
        assert abs(np.median(offset[use])) <= 0.03, band


def test_overlap_sources_are_listed_once_with_unique_ids(mini, hats):
    for catalogue in ("single_master", "idual_master"):
        master = hats(catalogue)
        ids = np.asarray(master["coadd_object_id"])
        assert np.unique(ids).size == ids.size
        np.testing.assert_array_equal(ids >> 35, master["healpix_index"])
        assert (master["n_det"] > 1).any()


def test_stacks_and_sky_open_in_the_tools_they_are_for(mini):
    from astropy.wcs import WCS
    from mocpy import MOC

    tile = mini.rows("tiles_table")[0]
    with fits.open(mini.path(mini.tree.stack(tile["tile"], "I", "image"))) as hdus:
        _, dec = WCS(hdus[0].header).all_pix2world(1399.5, 1399.5, 0)
        assert hdus[0].header["MAGZERO"] == 30
    assert float(dec) == pytest.approx(tile["dec"], abs=1e-6)
    moc = MOC.from_fits(mini.path(f"{mini.tree.out}/moc/mini.fits"))
    area = moc.sky_fraction * 41252.96
    assert 0.1 < area < 2 * (2800 * 0.4 / 3600) ** 2
