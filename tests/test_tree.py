"""The names of products are KS4's."""

from skymill.io.provenance import logical_name
from skymill.tree import MAP_ARCHIVES, Tree

TREE = Tree("mini", 4)


def test_maps_carry_ks4_s_names():
    names = TREE.maps("0294.238-68", "B", "Idual", ("zp", "align"))
    assert names == [
        *(
            f"results/mini/maps/0294.238-68/zp_map_0294.238-68_B_Idual_{aperture}.npy"
            for aperture in ("APER3", "APER5", "APER10", "AUTO")
        ),
        "results/mini/maps/0294.238-68/align_map_0294.238-68_B_Idual.npy",
    ]


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
