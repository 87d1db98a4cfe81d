import json
import shutil
import subprocess
from hashlib import sha256
from itertools import chain
from pathlib import Path

import healpy
import numpy as np
import pytest
import yaml
from astropy import units
from astropy.io import fits
from mocpy import MOC
from PIL import Image

from skymill.__main__ import main
from skymill.geometry import cells_of_square
from skymill.io.hips import read_properties, tile_name
from skymill.io.parquet import read_table
from skymill.paths import CONFIG, RESOURCES
from skymill.sky.grid import tile_sky

RA, DEC, SIZE = 10.0, -30.0, 400
ALADIN = "/usr/share/java/aladin.jar"


STAR = np.array([[RA + 0.005, DEC - 0.007, 2e5]])


@pytest.fixture(scope="module")
def stacks(write_shared_stack):
    """Stacks in three bands and an empty one, and a configuration; gives their folder."""
    for band, ratio in (("B", 0.5), ("R", 1.0), ("I", 1.5)):
        image, _ = write_shared_stack(STAR * [1, 1, ratio], RA, DEC, band=band)
    nothing = np.full((SIZE, SIZE), np.nan)
    write_shared_stack(image=nothing, nexp=0, ra=RA, dec=DEC, band="V", NUMEXP=0)
    folder = image.parents[3]
    shutil.copy(CONFIG / "config.yaml", folder)
    return folder


@pytest.fixture(scope="module")
def built(stacks):
    """A release with its maps; not to be changed."""
    build(stacks)
    return stacks


@pytest.fixture
def release(built, tmp_path):
    """A copy of the release that a test may change."""
    return Path(shutil.copytree(built, tmp_path / "release"))


def step(folder, name, *arguments):
    return main(["sky", name, "--config", str(folder / "config.yaml"), *map(str, arguments)])


def build_cell(folder, cell, name="hips"):
    images = sorted((folder / "stacks").glob("*/*/image.fits"))
    return step(
        folder,
        "cell",
        *("--cell", cell, "--images", *images),
        *("--nexps", *(path.with_name("nexp.fits") for path in images)),
        *("--folder", folder / name, "--record", folder / name / "cells" / f"{cell}.parquet"),
        *("--coverage", folder / "moc" / "cells" / f"{cell}.parquet"),
        *("--receipt", folder / "run" / f"{cell}.json"),
    )


def build(folder):
    """Every step; gives the cells."""
    cells = cells_of_square(RA, DEC, SIZE * 0.4 / 3600, 5)
    assert [build_cell(folder, cell) for cell in cells] == [0] * len(cells)
    hips = folder / "hips"
    options = ["--cells", *cells, "--folder", hips, "--moc", folder / "moc"]
    options += ["--record", hips / "cells" / "all.parquet", "--receipt", folder / "run" / "h.json"]
    assert step(folder, "hips", *options) == 0
    page = ["--page", RESOURCES / "viewer" / "index.html", "--out", folder / "www" / "index.html"]
    assert step(folder, "viewer", "--folder", hips, *page) == 0
    return cells


def records(folder):
    return list(chain(*(read_table(p) for p in sorted((folder / "hips/cells").glob("*.parquet")))))


def test_a_release_s_maps(built):
    hips = built / "hips"
    rows = records(built)
    listed = {(r["map"], tile_name(r["order"], r["npix"], r["format"])): r for r in rows}
    for (name, path), row in listed.items():
        content = (hips / name / path).read_bytes()
        assert (len(content), sha256(content).hexdigest()) == (row["size"], row["sha256"])
    on_disk = {path for path in hips.glob("*/Norder*/Dir*/*") if path.is_file()}
    assert on_disk == {hips / name / path for name, path in listed}
    assert {(r["map"], r["format"]) for r in rows} == {
        *((band, suffix) for band in "BRI" for suffix in ("png", "fits")),
        ("color", "png"),
    }
    assert {r["order"] for r in rows} == set(range(11))

    # The star's flux, from the tile of the deepest order that shows it, by its zero point.
    npix = int(healpy.ang2pix(1 << 10, *STAR[0, :2], nest=True, lonlat=True))
    with fits.open(hips / "R" / tile_name(10, npix, "fits")) as hdus:
        pixels, header = hdus[0].data, hdus[0].header
    row, column = np.indices(pixels.shape, dtype=float)
    ra, dec = tile_sky(10, npix, column.ravel(), row.ravel())
    near = np.hypot((ra - STAR[0, 0]) * np.cos(np.radians(DEC)), dec - STAR[0, 1]) < 7 / 3600
    flux = np.nansum(pixels.ravel()[near])
    mag = header["MAGZERO"] - 2.5 * np.log10(flux)
    assert mag == pytest.approx(30 - 2.5 * np.log10(STAR[0, 2]), abs=2e-3)
    assert header["PIXAREA"] == pytest.approx(0.162084, abs=1e-6)

    # Its place, in the colour picture.
    picture = np.array(Image.open(hips / "color" / tile_name(10, npix, "png")).convert("RGBA"))
    y, x = np.unravel_index(picture[..., :3].sum(axis=-1, dtype=int).argmax(), (512, 512))
    ra, dec = tile_sky(10, npix, np.array([float(x)]), np.array([511.0 - y]))
    offset = np.hypot((ra[0] - STAR[0, 0]) * np.cos(np.radians(DEC)), dec[0] - STAR[0, 1])
    assert offset * 3600 < 1.0
    assert set(np.unique(picture[..., 3])) == {0, 255}


