"""The graph of a made-up manifest: jobs, what lies behind them, short names."""

import numpy as np
import pytest

from skymill.why.graph import graph_from, short_name

STEPS = {
    # path: (step, parents)
    "raw/a.fits": ("", ()),
    "raw/b.fits": ("", ()),
    "raw/bias.1.fits": ("simulate calibration", ()),
    "raw/bias.2.fits": ("simulate calibration", ()),
    "reference/gaia/1.parquet": ("references import", ("reference/external/gaia.fits",)),
    "reference/gaia/2.parquet": ("references import", ("reference/external/gaia.fits",)),
    "reference/external/gaia.fits": ("", ()),
    "calib/S/r/bias.fits": ("calibrations bias", ("raw/bias.1.fits", "raw/bias.2.fits")),
    "calib/S/r/flat_V.fits": ("calibrations flat", ("calib/S/r/bias.fits",)),
    **{
        f"frames/{name}.{end}": (
            "frames calibrate",
            (
                "calib/S/r/bias.fits",
                "calib/S/r/flat_V.fits",
                f"raw/{name}.fits",
                "reference/gaia/1.parquet",
                "reference/gaia/2.parquet",
            ),
        )
        for name in "ab"
        for end in ("fits", "json", "mask.fits")
    },
    **{
        f"stacks/t/V/{plane}.fits": (
            "tiles combine",
            tuple(f"frames/{name}.{end}" for name in "ab" for end in ("fits", "json", "mask.fits")),
        )
        for plane in ("mask", "nexp")
    },
    "stacks/t/V/image.fits": (
        "sources homogenise",
        (
            "frames/a.fits",
            "frames/a.json",
            "frames/b.fits",
            "frames/b.json",
            "stacks/t/V/mask.fits",
            "stacks/t/V/nexp.fits",
        ),
    ),
}


def columns(steps=STEPS):
    """The columns of a manifest."""
    paths = sorted(steps)
    kind = ["input" if p.startswith(("raw/", "reference/")) else "product" for p in paths]
    return {
        "path": paths,
        "kind": kind,
        "size": [None if p == "raw/b.fits" else 100 for p in paths],
        "sha256": [f"{n:064x}" for n in range(len(paths))],
        "step": [steps[p][0] for p in paths],
        "settings": ["0123456789abcdef" if steps[p][0] else "" for p in paths],
        "software": ["skymill 0"] * len(paths),
        "parents": ["\n".join(sorted(steps[p][1])) for p in paths],
    }


@pytest.fixture
def graph():
    return graph_from(columns())


def paths(groups):
    return [[file.path for file in group] for group in groups]


def test_the_files_of_one_command_are_one_job(graph):
    job = graph.jobs["frames/a.json"]
    assert [file.path for file in job.files] == [
        "frames/a.fits",
        "frames/a.json",
        "frames/a.mask.fits",
    ]
    assert graph.jobs["raw/bias.1.fits"] is not graph.jobs["raw/bias.2.fits"]
    assert graph.files["raw/b.fits"].size is None
    assert graph.files["raw/a.fits"].parents == ()


def test_a_parent_behind_another_is_left_to_that_one(graph):
    planes = [["stacks/t/V/mask.fits", "stacks/t/V/nexp.fits"]]
    assert paths(graph.parents("stacks/t/V/image.fits")) == planes
    assert [["frames/a.fits", "frames/a.json"], ["frames/b.fits", "frames/b.json"], *planes] == (
        paths(graph.parents("stacks/t/V/image.fits", full=True))
    )


def test_an_exposure_shows_its_raw_file_first_and_every_master(graph):
    assert paths(graph.parents("frames/a.fits")) == [
        ["raw/a.fits"],
        ["calib/S/r/bias.fits"],
        ["reference/gaia/1.parquet", "reference/gaia/2.parquet"],
        ["calib/S/r/flat_V.fits"],
    ]


def test_what_lies_behind_a_file(graph):
    assert graph.ancestors("calib/S/r/flat_V.fits") == {
        "calib/S/r/bias.fits",
        "raw/bias.1.fits",
        "raw/bias.2.fits",
    }
    assert [graph.height(p) for p in ("raw/a.fits", "calib/S/r/flat_V.fits", "frames/a.fits")] == [
        0,
        2,
        3,
    ]


def test_the_order_of_the_rows_doesn_t_matter(graph):
    shuffled = np.random.default_rng(1).permutation(len(STEPS))
    other = graph_from({k: [v[i] for i in shuffled] for k, v in columns().items()})
    for path in STEPS:
        assert paths(other.parents(path)) == paths(graph.parents(path))


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["a/b.fits"], "a/b.fits"),
        (["f/x.1.fits", "f/x.1.json", "f/x.1.mask.fits"], "f/x.1.{fits,json,mask.fits}"),
        (["r/g/4111.parquet", "r/g/4121.parquet"], "r/g/{4111,4121}.parquet"),
        (["m/zp_map.npy", "m/zperr_map.npy"], "m/{zp,zperr}_map.npy"),
        ([f"c/{n}.fits" for n in range(1, 9)], "c/{1,…,8}.fits (8 files)"),
        (["bias", "dark"], "{bias,dark}"),
    ],
)
def test_short_names(names, short):
    assert short_name(names) == short
