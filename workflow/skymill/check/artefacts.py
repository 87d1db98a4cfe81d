"""Satellites' trails in the catalogues; what of the spoilt pixels is flagged, and what more."""

from collections.abc import Iterable, Mapping

import numpy as np

from .exposure import TrueExposure
from .false_detections import explained, true_light
from .figure import Figure, Judge
from .matching import nearest_row
from .survey import Survey


def trail_figures(
    judge: Judge, survey: Survey, frames: Mapping[str, Mapping], masters: Mapping[str, Mapping]
) -> list[Figure]:
    """The share of the detections on trails that the masters flag or don't list.

    A detection on a trail is a row, of a frame or of the master itself, on the trail's pixels that
    no true source explains.

    Parameters
    ----------
    judge : Judge
    survey : Survey
    frames, masters : mapping
    """
    found = []
    for name, master in masters.items():
        handled = [np.zeros(0, bool)]
        for exposure in survey.truth.good():
            if any("satellite" in chip.artefacts for chip in exposure.chips.values()):
                frame = frames.get(exposure.name)
                handled.append(_handled(survey, exposure, frame, master))
        found.append(judge.share("trails", name, "", np.concatenate(handled)))
    return found


def _handled(
    survey: Survey, exposure: TrueExposure, frame: Mapping | None, master: Mapping
) -> np.ndarray:
    """For each detection on an exposure's trails: flagged there, or unlisted, or flagged here."""
    band, radius = exposure.band.lower(), survey.samples["match"]
    plain = master[f"imaflags_iso_{band}"] == 0  # NaN, not detected in the band, isn't plain
    ours = plain & on_trail(exposure, master["ra"], master["dec"], survey.samples["trail"])
    light = true_light(survey, exposure.band)
    mag = master[f"mag_aper5_{band}"]
    ours &= ~explained(master["ra"], master["dec"], mag, *light, survey.samples)
    left = master["ra"][ours], master["dec"][ours]
    if frame is None:
        return np.zeros(ours.sum(), bool)
    theirs = on_trail(exposure, frame["ra"], frame["dec"], survey.samples["trail"])
    seen = survey.seen[exposure.name]
    light = seen.ra, seen.dec, seen.mag
    place = frame["ra"], frame["dec"], frame["mag_aper5"]
    theirs &= ~explained(*place, *light, survey.samples)
    there = frame["ra"][theirs], frame["dec"][theirs]
    flagged = frame["imaflags_iso"][theirs] != 0
    kept = nearest_row(*there, *left, radius) >= 0
    again = nearest_row(*left, *there, radius) >= 0
    return np.concatenate([flagged | ~kept, np.zeros(np.count_nonzero(~again), bool)])


def on_trail(exposure: TrueExposure, ra: np.ndarray, dec: np.ndarray, radius: float) -> np.ndarray:
    """Which positions lie within a distance (arcsec) of a satellite's pixels."""
    place = exposure.place(ra, dec)
    return exposure.artefact_distance(place, ("satellite",), radius + 1) <= radius


KINDS = {"full_flagged": ("saturation", "bleed"), "trails_flagged": ("satellite",)}
"""Quantity → the artefacts whose pixels it counts."""


def mask_figures(
    judge: Judge, survey: Survey, masks: Iterable[tuple[str, Mapping[str, np.ndarray]]]
) -> list[Figure]:
    """Pixels flagged over pixels spoilt; the share flagged of full pixels, and of trails'.

    All good exposures together, dead amplifiers aside.

    A satellite's pixels count as spoilt where they are flagged: else trails that nothing flags
    would make room for flags elsewhere.

    Parameters
    ----------
    judge : Judge
    survey : Survey
    masks : iterable of (exposure, {chip: mask})
    """
    flagged = spoilt = 0
    caught: dict[str, list[np.ndarray]] = {quantity: [np.zeros(0, bool)] for quantity in KINDS}
    for name, chips in masks:
        if name in survey.seen:
            exposure = survey.seen[name].exposure
            for chip, mask in chips.items():
                more, true = chip_area(exposure, chip, mask)
                flagged, spoilt = flagged + more, spoilt + true
                for quantity, kinds in KINDS.items():
                    caught[quantity].append(chip_caught(exposure, chip, mask, kinds))
    shares = [judge.share(q, "frames", "", np.concatenate(each)) for q, each in caught.items()]
    if spoilt == 0:
        return [judge.absent("flagged_area", "frames", ""), *shares]
    return [judge("flagged_area", "frames", "", flagged / spoilt, spoilt), *shares]


def chip_caught(
    exposure: TrueExposure, chip: str, mask: np.ndarray, kinds: Iterable[str]
) -> np.ndarray:
    """Whether each pixel of some kinds of artefacts is flagged, dead amplifiers aside."""
    true = exposure.chips[chip]
    found = [true.artefacts[kind] for kind in kinds if kind in true.artefacts]
    x, y = np.concatenate([np.empty((0, 2), int), *found]).T
    return mask[y, x][~true.dead_pixels()[y, x]] != 0


def chip_area(exposure: TrueExposure, chip: str, mask: np.ndarray) -> tuple[int, int]:
    """Pixels flagged and pixels spoilt on one chip."""
    true = exposure.chips[chip]
    spoilt = np.zeros(true.shape, bool)
    for kind, pixels in true.artefacts.items():
        if kind != "satellite":
            spoilt[pixels[:, 1], pixels[:, 0]] = True
    counted, flags = ~true.dead_pixels(), mask != 0
    trail = true.artefacts.get("satellite", np.empty((0, 2), int))
    touched = trail[flags[trail[:, 1], trail[:, 0]]]
    spoilt[touched[:, 1], touched[:, 0]] = True
    return int((flags & counted).sum()), int((spoilt & counted).sum())
