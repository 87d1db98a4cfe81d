"""Bring a column into the unit that its survey declares."""

import numpy as np
from astropy import units as u
from astropy.table import Table

from ..errors import InputError

SPELLINGS = {"degree": "deg", "degrees": "deg", "magnitude": "mag", "mas/year": "mas/yr"}
"""What archives write for units that have another name."""


def factor(found: object, wanted: str, column: str) -> float:
    """By what the values of a column are multiplied to be in the unit wanted.

    Parameters
    ----------
    found : object
        The unit as the file or the service gives it; None or '' if it gives none, as a CSV file:
        the unit wanted is then taken for granted.
    wanted : str
        The unit declared for the survey; '' if it doesn't matter.
    column : str
        For the message.

    Raises
    ------
    InputError
        If the unit is unknown or is one of something else.
    """
    text = str(found or "").strip()
    if not wanted or not text:
        return 1.0
    # magnitudes say their system in many ways: mag(AB), mag(Vega)
    if wanted == "mag" and text.lower().partition("(")[0] == "mag":
        return 1.0
    try:
        return float(u.Unit(SPELLINGS.get(text.lower(), text)).to(u.Unit(wanted)))
    except (ValueError, TypeError, u.UnitConversionError) as error:
        raise InputError(
            f"column {column}: unit {text!r}; expected {wanted} or a unit that converts to it."
        ) from error


def in_unit(values: np.ndarray, table: Table, name: str, wanted: str) -> np.ndarray:
    """Values of a table's column in the unit wanted; see `factor`."""
    scale = factor(getattr(table[name], "unit", None), wanted, name)
    return values if scale == 1.0 else values * scale
