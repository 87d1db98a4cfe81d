"""Ten real DECam exposures that arrive calibrated, without any reference catalogue."""

import json

import numpy as np
import pytest

from skymill.frames.ingested import histogram_noise
from skymill.io.fits import read_images
from skymill.io.parquet import read_table


@pytest.fixture(scope="module")
def decam(real, builder, tmp_path_factory):
    """The release, built from nothing."""
    folder = tmp_path_factory.mktemp("decam")
    (folder / "data/decam_demo").mkdir(parents=True)
    (folder / "data/decam_demo/raw").symlink_to(real / "decam_10exp_aligned")
    return builder("decam_demo", folder, 1)


@pytest.fixture(scope="module")
def verdicts(decam):
    """Exposure → verdict."""
    names = [row["exposure"] for row in decam.rows("exposures")]
    return {n: json.loads(decam.path(decam.tree.frame(n, "json")).read_text()) for n in names}


@pytest.fixture(scope="module")
def frames(decam, verdicts):
    """Exposure → image in the first exposure's ADU; all share one grid."""
    return {n: read_images(decam.path(decam.tree.frame(n, "fits")))[1].data for n in verdicts}


def zero_point(verdict):
    return verdict["chips"]["N6"]["amplifiers"]["N6"]


def rms(image):
    return histogram_noise(image[np.isfinite(image)])


def test_every_exposure_is_used(verdicts):
    assert len(verdicts) == 10
    assert all(v["verdict"] == "pass" and not v["reasons"] for v in verdicts.values())


def test_relative_zero_points_agree_within_006_mag(verdicts):
    points = [zero_point(v) for v in verdicts.values()]
    assert points[0]["zp"] == 30
    assert all(abs(p["zp"] - 30) <= 0.06 and p["stars"] >= 4 for p in points)
    assert all(p["rms"] <= 0.03 for p in points)
    assert max(p["rms"] for p in points) > 0.005


@pytest.fixture(scope="module")
def unscaled(frames, verdicts):
    """Exposure → image in its own ADU."""
    return {
        name: image * 10 ** (0.4 * (zero_point(verdicts[name])["zp"] - 30))
        for name, image in frames.items()
    }


def test_the_noise_of_single_exposures_is_25_to_57_adu(unscaled):
    noise = [rms(image) for image in unscaled.values()]
    assert min(noise) == pytest.approx(25, abs=1)
    assert max(noise) == pytest.approx(57, abs=1)


def test_means_have_the_expected_noise(unscaled):
    """13.1 ADU of the five of one night, 13.0 of all ten, unweighted."""
    first = [image for name, image in unscaled.items() if name.startswith("obs04")]
    assert rms(np.mean(first, axis=0)) == pytest.approx(13.1, abs=0.2)
    assert rms(np.mean(list(unscaled.values()), axis=0)) == pytest.approx(13.0, abs=0.2)


def test_the_stack_is_weighted_and_its_noise_is_between_two_bounds(decam, frames):
    """No more than weights by 1/σ² allow, no less than white pixels would give.

    A Lanczos kernel averages neighbours: white noise falls, noise that neighbours share doesn't.
    """
    image, variance = (
        read_images(decam.path(decam.tree.stack("0000.318-66", "I", plane)))[0].data
        for plane in ("image", "variance")
    )
    best = 1 / np.sqrt(sum(1 / rms(frame) ** 2 for frame in frames.values()))
    assert np.sqrt(np.nanmedian(variance)) < rms(image) < 1.02 * best
    assert best < 11.5


def test_the_seeing_is_the_headers(decam, real, verdicts):
    """FWHM of the headers, in pixels, to a tenth."""
    scale = 0.2626
    for row in decam.rows("exposures"):
        path = real / "decam_10exp_aligned" / row["path"].split("/")[-1]
        header = {key: value for key, value, _ in read_images(path)[0].cards}
        measured = verdicts[row["exposure"]]["fwhm"] / scale
        assert measured == pytest.approx(header["FWHM"], rel=0.1)


def test_the_stack_shows_more_sources(decam, verdicts):
    """8 to 19 on single exposures, 22 on the stack, at 5σ."""
    single = [v["checks"]["sources"]["value"] for v in verdicts.values()]
    assert 8 <= min(single) <= max(single) <= 19
    folder = decam.path(decam.tree.hats("single_master", "dataset"))
    master = [read_table(path) for path in sorted(folder.rglob("Npix=*.parquet"))]
    assert sum(len(table) for table in master) == pytest.approx(22, abs=2)


def test_what_needs_a_reference_is_off_and_the_report_says_so(decam):
    tree = decam.tree
    zp, zperr, stars = (
        np.load(decam.path(tree.maps("0000.318-66", "I", "single", (kind,))[1]))
        for kind in ("zp", "zperr", "pstar")
    )
    assert (zp == 30).all()
    assert np.isnan(zperr).all()
    assert not stars.any()
    table = read_table(decam.path(tree.catalogue("0000.318-66", "single_I")))
    assert not np.asarray(table["ssflag"]).any()
    assert np.isfinite(table["magerr_auto"][np.isfinite(table["mag_auto"])]).all()
    assert not decam.path(f"{tree.out}/crossmatch").exists()
    page = decam.path(f"{tree.out}/report/index.html").read_text()
    for words in ("arrived calibrated", "No Gaia XP", "No Gaia:", "No pool", "No dust maps"):
        assert words in page
    assert "missing" not in json.loads(decam.path(f"{tree.out}/report/figures.json").read_text())


def test_a_row_leads_back_to_all_ten_images(decam):
    assert decam.skymill("release", "verify").returncode == 0
    folder = decam.path(decam.tree.hats("single_master", "dataset"))
    tables = [read_table(path) for path in sorted(folder.rglob("Npix=*.parquet"))]
    row = next(table for table in tables if len(table))[0]
    run = decam.skymill("why", f"single_master:{row['coadd_object_id']}")
    assert run.returncode == 0, run.stderr
    assert all(row["path"] in run.stdout for row in decam.rows("exposures"))
