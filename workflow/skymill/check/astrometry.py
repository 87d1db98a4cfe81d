"""Positions: frames against truth, masters against Gaia DR3."""

from collections.abc import Mapping

import numpy as np

from ..geometry import offsets
from ..release.astrometry import REACH, Offsets
from ..simulate.proper_motion import epoch_of
from .figure import Figure, Judge
from .matching import nearest_row
from .survey import Survey


def frame_figures(judge: Judge, survey: Survey, frames: Mapping[str, Mapping]) -> list[Figure]:
    """The rms of each good exposure on each axis: unsaturated, isolated, clean stars.

    Parameters
    ----------
    judge : Judge
    survey : Survey
    frames : mapping
        Exposure → columns of table ``frame``. One that is missing is screening's affair.
    """
    found = []
    for name, seen in survey.seen.items():
        if name not in frames:
            continue
        use = astrometric_stars(survey, name)
        rows = nearest_row(
            seen.ra[use], seen.dec[use], frames[name]["ra"], frames[name]["dec"],
            judge.samples["match"],
        )  # fmt: skip
        use, rows = use[rows >= 0], rows[rows >= 0]
        place = frames[name]["ra"][rows], frames[name]["dec"][rows]
        for axis, off in zip(
            ("ra", "dec"), offsets(*place, seen.ra[use], seen.dec[use]), strict=True
        ):
            rms = np.sqrt(np.mean(off**2)) if off.size else np.nan
            where = f"{seen.exposure.band} {name}"
            found.append(judge(f"rms_{axis}", "frames", where, rms, off.size))
    return found


def astrometric_stars(survey: Survey, name: str) -> np.ndarray:
    """Rows of the truth: stars well above an exposure's noise, isolated, single, unspoilt."""
    seen, samples = survey.seen[name], survey.samples
    chosen = survey.kind("star", "variable") & survey.single[seen.exposure.band]
    chosen &= seen.place.live & (seen.place.edge > samples["margin"])
    chosen &= seen.artefact > samples["aperture"]
    with np.errstate(invalid="ignore"):
        chosen &= seen.error(samples["aperture"]) < 1 / samples["astrometric_snr"]
    return np.flatnonzero(chosen)


def master_figures(
    judge: Judge, masters: Mapping[str, Mapping], gaia: Mapping, mjd: float
) -> list[Figure]:
    """Modal separation and mean offsets from Gaia.

    Parameters
    ----------
    judge : Judge
    masters : mapping
        Catalogue → its columns.
    gaia : mapping
        ``ra``, ``dec`` (degrees), ``pmra``, ``pmdec`` (mas/yr), ``ref_epoch`` (yr).
    mjd : float
        Mean epoch of the exposures.
    """
    years = epoch_of(mjd) - gaia["ref_epoch"]
    dec = gaia["dec"] + gaia["pmdec"] * years / 3.6e6
    ra = gaia["ra"] + gaia["pmra"] * years / 3.6e6 / np.cos(np.radians(dec))
    found = []
    for name, master in masters.items():
        rows = nearest_row(ra, dec, master["ra"], master["dec"], REACH)
        star, rows = np.flatnonzero(rows >= 0), rows[rows >= 0]
        off = offsets(master["ra"][rows], master["dec"][rows], ra[star], dec[star])
        counted = Offsets()
        counted.add(*off, np.hypot(*off))
        found.append(judge("modal_offset", name, "", counted.radial_mode(), rows.size))
        for axis, values in zip(("ra", "dec"), off, strict=True):
            mean = abs(np.mean(values)) if values.size else np.nan
            found.append(judge(f"mean_{axis}", name, "", mean, values.size))
    return found
