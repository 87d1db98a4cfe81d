"""The ADQL query for a survey's rows in a cell."""

import re
from collections.abc import Sequence

from . import region
from .catalogues import wanted_columns
from .survey import Survey

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def expression(survey: Survey, key: str, name: str) -> str:
    """A column in ADQL; a name that isn't an identifier is delimited, as ``"r'mag"``."""
    given = survey.tap.columns.get(key) if survey.tap else None
    return given or (name if PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"')


def cell_query(survey: Survey, catalogue: str, bands: Sequence[str], cell: int, order: int) -> str:
    """All rows in a cell and, as its region is a little larger, some around it.

    Parameters
    ----------
    survey : Survey
        One with a TAP service.
    catalogue : str
        The project's catalogue that the rows are for.
    bands : sequence of str
        Bands of the release.
    cell, order : int
        HEALPix cell (nested).
    """
    wanted = wanted_columns(survey, catalogue, bands)
    columns = {key: expression(survey, key, value.names[0]) for key, value in wanted.items()}
    return (
        f"SELECT {', '.join(columns.values())} FROM {survey.tap.table} "
        f"WHERE 1 = CONTAINS(POINT('ICRS', {columns['ra']}, {columns['dec']}), "
        f"{region.adql(cell, order, survey.tap.region)})"
    )
