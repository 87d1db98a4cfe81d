"""From an archive's columns to the project's own table, by the survey's description.

The project's tables are declared in ``resources/tables/reference_<catalogue>.yaml``, the archives'
columns in ``resources/references/<survey>.yaml``. Rows without a position are left out; a magnitude
that a catalogue doesn't vouch for is null.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table

from ..errors import ConfigError, InputError
from ..io.parquet import TableSchema, table_schema
from . import transforms
from .columns import find, floats, integers, require
from .survey import Column, Survey, surveys_of
from .units import in_unit


def from_archive(
    catalogue: str,
    source: Table,
    bands: Sequence[str],
    path: Path | str,
    surveys: Sequence[Survey] = (),
) -> Table:
    """Bring a catalogue into the project's columns.

    Parameters
    ----------
    catalogue : str
        gaia, gaiaxp, apass, skymapper or pool.
    source : Table
        With the archive's names; a column's ``unit``, where it has one, is heeded.
    bands : sequence of str
        Bands of the release.
    path : Path or str
        The file, or what else the rows are known by, for messages.
    surveys : sequence of Survey, optional
        Whose columns it may have; by default any that serves the catalogue.

    Returns
    -------
    Table
        The columns of ``reference_<catalogue>``, in the order of the source.

    Raises
    ------
    ConfigError
        If the catalogue is unknown.
    InputError
        If a column is missing or holds something else, has an unknown unit, or a position is
        impossible.
    """
    survey = fitting(source, surveys or surveys_of(catalogue), catalogue, bands)[0]
    wanted = wanted_columns(survey, catalogue, bands)
    names = require(source, [column.names for column in wanted.values()], path)
    try:
        table = _table(source, survey, dict(zip(wanted, names, strict=True)), catalogue, bands)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return _with_positions(table, path)


def fitting(
    source: Table, surveys: Sequence[Survey], catalogue: str, bands: Sequence[str]
) -> list[Survey]:
    """The surveys whose columns a table has, those of most columns; if none, the likeliest alone.

    Several have the same columns where releases of one survey follow each other, and in the pool,
    where positions suffice.
    """
    lacking: dict[str, int] = {}
    having: dict[str, int] = {}
    for survey in surveys:
        wanted = wanted_columns(survey, catalogue, bands).values()
        found = [find(source, column.names) is not None for column in wanted]
        having[survey.name], lacking[survey.name] = sum(found), len(found) - sum(found)
    whole = [survey for survey in surveys if not lacking[survey.name]]
    most = max((having[survey.name] for survey in whole), default=0)
    likeliest = max(surveys, key=lambda s: (having[s.name], -lacking[s.name]))
    return [survey for survey in whole if having[survey.name] == most] or [likeliest]


def wanted_columns(survey: Survey, catalogue: str, bands: Sequence[str]) -> dict[str, Column]:
    """The archive's columns that a catalogue needs: by the project's name, or filter and kind.

    Parameters
    ----------
    survey : Survey
    catalogue : str
    bands : sequence of str
        Bands of the release; only their filters are needed.

    Returns
    -------
    dict of str to Column
        Without optional ones, and without a foreign identifier (`_identifiers`).
    """
    if catalogue not in survey.catalogues:
        raise ConfigError(
            f"survey {survey.name} doesn't serve {catalogue}; it serves "
            f"{', '.join(survey.catalogues)}."
        )
    schema = _schema(catalogue, bands)
    columns = {name: value for name, value in survey.columns.items() if name in schema.names}
    if not _is_own(survey, catalogue):
        columns.pop("source_id", None)
    columns = {name: value for name, value in columns.items() if not value.optional}
    if not _is_own(survey, catalogue):
        return columns
    for name in _filters(survey, bands):
        for kind, column in survey.filters[name].columns.items():
            columns[f"{name}.{kind}"] = column
    return columns


def _schema(catalogue: str, bands: Sequence[str]) -> TableSchema:
    return table_schema(f"reference_{catalogue}", tuple(bands))


def _is_own(survey: Survey, catalogue: str) -> bool:
    """Whether the catalogue is the survey's own, its identifiers and magnitudes included."""
    return survey.catalogues[0] == catalogue


