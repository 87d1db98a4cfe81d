"""The page of the figures, and the report's place for it."""

from types import SimpleNamespace

from skymill.check.figure import Judge
from skymill.check.page import render
from skymill.release.blocks import Embedded
from skymill.release.sections import check


def figures(targets, value):
    judge = Judge(targets, "overlaps")
    return [
        judge("once", "single_master", "overlap", 0.999, 500),
        judge("once", "single_master", "<one> tile", value, 900),
        judge.absent("n_det", "single_master", "overlap"),
    ]


def test_a_figure_that_fails_stands_out(targets):
    page = render("Mini & micro", figures(targets, 0.5), targets)
    assert "1 of 3 figures miss their target." in page
    assert "Mini &amp; micro" in page
    assert "&lt;one&gt; tile" in page
    assert page.count('class="bad"') == 3  # at the top, the worst place, and among every place
    assert page.index("what misses its target") < page.index("overlaps")
    assert "share of sources listed exactly once" in page


def test_a_release_that_passes_says_so(targets):
    page = render("Mini", figures(targets, 1.0), targets)
    assert "All 3 figures meet their targets." in page
    assert 'class="bad"' not in page


def test_the_report_has_a_place_for_it_where_there_is_truth():
    release = {"name": "mini"}
    assert check.show(SimpleNamespace(settings={"release": release})) == []
    simulated = SimpleNamespace(settings={"release": release, "simulate": {}})
    (section,) = check.show(simulated)
    (block,) = section.blocks
    assert isinstance(block, Embedded)
    assert "skymill check mini" in block.text
