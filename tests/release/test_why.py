"""`skymill why` on the mini release: every row and product leads back to raw frames."""

import json
import shutil

import numpy as np
import pytest

from skymill.io.parquet import read_table


@pytest.fixture(scope="module")
def manifest(mini):
    """Path → row of the manifest."""
    table = read_table(mini.path(f"{mini.tree.out}/manifest.parquet"))
    return {row["path"]: row for row in table}


@pytest.fixture(scope="module")
def why(mini):
    """The command's tree, as JSON, asked for once."""
    known = {}

    def ask(*words):
        if words not in known:
            run = mini.skymill("why", *words, "--json")
            assert run.returncode == 0, run.stderr
            known[words] = json.loads(run.stdout)["tree"]
        return known[words]

    return ask


def nodes(tree):
    """Every node of a tree."""
    yield tree
    for parent in tree.get("parents", []):
        yield from nodes(parent)


def files(tree):
    """Path → SHA-256 of every file in a tree."""
    return {f["path"]: f["sha256"] for node in nodes(tree) for f in node.get("files", [])}


def linked(mini, catalogue):
    """An object that two tiles share."""
    folder = mini.path(mini.tree.hats(catalogue, "dataset"))
    for path in sorted(folder.rglob("Npix=*.parquet")):
        table = read_table(path)
        found = np.flatnonzero((table["n_det"] == 2) & (table["mag_auto_i"] < 18))
        if found.size:
            return table[int(found[0])]
    raise AssertionError(f"{catalogue}: no object on two tiles")


@pytest.mark.parametrize("catalogue", ["idual_master", "single_master"])
def test_a_row_s_tree_reaches_the_raw_frames(mini, why, manifest, catalogue):
    row = linked(mini, catalogue)
    tree = why(f"{catalogue}:{row['coadd_object_id']}")
    tiles = {part["files"][0]["path"].split("/")[1] for part in tree["parents"]}
    assert tiles == {tile["tile"] for tile in mini.rows("tiles_table")}
    found = files(tree)
    assert all(manifest[path]["sha256"] == sha256 for path, sha256 in found.items())
    exposures = {row["exposure"] for row in mini.rows("exposures")}
    used = {p.split("/")[1][:-5] for p in found if p.startswith("frames/") and p.endswith(".json")}
    assert used
    assert used <= exposures
    for exposure in used:
        assert f"raw/{exposure}.fits" in found
    for name in ("bias.fits", "dark.fits", "defects.fits", "crosstalk.json", "slopes.json"):
        assert any(path.startswith("calib/") and path.endswith(name) for path in found)
    assert any(path.startswith("reference/gaia/") for path in found)
    assert any(path.startswith("raw/calibration/") for path in found)


def test_the_exposures_of_a_row_are_those_that_its_ndith_counts(mini, why):
    row = linked(mini, "idual_master")
    tree = why(f"idual_master:{row['coadd_object_id']}")
    for part in tree["parents"]:
        for stack in part["parents"][: len(mini.settings["bands"])]:
            band = stack["name"].split("/")[-1]
            passed = [n for n in stack["parents"] if n["verdict"] == "pass"]
            assert part["ndith"][band] in (1, len(passed))  # 1 near the edge
            assert all(node["band"] == band for node in stack["parents"])


def test_the_rows_have_the_aggregated_magnitude_between_them(mini, why):
    row = linked(mini, "idual_master")
    tree = why(f"idual_master:{row['coadd_object_id']}")
    magnitudes = [part["mag_auto"]["I"] for part in tree["parents"]]
    assert len(magnitudes) == 2
    assert min(magnitudes) - 1e-3 <= row["mag_auto_i"] <= max(magnitudes) + 1e-3


def test_a_position_finds_the_same_row(mini, why):
    row = linked(mini, "single_master")
    at = ("--ra", str(row["ra"]), "--dec", str(row["dec"]))
    name = f"single_master:{row['coadd_object_id']}"
    assert why("single_master", *at) == why(name)


def test_an_excluded_exposure_shows_its_reason(mini, why):
    bad = next(
        row
        for row in mini.rows("exposures")
        if row["exposure"] in mini.settings["simulate"]["status"]["truncated"]
    )
    path = mini.tree.stack(bad["tile"], bad["band"], "image")
    node = next(n for n in nodes(why(path)) if bad["exposure"] in n["name"])
    assert node["verdict"] == "fail"
    assert "truncated" in " ".join(node["reasons"])
    assert any(n["name"] == f"raw/{bad['exposure']}.fits" for n in node["parents"])
    text = mini.skymill("why", path).stdout
    assert f"frames/{bad['exposure']}.{{fits,json,mask.fits}} · frames calibrate" in text
    assert "excluded: " in text


def test_every_product_s_tree_is_the_same_each_time_and_names_only_the_manifest_s(
    mini, why, manifest
):
    for path in ("report/index.html", "moc/mini.fits", "www/index.html"):
        first = mini.skymill("why", path, "--release", mini.tree.out).stdout
        assert first == mini.skymill("why", path, "--release", mini.tree.out).stdout
        assert files(why(path, "--release", mini.tree.out)).keys() <= manifest.keys()


def test_a_hips_tile_leads_to_its_stacks(mini, why):
    folder = mini.path(f"{mini.tree.out}/hips/V/Norder{mini.settings['sky']['order']}")
    tile = sorted(folder.rglob("Npix*.fits"))[0]
    found = files(why(str(tile), "--depth", "1"))
    assert any(path.startswith("stacks/") for path in found)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("stacks/0000.000-30/I/imag.fits", "Did you mean stacks/0000.000-30/I/image.fits"),
        ("run/config.yaml", "no product of the release"),
        ("manifest.json", "is the manifest itself"),
        ("idual_master:5", "which the release doesn't cover"),
        ("single_master", "give single_master:ID, or --ra and --dec"),
        ("results/none/stacks/stacks.parquet", "results/none isn't the release"),
    ],
)
def test_errors_say_what_to_do(mini, target, message):
    run = mini.skymill("why", target)
    assert run.returncode == 1
    assert run.stderr.startswith("skymill: ")
    assert run.stderr.count("\n") == 1
    assert message in run.stderr


def test_an_unknown_identifier_says_which_there_are(mini):
    row = linked(mini, "idual_master")
    run = mini.skymill("why", f"idual_master:{int(row['coadd_object_id']) + 10**6}")
    assert run.returncode == 1
    assert "its level-12 cell" in run.stderr


def test_a_manifest_out_of_date_is_an_error(mini, tmp_path):
    out, exposure = mini.path(mini.tree.out), mini.rows("exposures")[0]
    copy = tmp_path / "results" / "mini"
    (copy / "frames").mkdir(parents=True)
    for name in ("manifest.json", "manifest.parquet"):
        shutil.copy(out / name, copy / name)
    verdict = copy / "frames" / f"{exposure['exposure']}.json"
    verdict.write_text("{}")
    stack = f"stacks/{exposure['tile']}/{exposure['band']}/nexp.fits"
    run = mini.skymill("why", stack, "--release", str(copy))
    assert run.returncode == 1
    assert "the manifest is out of date" in run.stderr
    verdict.unlink()
    run = mini.skymill("why", stack, "--release", str(copy))
    assert "verdict not at hand" in run.stdout