def _filters(survey: Survey, bands: Sequence[str]) -> list[str]:
    relations = [survey.bands[band] for band in bands if band in survey.bands]
    return list(dict.fromkeys(name for relation in relations for name in relation.filters))


def _table(
    source: Table,
    survey: Survey,
    found: Mapping[str, str],
    catalogue: str,
    bands: Sequence[str],
) -> Table:
    """The project's columns from the archive's (`found`: wanted column → its name there)."""
    own = _is_own(survey, catalogue)
    columns = {
        key: in_unit(floats(source, name), source, name, survey.columns[key].unit)
        for key, name in found.items()
        if key in survey.columns and key != "source_id"
    }
    columns["source_id"] = _identifiers(source, survey if own else None, columns)
    schema = _schema(catalogue, bands)
    if any(name.startswith("mag_") for name in schema.names):
        known = _magnitudes(source, survey, found, bands) if own else {}
        columns |= _magnitude_columns(known, bands, len(source))
    return Table({name: columns[name] for name in schema.names})


def _identifiers(
    source: Table, survey: Survey | None, columns: Mapping[str, np.ndarray]
) -> np.ndarray:
    """The archive's identifiers; where it has none, or several archives meet, the position's.

    The position's is its HEALPix pixel of order 29 (0.4 mas), −1 where there is no position.
    """
    declared = survey.columns.get("source_id") if survey else None
    name = find(source, declared.names) if declared else None
    if name:
        return integers(source, name)
    from ..geometry import cells_of_positions

    ra, dec = columns["ra"], columns["dec"]
    placed = np.isfinite(ra) & (np.abs(dec) <= 90)
    result = np.full(ra.size, -1, dtype=np.int64)
    result[placed] = cells_of_positions(ra[placed], dec[placed], 29)
    return result


def _magnitudes(
    source: Table, survey: Survey, found: Mapping[str, str], bands: Sequence[str]
) -> transforms.Bands:
    """Magnitudes in the reference system, by band."""
    mag, error = {}, {}
    for name in _filters(survey, bands):
        declared = survey.filters[name]
        values = {
            kind: in_unit(floats(source, column), source, column, declared.columns[kind].unit)
            for kind in declared.columns
            if (column := found[f"{name}.{kind}"])
        }
        mag[name] = values["mag"]
        if "flag" in values:
            mag[name] = np.where(values["flag"] == declared.good, mag[name], np.nan)
        error[name] = _error(values)
    relations = {band: survey.bands[band] for band in bands if band in survey.bands}
    return transforms.to_reference(relations, mag, error)


def _error(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """A magnitude's error: the archive's, or from its flux and the flux's error."""
    if "error" in values:
        return values["error"]
    with np.errstate(divide="ignore", invalid="ignore"):
        return 2.5 / np.log(10) * values["flux_error"] / values["flux"]


def _magnitude_columns(
    magnitudes: transforms.Bands, bands: Sequence[str], rows: int
) -> dict[str, np.ndarray]:
    """``mag_<band>`` and ``magerr_<band>``, both null unless both are known.

    APASS gives an error of 0 to stars seen once: their magnitude isn't vouched for.
    """
    nothing = np.full(rows, np.nan)
    columns = {}
    for band in bands:
        mag, error = magnitudes.get(band, (nothing, nothing))
        known = np.isfinite(mag) & np.isfinite(error) & (error > 0)
        columns[f"mag_{band.lower()}"] = np.where(known, mag, np.nan)
        columns[f"magerr_{band.lower()}"] = np.where(known, error, np.nan)
    return columns


def _with_positions(table: Table, path: Path | str) -> Table:
    """Without the rows that have no position.

    Raises
    ------
    InputError
        If a position isn't on the sky.
    """
    ra, dec = np.asarray(table["ra"]), np.asarray(table["dec"])
    placed = np.isfinite(ra) & np.isfinite(dec)
    wrong = placed & ((ra < 0) | (ra > 360) | (np.abs(dec) > 90))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{path}: row {row + 1}: position ({ra[row]}, {dec[row]}); expected degrees, "
            "0 to 360 and −90 to 90."
        )
    return table[placed]
