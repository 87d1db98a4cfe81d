"""The names of products are KS4's."""

from skymill.config import load_config
from skymill.io.provenance import logical_name
from skymill.paths import ROOT
from skymill.tree import MAP_ARCHIVES, Tree

TREE = Tree("mini", 4)


def test_maps_carry_ks4_s_names():
    names = TREE.maps("0294.238-68", "B", "Idual", ("zp", "align", "shift"))
    assert names == [
        *(
            f"results/mini/maps/0294.238-68/zp_map_0294.238-68_B_Idual_{aperture}.npy"
            for aperture in ("APER3", "APER5", "APER10", "AUTO")
        ),
        "results/mini/maps/0294.238-68/align_map_0294.238-68_B_Idual.npy",
        "results/mini/maps/0294.238-68/shift_map_0294.238-68_B_Idual.npy",
    ]


def test_warps_lie_below_their_stack():
    path = TREE.warp("0000.000-30", "R", "kmtc.1", "mask")
    assert path == "results/mini/stacks/0000.000-30/R/warps/kmtc.1.mask.fits"
    assert logical_name(path) == "stacks/0000.000-30/R/warps/kmtc.1.mask.fits"


def test_frames_are_a_file_per_exposure_or_per_chip():
    assert TREE.frame_suffixes == ("fits", "mask.fits", "cat.parquet", "json")
    settings = load_config(ROOT / "config" / "config.yaml")
    settings["frames"]["files"] = "chip"
    tree = Tree.of(settings)
    assert tree.image_suffixes == ("M.fits", "K.fits", "N.fits", "T.fits")
    assert tree.mask_suffixes == ("M.mask.fits", "K.mask.fits", "N.mask.fits", "T.mask.fits")
    assert tree.frame_suffixes[-2:] == ("cat.parquet", "json")
    assert tree.frame("a", "K.mask.fits") == "results/mini/frames/a.K.mask.fits"


def test_archives_carry_ks4_s_names():
    assert (
        TREE.archive("KS4_DR1", "ZeroPointError_Maps")
        == "results/mini/archives/KS4_DR1_ZeroPointError_Maps.tar.gz"
    )
    assert set(MAP_ARCHIVES.values()) == {"astar", "align", "alerr", "pstar", "zp", "zperr"}


def test_logical_names_are_free_of_where_a_release_lies():
    assert logical_name(TREE.frame("a", "fits")) == "frames/a.fits"
    assert logical_name("/disk/results/dr1/frames/a.fits") == "frames/a.fits"
    assert logical_name("/home/results/x/data/mini/raw/a.fits") == "raw/a.fits"
    assert logical_name("/archive/a.fits") == "a.fits"
    assert logical_name("data/mini/external/gaia.fits") == "external/gaia.fits"


def test_a_disk_that_is_named_as_a_tree_is_none():
    """Else where a project or an archive lies would get into the manifest."""
    assert logical_name("/data/me/skymill/resources/viewer/index.html") == "index.html"
    assert logical_name("/data/kmtnet/2025/a.fits") == "a.fits"
    page = "results/reproduce/a copy/resources/viewer/index.html"
    assert logical_name(f"/home/me/{page}") == "index.html"
    assert logical_name("/data/me/skymill/results/dr1/frames/a.fits") == "frames/a.fits"


def test_every_product_s_name_is_free_of_where_it_lies():
    paths = [
        TREE.config, TREE.receipt("stack", "a"), TREE.reference("gaia", "1"),
        TREE.calib("S", "r", "bias.fits"), TREE.frame("a", "fits"), TREE.stack("t", "V", "nexp"),
        TREE.unscaled("t", "V", "image"), TREE.catalogue("t", "Idual"), TREE.completeness("t"),
        *TREE.injected("t", "V"), TREE.injected_plot("t"),
        TREE.hats("gaia", "hats.properties"), TREE.archive("P", "gaia"),
        *TREE.maps("t", "V", "single", ("zp",)),
    ]  # fmt: skip
    for path in paths:
        assert logical_name(f"/disk/{path}") == logical_name(path), path
