"""The reference catalogues: their systems, limits and errors are what an archive's are."""

import numpy as np
import pytest

from skymill.geometry import match, separation
from skymill.references.catalogues import from_archive
from skymill.references.survey import load_survey
from skymill.references.transforms import to_reference
from skymill.simulate import photometric_systems as systems
from skymill.simulate import references
from skymill.simulate.proper_motion import at_epoch

BANDS = ("B", "V", "R", "I")


@pytest.fixture(scope="module")
def catalogues(sky, settings):
    def generators(name):
        return np.random.default_rng(len(name))

    return references.catalogues(generators, sky, settings["catalogues"])


@pytest.fixture(scope="module")
def mags():
    rng = np.random.default_rng(3)
    v = rng.uniform(10, 18, 50)
    return {
        "B": v + rng.uniform(0, 1.5, 50),
        "V": v,
        "R": v - 0.3,
        "I": v - rng.uniform(0.2, 1, 50),
    }


def test_transforms_take_the_systems_back_to_the_reference(mags):
    none = dict.fromkeys(("B", "V", "g", "r", "i", "z"), np.zeros(50))
    back = to_reference(load_survey("apass_dr9").bands, systems.apass_from_reference(mags), none)
    for band in BANDS:
        assert np.allclose(back[band][0], mags[band], atol=1e-12)
    sm = systems.skymapper_from_reference(mags)
    back = to_reference(load_survey("skymapper_dr3").bands, sm, none)
    assert np.allclose(back["I"][0], mags["I"], atol=1e-12)


def test_gaia_colours_are_a_star_s(mags):
    sun = {
        "B": np.array([5.36]),
        "V": np.array([4.83]),
        "R": np.array([4.66]),
        "I": np.array([4.57]),
    }
    gaia = systems.gaia_from_reference(
        sun
    )  # G = 4.67, BP − RP = 0.82 (Casagrande & VandenBerg 2018)
    assert gaia["G"][0] == pytest.approx(4.66, abs=0.05)
    assert gaia["BP-RP"][0] == pytest.approx(0.82, abs=0.06)


@pytest.mark.parametrize("name", ["gaia", "gaiaxp", "apass", "skymapper", "pool"])
def test_the_references_room_reads_each_catalogue(catalogues, name):
    read = from_archive(name, catalogues[name], BANDS, f"{name}.fits")
    assert len(read) == len(catalogues[name]) > 1000
    assert len(np.unique(read["source_id"])) == len(read)


@pytest.mark.parametrize(("name", "band"), [("gaiaxp", "V"), ("apass", "B"), ("skymapper", "I")])
def test_magnitudes_are_the_reference_system_s_within_their_errors(catalogues, sky, name, band):
    read = from_archive(name, catalogues[name], BANDS, "x")
    star = sky[np.isin(np.asarray(sky["kind"], str), ("star", "variable"))]
    place = at_epoch(star["ra"], star["dec"], star["pmra"], star["pmdec"], 2016.0)
    first, second, _ = match(read["ra"], read["dec"], *place, 0.7)
    b = band.lower()
    pull = (read[f"mag_{b}"][first] - star[f"mag_{b}"][second]) / read[f"magerr_{b}"][first]
    pull = pull[np.isfinite(pull)]
    assert pull.size > 1000
    assert abs(np.median(pull)) < 0.1
    spread = 0.7413 * np.subtract(*np.percentile(pull, [75, 25]))
    assert spread == pytest.approx(1, abs=0.08)


def test_limits(catalogues, settings):
    limits = settings["catalogues"]
    assert catalogues["gaia"]["phot_g_mean_mag"].max() < limits["gaia_faintest"] + 0.05
    assert np.nanmax(catalogues["gaiaxp"]["XP_V"]) < limits["xp_faintest"] + 0.2
    assert np.nanmin(catalogues["apass"]["Vmag"]) > limits["apass"][0] - 0.2


def test_photometric_catalogues_list_a_share_of_the_stars(catalogues, sky, settings):
    mags = systems.skymapper_from_reference(references._mags(sky))
    star, limits = references._is_star(sky), settings["catalogues"]
    held = {"gaiaxp": sky["mag_v"] < limits["xp_faintest"]}
    for name, mag in (("apass", np.asarray(sky["mag_v"])), ("skymapper", mags["i"])):
        held[name] = (mag > limits[name][0]) & (mag < limits[name][1])
    for name, chosen in held.items():
        share = len(catalogues[name]) / np.sum(star & chosen)
        assert share == pytest.approx(limits["photometric_completeness"], abs=0.02)


def test_gaia_xp_flags_and_gaps_look_like_ks4_s_file(catalogues):
    xp = catalogues["gaiaxp"]
    flag = np.asarray(xp["XP_Bflag"])
    assert set(np.unique(flag)) == {0, 1, 255}
    assert np.all(np.isnan(xp["XP_B"]) == (flag == 255))
    assert np.mean(flag == 255) == pytest.approx(0.035, abs=0.01)
    assert np.all(np.asarray(xp["XP_Iflag"]) == 1)
    assert np.mean(np.abs(xp["cstar"]) < 0.05) == pytest.approx(0.989, abs=0.01)


def test_gaia_positions_are_good_to_their_errors(catalogues, sky):
    gaia = catalogues["gaia"]
    ids = references.gaia_ids(sky["ra"], sky["dec"], sky["source_id"])
    where = {int(i): n for n, i in enumerate(ids)}
    row = np.array([where[int(i)] for i in gaia["source_id"]])
    apart = separation(gaia["ra"], gaia["dec"], sky["ra"][row], sky["dec"][row]) * 1000
    assert np.median(apart / gaia["ra_error"]) == pytest.approx(1.18, abs=0.05)  # Rayleigh
    pull = (gaia["pmra"] - sky["pmra"][row]) / gaia["pmra"].std()
    assert np.std(pull) < 0.2


def test_the_pool_holds_98_percent_of_all_but_asteroids(catalogues, sky, settings):
    pool, kind = catalogues["pool"], np.asarray(sky["kind"], str)
    chosen = sky["source_id"][(kind != "asteroid") & (sky["mag_v"] < 23)]
    assert np.isin(pool["source_id"], chosen).all()
    share = settings["catalogues"]["pool_completeness"]
    assert len(pool) / len(chosen) == pytest.approx(share, abs=0.003)
    assert np.isin(sky["source_id"][kind == "variable"], pool["source_id"]).mean() > 0.95
