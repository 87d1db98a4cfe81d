"""All figures of a release, group by group, in the order of the data's road."""

from collections.abc import Callable, Mapping

from . import (
    artefacts,
    astrometry,
    completeness,
    coverage,
    depth,
    epochs,
    false_detections,
    identifiers,
    overlaps,
    photometry,
    screening,
)
from .figure import Figure, Judge
from .products import Products
from .survey import Survey
from .truth import Truth


def _astrometry(judge: Judge, survey: Survey, products: Products) -> list[Figure]:
    truth = survey.truth
    found = astrometry.frame_figures(judge, survey, products.frames)
    return found + astrometry.master_figures(
        judge, products.masters, products.gaia, truth.mean_mjd()
    )


def _photometry(judge: Judge, survey: Survey, products: Products) -> list[Figure]:
    scale = products.settings["tiles"]["pixel_scale"]
    found = photometry.frame_figures(judge, survey, products.frames, products.frame_calibrators)
    return found + photometry.master_figures(
        judge, survey, products.masters, products.map_calibrators, scale
    )


def _completeness(judge: Judge, survey: Survey, products: Products) -> list[Figure]:
    masters = products.masters
    found = completeness.master_figures(judge, survey, masters)
    return found + completeness.lost_figures(judge, survey, masters, products.detections)


def _false(judge: Judge, survey: Survey, products: Products) -> list[Figure]:
    found = false_detections.frame_figures(judge, survey, products.frames)
    return found + false_detections.master_figures(judge, survey, products.masters)


def _artefacts(judge: Judge, survey: Survey, products: Products) -> list[Figure]:
    found = artefacts.trail_figures(judge, survey, products.frames, products.masters)
    return found + artefacts.mask_figures(judge, survey, products.masks())


def _coverage(judge: Judge, survey: Survey, products: Products) -> list[Figure]:
    cells = products.coverage(judge.samples["moc_order"])
    found = coverage.moc_figures(judge, survey.truth, cells)
    return found + coverage.ndith_figures(judge, survey.truth, products.masters)


def _epochs(judge: Judge, survey: Survey, products: Products) -> list[Figure]:
    found = epochs.frame_figure(judge, survey.truth, products.verdicts)
    return found + epochs.master_figures(judge, survey.truth, products.masters)


GROUPS: dict[str, Callable[[Judge, Survey, Products], list[Figure]]] = {
    "screening": lambda judge, survey, p: screening.figures(judge, survey.truth, p.verdicts),
    "astrometry": _astrometry,
    "photometry": _photometry,
    "completeness": _completeness,
    "false_detections": _false,
    "overlaps": lambda judge, survey, p: overlaps.figures(judge, survey, p.masters),
    "artefacts": _artefacts,
    "depth": lambda judge, survey, p: depth.figures(judge, survey.truth, p.stacks),
    "coverage": _coverage,
    "epochs": _epochs,
    "identifiers": lambda judge, survey, p: identifiers.figures(judge, p.masters),
}
"""Group → what measures it."""


def measure(truth: Truth, products: Products, targets: Mapping) -> list[Figure]:
    """Every figure of a release.

    Parameters
    ----------
    truth : Truth
    products : Products
    targets : mapping
        As from `read_targets`.
    """
    survey = Survey(truth, targets["samples"])
    return [
        figure
        for group, run in GROUPS.items()
        for figure in run(Judge(targets, group), survey, products)
    ]
