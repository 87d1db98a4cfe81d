"""What is true of an exposure, for tests and for `skymill check`; no step reads it."""

from collections.abc import Iterable, Mapping

import numpy as np
from astropy.table import Table

from .conditions import Conditions
from .detector import Detector, flat_response
from .plan import Exposure
from .readout import Pixels
from .source_light import true_wcs

KINDS = ("cosmic_ray", "crosstalk", "saturation", "bleed", "hot_column", "satellite")


def artefact_table(found: Iterable[tuple[str, Mapping[str, Pixels]]]) -> Table:
    """The pixels that artefacts touch, by chip and kind, in the columns of ``truth_artefacts``.

    Parameters
    ----------
    found : iterable of (chip, {kind: (y, x)})
    """
    chips, xs, ys, kinds = [], [], [], []
    for chip, artefacts in found:
        for kind in KINDS:
            y, x = artefacts.get(kind, (np.empty(0, int), np.empty(0, int)))
            chips.append(np.full(y.size, chip, object))
            kinds.append(np.full(y.size, kind, object))
            xs.append(x.astype(np.int16))
            ys.append(y.astype(np.int16))
    return Table(
        {
            "chip": np.concatenate(chips),
            "x": np.concatenate(xs),
            "y": np.concatenate(ys),
            "kind": np.concatenate(kinds),
        }
    )


def chip_truth(detector: Detector, now: Conditions, settings: Mapping) -> dict:
    """What is true of a chip in an exposure.

    ``zp`` is the magnitude (natural system) of one ADU at the amplifier's middle row, after a flat
    whose median over the chip's live amplifiers is 1; ``slope`` its change per pixel along y.
    """
    response = flat_response(detector, settings)
    response /= detector.column_values(detector.gains).astype(np.float32)
    if any(detector.dead):
        response = response[:, detector.column_values(detector.dead) == 0]
    flat_level = float(np.median(response, overwrite_input=True))
    amplifiers = {}
    for n, amplifier in enumerate(detector.chip.amplifiers):
        amplifiers[amplifier.name] = {
            "gain": detector.gains[n],
            "read_noise": detector.read_noises[n],
            "saturation": detector.saturations[n],
            "dead": detector.dead[n],
            "zp_electrons": now.zero_point + detector.offsets[n],
            "zp": now.zero_point + detector.offsets[n] + 2.5 * np.log10(flat_level),
            "slope": detector.slopes[n] / detector.chip.shape[0],
        }
    return {
        "wcs": true_wcs(detector, now),
        "adu_per_electron": flat_level,
        "crosstalk": detector.crosstalk.tolist(),
        "amplifiers": amplifiers,
    }


def exposure_truth(exposure: Exposure, now: Conditions, chips: Mapping[str, Mapping]) -> dict:
    """What is true of an exposure."""
    return {
        "exposure": exposure.name,
        "site": exposure.site,
        "tile": exposure.tile,
        "band": exposure.band,
        "mjd": exposure.mjd,
        "exptime": exposure.exptime,
        "status": now.status,
        "pointing": {"ra": now.ra, "dec": now.dec, "rotation": now.rotation},
        "seeing": now.seeing,
        "moffat_beta": now.psf.beta,
        "trail": list(now.trail),
        "zero_point": now.zero_point,
        "transparency": now.transparency,
        "color_term": now.color_term,
        "sky": now.sky,
        "satellites": [
            {"angle": angle, "offset": offset, "strength": strength}
            for angle, offset, strength in now.satellites
        ],
        "chips": dict(chips),
    }