def test_coverage_is_the_footprint(built):
    footprint = ((SIZE - 5) * 0.4 / 3600) ** 2
    for name in ("R", "mini"):
        moc = MOC.from_fits(str(built / "moc" / f"{name}.fits"))
        area = moc.sky_fraction * 129600 / np.pi
        assert area == pytest.approx(footprint, rel=0.02)
    assert MOC.from_fits(str(built / "moc" / "V.fits")).empty()
    assert moc.contains_lonlat([RA] * units.deg, [DEC] * units.deg).all()


def test_properties_and_viewer(built):
    for name in ("B", "V", "R", "I", "color"):
        found = read_properties(built / "hips" / name / "properties")
        assert found["creator_did"] == f"ivo://org.skymill/P/mini/{name}"
        assert found["hips_release_date"] == "2026-11-20T00:00Z"
    assert (found["dataproduct_subtype"], found["hips_tile_format"]) == ("color", "png")
    assert float(found["hips_initial_ra"]) == pytest.approx(RA, abs=0.06)
    assert (found["t_min"], found["t_max"]) == ("60000.00000", "60010.00000")
    page = (built / "www" / "index.html").read_text()
    facts = json.loads(page.split("const RELEASE = ")[1].split(";\n")[0])
    assert [m["path"] for m in facts["maps"]] == [
        f"../hips/{n}" for n in ("B", "V", "R", "I", "color")
    ]
    assert facts["moc"] == "../moc/mini.fits"


def test_a_cell_that_no_stack_reaches_has_empty_tables(release):
    assert build_cell(release, 0) == 0
    assert len(read_table(release / "hips/cells/0.parquet")) == 0
    assert len(read_table(release / "moc/cells/0.parquet")) == 0


def test_a_release_without_data_still_has_its_maps(release):
    for path in (release / "stacks").glob("*/*/image.fits"):
        with fits.open(path, mode="update") as hdus:
            hdus[0].header["NUMEXP"] = 0
    build(release)
    assert records(release) == []
    assert read_properties(release / "hips/R/properties")["moc_sky_fraction"] == "0"


def test_building_again_gives_the_same_bytes_and_leaves_no_stale_tile(release):
    first = {path: path.read_bytes() for path in release.glob("hips/**/*") if path.is_file()}
    first |= {path: path.read_bytes() for path in release.glob("moc/**/*") if path.is_file()}
    inside = cells_of_square(RA, DEC, 0.01, 5)[0] << 10
    stale = [tile_name(10, inside, "fits"), tile_name(2, 3, "png")]
    for path in (release / "hips/R" / name for name in stale):
        assert path not in first
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"old")
    build(release)
    second = {path: path.read_bytes() for path in release.glob("hips/**/*") if path.is_file()}
    second |= {path: path.read_bytes() for path in release.glob("moc/**/*") if path.is_file()}
    assert second == first


def test_a_tile_that_isnt_its_record_s_is_an_error(release, capsys):
    (cell,) = cells_of_square(RA, DEC, SIZE * 0.4 / 3600, 5)
    tile = next((release / "hips/R/Norder5").glob("*/*.fits"))
    tile.write_bytes(tile.read_bytes()[:-2880])
    options = ["--cells", cell, "--folder", release / "hips", "--moc", release / "moc"]
    assert step(release, "hips", *options, "--record", release / "x.parquet") == 1
    assert "isn't the file that its cell's record names" in capsys.readouterr().err


def test_a_template_without_its_place_is_an_error(release, capsys, tmp_path):
    (tmp_path / "page.html").write_text("<html></html>")
    options = ["--page", tmp_path / "page.html", "--folder", release / "hips"]
    assert step(release, "viewer", *options, "--out", tmp_path / "out.html") == 1
    assert "template" in capsys.readouterr().err
    assert not (tmp_path / "out.html").exists()


def hipsgen(*arguments):
    if shutil.which("java") is None or not shutil.os.path.exists(ALADIN):
        pytest.skip("needs the Debian package aladin")
    command = ["java", "-Xmx1g", "-Djava.awt.headless=true", "-jar", ALADIN, "-hipsgen"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300)
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", ["R", "color"])
def test_lint_finds_nothing(built, name):
    text = hipsgen(f"out={built / 'hips' / name}", "LINT")
    assert "is fully IVOA HiPS 1.0 compatible" in text
    assert "WARN" not in text.upper()
    assert "ERROR" not in text.upper()


def test_hipsgen_makes_the_same_tiles(stacks, tmp_path):
    """Values (but for the pixels' area) and orientation, with Hipsgen's own kernel."""
    release = Path(shutil.copytree(stacks, tmp_path / "release"))
    content = yaml.safe_load((release / "config.yaml").read_text())
    content["sky"]["kernel"] = "bilinear"
    (release / "config.yaml").write_text(yaml.safe_dump(content))
    (cell,) = cells_of_square(RA, DEC, SIZE * 0.4 / 3600, 5)
    assert build_cell(release, cell) == 0
    (tmp_path / "in").mkdir()
    shutil.copy(release / "stacks/0000.000-30/R/image.fits", tmp_path / "in")
    options = ["creator_did=ivo://x/P/y", "hips_order=10", "INDEX", "TILES"]
    hipsgen(f"in={tmp_path / 'in'}", f"out={tmp_path / 'out'}", *options)
    compared, peak = 0, 0.0
    for path in sorted((tmp_path / "out/Norder10").glob("*/*.fits")):
        mine = release / "hips/R" / path.relative_to(tmp_path / "out")
        if mine.exists():
            a, b = fits.getdata(mine) / (0.162084 / 0.16), fits.getdata(path)
            both = np.isfinite(a) & np.isfinite(b)
            np.testing.assert_allclose(a[both], b[both], atol=15)
            compared, peak = compared + both.sum(), max(peak, b[both].max(initial=0))
    assert compared > 0.95 * (SIZE - 5) ** 2 * 0.16 / 0.162
    assert peak > 6000
