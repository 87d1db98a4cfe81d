"""Whether the reference catalogues reach the field at all."""

from collections.abc import Mapping

import numpy as np
from astropy.table import Table

from ..geometry import separation
from .astrometry import Astrometry
from .measured_chip import MeasuredChip
from .tpv import sky_of_pixels


def unreached(
    chips: Mapping[str, MeasuredChip], solution: Astrometry, catalogues: Mapping[str, Table]
) -> list[str]:
    """Name the catalogues without a star on the field.

    Without one nothing can be matched, and an exposure fails for figures that couldn't be
    measured; the cause belongs in its verdict.

    Parameters
    ----------
    chips : Mapping
        Chip → its measurement.
    solution : Astrometry
        Where the chips lie; about the header's pointing where the field wasn't recognised.
    catalogues : Mapping
        What a catalogue is for → its ``ra``, ``dec``, degrees.

    Returns
    -------
    list of str
        A sentence for each of them; empty if all have stars within the circle around the chips.
    """
    centre, radius = (0.0, 0.0), 0.0
    for name, chip in chips.items():
        cards = solution.chips[name].cards
        ny, nx = chip.chip.shape
        corners = np.array([0, nx - 1, 0, nx - 1]), np.array([0, 0, ny - 1, ny - 1])
        centre = cards["CRVAL1"], cards["CRVAL2"]  # all chips share one tangent point
        radius = max(radius, float(separation(*sky_of_pixels(cards, *corners), *centre).max()))
    within = f"within {radius / 3600:.2g} deg"
    return [
        f"no star of the {purpose} catalogue {within}: it doesn't reach the field"
        for purpose, table in catalogues.items()
        if not (separation(table["ra"], table["dec"], *centre) <= radius).any()
    ]
