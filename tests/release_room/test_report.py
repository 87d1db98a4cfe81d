"""The report on made-up releases: what was put in comes out; nothing is too empty."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from skymill.__main__ import main
from skymill.release.figures import meanings
from skymill.release.sections.sources import half_complete

PAGE, FIGURES = Path("report/index.html"), Path("report/figures.json")
REPORT = ["release", "report", "--config", "config.yaml", "--folder", "results/fake"]
REPORT += ["--page", str(PAGE), "--figures", str(FIGURES), "--receipt", "receipt.json"]
SUMMARY = ["release", "summary", "--config", "config.yaml"]
VOID = {"meta", "link", "img", "input", "br", "i"}


class Page(HTMLParser):
    """Collects addresses and identifiers, and checks that tags are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.identifiers: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [given[key] for key in ("src", "href") if key in given]
        self.identifiers += [given["id"]] if "id" in given else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def report(capsys=None) -> tuple[str, dict]:
    code = main(REPORT)
    assert code == 0, capsys.readouterr().err if capsys else "no report"
    return PAGE.read_text(), json.loads(FIGURES.read_text())


@pytest.fixture(scope="module")
def built(builder, tmp_path_factory):
    """A made-up release with its report, built once: its folder, itself, page, figures."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, builder(), *report()


@pytest.fixture
def whole(built, monkeypatch):
    """That release, page and figures, with its folder as the current one."""
    monkeypatch.chdir(built[0])
    return built[1:]


@pytest.mark.parametrize(
    "caption",
    [
        "Stars of zero points against their colour in Gaia XP, by site",
        "Tile 0000.000-30: noise of a pixel (at MAGZERO), exposures",
        "Tile 0000.000-30, single: zero points, their errors and stars; separation from Gaia",
        "Tile 0000.000-30, single, APER5: clean stars against Gaia XP after calibration",
        "Tile 0001.000-30, single, APER5: clean stars against Gaia XP after calibration",
        "Tile 0000.000-30, single. Completeness: bars are binomial errors. Numbers: solid",
        "Tile 0001.000-30, single. Completeness: bars are binomial errors. Numbers: solid",
        "Tile 0000.000-30, single: stellarity and half-light radius against magnitude",
        "Tile 0001.000-30, single: stellarity and half-light radius against magnitude",
        "Tile 0000.000-30: stars and galaxies injected into the published stacks",
        "Injected sources: the magnitudes to which 90, 80 and 50 % are found.",
    ],
)
def test_planes_maps_and_residuals_are_pictured(whole, caption) -> None:
    assert caption in whole[1]


def test_each_tile_says_where_it_is_half_complete(whole) -> None:
    """DEPTH of the made-up release, less half a magnitude."""
    cells = "".join(
        f'<td class="word">{tile}</td><td>22.20</td><td>22.00</td><td>22.20</td><td>21.50</td>|'
        for tile in ("0000.000-30", "0001.000-30")
    )
    for row in cells.rstrip("|").split("|"):
        assert row in whole[1]


def test_figures_are_what_was_put_in(whole) -> None:
    release, _, figures = whole
    assert set(figures) == {*meanings(release.bands), "provenance"}
    assert (figures["exposures"], figures["exposures_used"]) == (24, 22)
    assert figures["exposures_excluded"] == len(figures["excluded"]) == 2
    assert figures["excluded"][0].startswith("c002B: seeing 4.1 arcsec is above 3.5 arcsec;")
    assert figures["astrometric_rms_ra"] == pytest.approx(0.025)
    assert figures["stacks"] == 7
    assert figures["depth_I"] == pytest.approx(22.0)
    assert figures["detections_R"] == 1200
    assert figures["half_complete_V"] == pytest.approx(22.0, abs=0.02)
    assert figures["injected_complete_V"] == pytest.approx(22.5)
    assert figures["zero_point_error_B"] == pytest.approx(0.004)
    assert figures["rows_idual_master"] == figures["rows_single_master"] == 600
    assert figures["rows_detections"] == 600 * 3 * 4
    assert figures["gaia_matches"] == 600
    assert figures["gaia_offset_mean_ra"] == pytest.approx(0.02, abs=0.004)
    assert figures["gaia_offset_mean_dec"] == pytest.approx(-0.01, abs=0.004)
    assert figures["gaia_offset_mode_ra"] == pytest.approx(0.02, abs=0.015)
    assert figures["xp_offset_I"] == pytest.approx(0.012, abs=0.002)
    assert figures["xp_offset_V"] == pytest.approx(-0.003, abs=0.002)
    assert figures["xp_rms_B"] == pytest.approx(0.008, abs=0.001)
    assert figures["repeatability_R"] == pytest.approx(0.008, abs=0.001)
    assert figures["area"] == pytest.approx(10 * 129600 / np.pi / (12 * 4**12), rel=1e-5)
    assert figures["archives"] == 10


def test_the_page_asks_for_nothing_from_outside(whole) -> None:
    page = Page(whole[1])
    assert not page.open
    assert len(page.identifiers) == len(set(page.identifiers))
    for address in page.addresses:
        assert re.match(r"(data:|#|\.\./)", address), address[:80]
    assert "http" not in re.sub(r'"data:[^"]*"', "", whole[1])
    assert "@import" not in whole[1]
    assert "<script" not in whole[1]


def test_rooms_come_in_the_order_of_the_road(whole) -> None:
    rooms = ["calibrations", "frames", "tiles", "sources", "masters", "sky", "release", "figures"]
    assert [name for name in Page(whole[1]).identifiers if name in rooms] == rooms


def test_words_from_products_are_escaped(whole) -> None:
    assert "<b>trailed</b>" not in whole[1]
    assert "&lt;b&gt;trailed&lt;/b&gt;" in whole[1]
    assert "A &lt;made-up&gt; release" in whole[1]


def test_excluded_exposures_come_first(whole) -> None:
    page = whole[1]
    assert page.index("c014B") < page.index("Used exposures (22)") < page.index("c000B")


def test_pictures_are_png_without_metadata(whole) -> None:
    pictures = re.findall(r"data:image/png;base64,([^\"]+)", whole[1])
    assert len(pictures) >= 10
    for picture in map(base64.b64decode, pictures):
        assert picture.startswith(b"\x89PNG")
        assert not re.search(rb"(tEXt|iTXt|tIME)", picture[:200])


def test_the_same_products_give_the_same_bytes(whole) -> None:
    first = PAGE.read_bytes(), FIGURES.read_bytes(), Path("receipt.json").read_bytes()
    stray = Path("results/fake/frames/c999V.json")
    stray.write_text("a stale verdict")
    report()
    assert first == (PAGE.read_bytes(), FIGURES.read_bytes(), Path("receipt.json").read_bytes())
    assert str(Path.cwd()) not in PAGE.read_text()


def test_the_receipt_names_what_was_read(whole) -> None:
    receipt = json.loads(Path("receipt.json").read_text())
    assert set(receipt["outputs"]) == {"index.html", "figures.json"}
    assert "frames/c000B.json" in receipt["inputs"]
    assert not [name for name in receipt["inputs"] if "truth" in name]


def test_a_release_in_which_nothing_passed(fake, capsys) -> None:
    release = fake(none_pass=True)
    page, figures = report(capsys)
    Page(page)
    assert "No exposure passed" in page
    assert "idual_master is empty" in page
    assert "No object matches Gaia" in page
    assert "No star matches Gaia XP" in page
    assert "No place of the sky has data" in page
    assert "No pool source" in page
    assert figures["exposures_used"] == 0
    assert figures["stacks"] == 0
    assert figures["depth_I"] is None
    assert figures["gaia_offset_mode"] is None
    assert figures["area"] == 0
    assert set(figures) == {*meanings(release.bands), "provenance"}


def test_missing_products_are_named_not_hidden(fake, capsys) -> None:
    release = fake(size=32, objects=40)
    gone = [
        release.tree.frame("c000B", "json"),
        f"{release.tree.out}/stacks/stacks.parquet",
        release.tree.stack("0000.000-30", "I", "image"),
        release.tree.stack("0000.000-30", "V", "mask"),
        release.tree.maps("0000.000-30", "B", "single", ("align",))[0],
        *[release.tree.hats_cell("gaia", cell) for cell in release.cells(4)],
        f"{release.tree.out}/moc/B.fits",
    ]
    for name in gone:
        Path(name).unlink()
    page, figures = report(capsys)
    assert f"{len(gone)} products are missing" in page
    assert gone[0] in page
    assert "1 of 24 exposures have no verdict" in page
    assert "The table of stacks is missing" in page
    assert figures["area_B"] is None
    assert figures["gaia_matches"] == 0


def test_a_truncated_product_is_an_error_and_leaves_no_page(fake, capsys) -> None:
    release = fake(size=32, objects=40)
    path = Path(release.tree.stack("0000.000-30", "I", "image"))
    path.write_bytes(path.read_bytes()[:3000])
    assert main(REPORT) == 1
    assert str(path) in capsys.readouterr().err
    assert not PAGE.exists()


def test_a_folder_that_is_not_there(fake, capsys) -> None:
    fake(size=32, objects=0)
    given = [word.replace("results/fake", "results/nowhere") for word in REPORT]
    assert main(given) == 1
    assert "results/nowhere: expected the folder of a release" in capsys.readouterr().err


def test_summary_before_and_after(fake, capsys) -> None:
    fake(size=32, objects=40)
    assert main(SUMMARY) == 1
    assert "isn't built" in capsys.readouterr().err
    given = [word.replace("report/", "results/fake/report/") for word in REPORT]
    assert main(given) == 0
    assert main(SUMMARY) == 1  # a run has withdrawn the manifest: the figures aren't current
    assert "isn't built, or not to its end" in capsys.readouterr().err
    Path("results/fake/manifest.json").write_text("{}")
    assert main(SUMMARY) == 0
    text = capsys.readouterr().out
    assert "A <made-up> release (fake, 2026-11-20)" in text
    assert re.search(r"exposures whose verdict is pass +22\n", text)
    assert text.rstrip().endswith("report: results/fake/report/index.html")


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([1, 1, 0.75, 0.25, 0], 18.5 + 0.5),
        ([0, 0.9, 0.6, 0.4], 18.5 + 0.5),
        ([1, 0.9, 0.8], None),
        ([0.4, 0.3], None),
        ([], None),
    ],
)
def test_half_completeness(ratios: list[float], expected: float | None) -> None:
    low = np.arange(16, 16 + len(ratios), dtype=float)
    pool = np.full(len(ratios), 1000.0)
    curve = np.stack([low, low + 1, pool, pool * ratios], axis=-1).reshape(-1, 4)
    found = half_complete(curve)
    assert np.isnan(found) if expected is None else found == pytest.approx(expected)
