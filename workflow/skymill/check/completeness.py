"""What is found of what is there, and what is lost for being taken as spurious."""

from collections.abc import Mapping

import numpy as np

from .figure import Figure, Judge
from .matching import at_rows, nearest_row
from .survey import Survey

AT_REST = ("star", "variable", "galaxy")
COUNT_RADIUS = 30.0
"""Arcsec, of SSCOUNT_30 (Paper III, §3.2.1)."""


def visible(survey: Survey, name: str) -> np.ndarray:
    """Sources well inside a live part of an exposure, clean and above the noise."""
    seen, samples = survey.seen[name], survey.samples
    chosen = seen.place.live & (seen.place.edge > samples["margin"])
    chosen &= seen.artefact > samples["aperture"]
    with np.errstate(invalid="ignore"):
        return chosen & (seen.error(samples["aperture"]) < 1 / samples["snr"])


def master_figures(judge: Judge, survey: Survey, masters: Mapping[str, Mapping]) -> list[Figure]:
    """Completeness of the masters per band and tile: a row, and a magnitude in that band.

    idual_master holds what the detection band shows, so the source must exceed the limit there too.

    Parameters
    ----------
    judge : Judge
    survey : Survey
    masters : mapping
        Catalogue → its columns.
    """
    found = []
    for name, master in masters.items():
        row = nearest_row(*survey.position, master["ra"], master["dec"], survey.samples["match"])
        for tile, band in survey.stacks:
            chosen = expected_in(survey, name, tile, band)
            measured = np.isfinite(at_rows(master[f"mag_auto_{band.lower()}"], row))
            found.append(judge.share("complete", name, f"{band} {tile}", measured[chosen]))
    return found


def expected_in(survey: Survey, catalogue: str, tile: str, band: str) -> np.ndarray:
    """Isolated clean sources that a master must list in a band, of one tile."""
    limit, first = survey.samples["snr"], survey.truth.detection_band
    chosen = survey.kind(*AT_REST) & (survey.snr(tile, band) >= limit)
    needed = {band, first} if catalogue == "idual_master" else {band}
    for each in sorted(needed):
        chosen &= survey.alone[each] & survey.clean(each, survey.samples["aperture"])
        chosen &= survey.snr(tile, each) >= limit
        chosen &= survey.stacks[tile, each].within(survey.samples["margin"])
    return chosen


def lost_figures(
    judge: Judge, survey: Survey, masters: Mapping[str, Mapping], detections: Mapping
) -> list[Figure]:
    """Variables, galaxies and asteroids that were taken as spurious.

    The release doesn't list what it removes, but its rows count what was removed within 30″ of
    them. So a variable or galaxy above the limit that a master doesn't list counts as lost if the
    row nearest to its place says so; and so does an asteroid above the limit on a frame that
    ``detections`` doesn't list.

    Parameters
    ----------
    judge : Judge
    survey : Survey
    masters : mapping
    detections : mapping
        Columns of table ``detections``.
    """
    found = []
    for name, master in masters.items():
        row = nearest_row(*survey.position, master["ra"], master["dec"], survey.samples["match"])
        bands = survey.truth.bands if name == "single_master" else (survey.truth.detection_band,)
        chosen, removed = np.zeros(row.size, bool), np.zeros(row.size, bool)
        for band in bands:
            removed |= _removed_near(survey, master, band)
            for tile in survey.truth.tiles:
                chosen |= expected_in(survey, name, tile, band)
        for kind in ("variable", "galaxy"):
            lost = (row < 0) & removed
            found.append(judge.share("lost", name, kind, lost[chosen & survey.kind(kind)]))
    found.append(judge.share("lost", "detections", "asteroid", _asteroids(survey, detections)))
    return found


def _removed_near(survey: Survey, master: Mapping, band: str) -> np.ndarray:
    """Whether the row nearest to each source within 30″ counts removed sources around it."""
    row = nearest_row(*survey.position, master["ra"], master["dec"], COUNT_RADIUS)
    return at_rows(master[f"sscount_30_{band.lower()}"], row) > 0


def _asteroids(survey: Survey, detections: Mapping) -> np.ndarray:
    """Whether each asteroid that stands alone on an exposure is missing from its detections."""
    missing = []
    for name, seen in survey.seen.items():
        alone = ~_crowded(survey, name)
        rows = np.flatnonzero(survey.truth.moving() & visible(survey, name) & alone)
        mine = detections["exposure"] == name
        place = detections["ra"][mine], detections["dec"][mine]
        found = nearest_row(seen.ra[rows], seen.dec[rows], *place, survey.samples["crowd"])
        missing.append(found < 0)
    return np.concatenate(missing) if missing else np.zeros(0, bool)


def _crowded(survey: Survey, name: str) -> np.ndarray:
    """Which asteroids pass a source that isn't much fainter, in an exposure."""
    from .seen import isolated

    seen, samples = survey.seen[name], survey.samples
    crowded = np.zeros(seen.mag.size, bool)
    limits = samples["isolation"], samples["isolation_fainter"]
    moving = survey.truth.moving()
    close = moving | (seen.place.chip >= 0)
    crowded[close] = ~isolated(seen.ra[close], seen.dec[close], seen.mag[close], *limits)
    return crowded & moving
