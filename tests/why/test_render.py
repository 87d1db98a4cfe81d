"""Trees as text and JSON, on a made-up manifest."""

import json

import pytest

from skymill.why.graph import graph_from
from skymill.why.node import Builder, Node, cut
from skymill.why.render import to_json, to_text

from .test_graph import columns


def describe(files):
    """Exposure b failed."""
    if files[0].path.startswith("frames/a"):
        return {"verdict": "fail", "reasons": ["seeing 7 arcsec > 6 arcsec"], "mjd": 60000.123456}
    return {"verdict": "pass"} if files[0].path.startswith("frames/") else {}


def tree(path, depth=None, full=False):
    graph = graph_from(columns())
    return Builder(graph, describe, full).node([graph.files[path]], depth)


EXPECTED = """\
stacks/t/V/image.fits · sources homogenise · settings 0123456789ab · sha256 000000000000
└─ stacks/t/V/{mask,nexp}.fits · tiles combine · settings 0123456789ab
   ├─ frames/b.{fits,json,mask.fits} · frames calibrate · settings 0123456789ab · pass
   │  ├─ raw/b.fits · input · sha256 000000000000
   │  ├─ calib/S/r/bias.fits · calibrations bias · settings 0123456789ab · sha256 000000000000
   │  │  ├─ raw/bias.1.fits · simulate calibration · settings 0123456789ab · sha256 000000000000
   │  │  └─ raw/bias.2.fits · simulate calibration · settings 0123456789ab · sha256 000000000000
   │  ├─ reference/gaia/{1,2}.parquet · references import · settings 0123456789ab
   │  │  └─ reference/external/gaia.fits · input · sha256 000000000000
   │  └─ calib/S/r/flat_V.fits · calibrations flat · settings 0123456789ab · sha256 000000000000
   │     └─ as above: calib/S/r/bias.fits
   └─ frames/a.{fits,json,mask.fits} · frames calibrate · settings 0123456789ab · fail · \
excluded: seeing 7 arcsec > 6 arcsec · mjd 60000.12346
      ├─ raw/a.fits · input · sha256 000000000000
      └─ as above: calib/S/r/{bias,flat_V}.fits, reference/gaia/{1,2}.parquet"""


def test_the_tree_of_a_stack_reaches_the_raw_frames_and_says_everything_once():
    text = "\n".join(to_text(tree("stacks/t/V/image.fits")))
    assert text == EXPECTED


def test_depth_cuts_and_counts():
    lines = list(to_text(tree("stacks/t/V/image.fits", depth=1)))
    assert lines[1].startswith("└─ stacks/t/V/{mask,nexp}.fits")
    assert lines[2:] == ["   └─ … 10 more"]


def test_full_repeats_everything_with_whole_hashes():
    text = "\n".join(to_text(tree("stacks/t/V/image.fits", full=True), full=True))
    assert "as above" not in text
    assert text.count("raw/bias.1.fits") > 4
    sha256 = dict(zip(columns()["path"], columns()["sha256"], strict=True))
    assert f"frames/a.mask.fits · sha256 {sha256['frames/a.mask.fits']}" in text


def test_json_holds_the_same_tree():
    found = json.loads(json.dumps(to_json(tree("stacks/t/V/image.fits"))))
    planes = found["parents"][0]
    assert [file["path"] for file in planes["files"]] == [
        "stacks/t/V/mask.fits",
        "stacks/t/V/nexp.fits",
    ]
    passed, failed = planes["parents"]
    assert (passed["verdict"], failed["verdict"]) == ("pass", "fail")
    assert failed["reasons"] == ["seeing 7 arcsec > 6 arcsec"]
    assert passed["parents"][0]["files"][0]["size"] is None
    assert all(parent["repeated"] for parent in failed["parents"][1:])


@pytest.mark.parametrize(("depth", "hidden"), [(0, 3), (1, 1), (2, 0), (None, 0)])
def test_cut_counts_what_it_hides(depth, hidden):
    root = Node("a", parents=[Node("b", parents=[Node("c")]), Node("d")])

    def total(node):
        return node.hidden + sum(total(parent) for parent in node.parents)

    assert total(cut(root, depth)) == hidden
