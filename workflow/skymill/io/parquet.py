"""Parquet tables by schema, readable as VOParquet (IVOA note VOTable-in-Parquet 1.0).

A table's columns are declared once, in ``resources/tables/<table>.yaml``
(`config/schemas/table.yaml`): name, type, unit, UCD, meaning, and what their values may be. From it
come the metadata here, VOTables (`skymill.io.votable`), the checks of what is written
(`skymill.io.values`) and ``docs/columns.md``. In memory a table is an astropy `Table`; a null is
NaN in a float column and a masked value elsewhere.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import MaskedColumn, Table

from ..bits import LEGENDS
from ..errors import InputError
from ..paths import RESOURCES
from ..schema import read_yaml_text
from .atomic import replacing
from .provenance import Record
from .values import check_values, null_and_values

VOTABLE_TYPE = {
    "bool": "boolean",
    "int16": "short",
    "int32": "int",
    "int64": "long",
    "float32": "float",
    "float64": "double",
    "string": "char",
}


@dataclass(frozen=True)
class ColumnSchema:
    """One column.

    Attributes
    ----------
    name, type : str
        As in the file; the type is Arrow's.
    unit, ucd : str
        In the VO's syntax; '' if none.
    description : str
        Its meaning, with that of its bits.
    nullable : bool
        Whether a row may have no value.
    minimum, maximum : float, optional
        The range of its values, both ends included.
    bits : tuple of int
        The bits that a value may have; empty where it is no sum of bits.
    """

    name: str
    type: str
    unit: str
    ucd: str
    description: str
    nullable: bool = True
    minimum: float | None = None
    maximum: float | None = None
    bits: tuple[int, ...] = ()


@dataclass(frozen=True)
class TableSchema:
    """A table's name, meaning and columns, in order.

    In each row the columns of each of `ascending` don't descend.
    """

    name: str
    description: str
    columns: tuple[ColumnSchema, ...]
    ascending: tuple[tuple[str, ...], ...] = ()

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [column.name for column in self.columns]

    def empty(self) -> Table:
        """A table of this schema without rows."""
        return Table({c.name: np.empty(0, _numpy_type(c.type)) for c in self.columns})


def _numpy_type(name: str) -> np.dtype:
    return np.dtype(object if name == "string" else name)


@cache
def table_schema(name: str, bands: tuple[str, ...] = ()) -> TableSchema:
    """Read a table's schema from ``resources/tables``.

    Parameters
    ----------
    name : str
        The table, such as ``single``.
    bands : tuple of str
        Bands over which columns named with ``{band}`` are repeated (in lower case), a block of
        columns per band; ``{Band}`` in a meaning becomes the band itself.
    """
    content = read_yaml_text((RESOURCES / "tables" / f"{name}.yaml").read_text())
    columns: list[ColumnSchema] = []
    pending: list[dict] = []

    def flush() -> None:
        for band in bands:
            columns.extend(_column(entry, band) for entry in pending)
        pending.clear()

    for entry in content["columns"]:
        if "{band}" in entry["name"]:
            pending.append(entry)
        else:
            flush()
            columns.append(_column(entry, ""))
    flush()
    ascending = tuple(
        tuple(column.replace("{band}", band.lower()) for column in names)
        for names in content.get("ascending", ())
        for band in (bands if "{band}" in names[0] else ("",))
    )
    return TableSchema(name, content["description"].strip(), tuple(columns), ascending)


def _column(entry: dict, band: str) -> ColumnSchema:
    meaning = LEGENDS[entry["bits"]] if "bits" in entry else {}
    legend = "; ".join(f"{int(bit)} {text}" for bit, text in meaning.items())
    return ColumnSchema(
        entry["name"].replace("{band}", band.lower()),
        entry["type"],
        entry.get("unit", ""),
        entry.get("ucd", "").replace("{Band}", band),
        ": ".join(filter(None, (entry["description"].replace("{Band}", band), legend))),
        entry.get("nullable", True),
        entry.get("minimum"),
        entry.get("maximum"),
        tuple(int(bit) for bit in meaning),
    )


def to_arrow(table: Table, schema: TableSchema) -> pa.Table:
    """Convert a table, which must have exactly the schema's columns, to Arrow in its order.

    Raises
    ------
    ValueError
        If a column is missing or isn't in the schema: a mistake of the calling code.
    """
    _check_names(table, schema)
    fields, arrays = [], []
    for column in schema.columns:
        null, values = null_and_values(table[column.name], column.type)
        type_ = pa.string() if column.type == "string" else pa.from_numpy_dtype(column.type)
        if column.type == "string":
            values = np.array([str(v) for v in values], dtype=object)
        else:
            values = np.ascontiguousarray(values, dtype=column.type)
        arrays.append(pa.array(values, type=type_, mask=null))
        metadata = {"unit": column.unit, "ucd": column.ucd, "description": column.description}
        fields.append(
            pa.field(column.name, type_, metadata={k: v for k, v in metadata.items() if v})
        )
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _votable(schema: TableSchema) -> str:
    """A VOTable without DATA that describes the columns."""
    fields = []
    for column in schema.columns:
        unit = f" unit={quoteattr(column.unit)}" if column.unit else ""
        ucd = f" ucd={quoteattr(column.ucd)}" if column.ucd else ""
        array = ' arraysize="64*"' if column.type == "string" else ""
        fields.append(
            f"<FIELD ID={quoteattr(column.name)} name={quoteattr(column.name)} "
            f'datatype="{VOTABLE_TYPE[column.type]}"{array}{unit}{ucd}>'
            f"<DESCRIPTION>{_text(column.description)}</DESCRIPTION>{_range(column)}</FIELD>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f"<RESOURCE><TABLE name={quoteattr(schema.name)}>"
        f"<DESCRIPTION>{_text(schema.description)}</DESCRIPTION>"
        + "".join(fields)
        + "</TABLE></RESOURCE></VOTABLE>"
    )


def _check_names(table: Table, schema: TableSchema) -> None:
    if set(table.colnames) != set(schema.names):
        missing = sorted(set(schema.names) - set(table.colnames))
        extra = sorted(set(table.colnames) - set(schema.names))
        raise ValueError(f"table {schema.name}: columns missing {missing}, unknown {extra}")


def _range(column: ColumnSchema) -> str:
    """A VOTable's VALUES: the ends of the column's range, if it has any."""
    ends = (("MIN", column.minimum), ("MAX", column.maximum))
    told = "".join(f'<{tag} value="{end:g}"/>' for tag, end in ends if end is not None)
    return f"<VALUES>{told}</VALUES>" if told else ""


def _text(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def write_table(path: Path | str, table: Table, schema: TableSchema, record: Record) -> None:
    """Write a table as Parquet, with units, UCDs, meanings and provenance in its metadata.

    Parameters
    ----------
    path : Path or str
        The product; written whole or not at all.
    table : Table
        Exactly the schema's columns, in any order; rows are written as they come.
    schema : TableSchema
        The columns' declaration.
    record : Record
        Provenance; the product is noted in it.

    Raises
    ------
    ValueError
        If a column is missing or isn't in the schema: a mistake of the calling code.
    DataError
        If a value isn't what the schema says (`skymill.io.values.check_values`).
    """
    _check_names(table, schema)
    check_values(table, schema)
    arrow = to_arrow(table, schema).replace_schema_metadata(vo_metadata(schema, record))
    write_arrow(path, arrow, record)


def vo_metadata(schema: TableSchema, record: Record) -> dict[str, str]:
    """The file metadata of a table: its VOTable description and its provenance."""
    return {
        "IVOA.VOTable-Parquet.version": "1.0",
        "IVOA.VOTable-Parquet.content": _votable(schema),
        **{f"skymill.{key}": value for key, value in record.items()},
    }


def write_arrow(path: Path | str, arrow: pa.Table, record: Record) -> None:
    """Write an Arrow table, metadata and all, in Skymill's Parquet settings.

    zstd 3 with byte-stream-split floats writes four times faster than Parquet's defaults, and
    smaller; dictionaries pay off on flags only.
    """
    floats = [f.name for f in arrow.schema if pa.types.is_floating(f.type)]
    dictionary = [
        f.name
        for f in arrow.schema
        if pa.types.is_string(f.type) or pa.types.is_int16(f.type) or pa.types.is_boolean(f.type)
    ]
    digest = hashlib.sha256()
    for name, column in zip(arrow.column_names, arrow.columns, strict=True):
        digest.update(name.encode())
        digest.update(repr(column.type).encode())
        _hash_column(digest, column)
    with replacing(path) as temporary:
        pq.write_table(
            arrow,
            temporary,
            compression="zstd",
            compression_level=3,
            use_dictionary=dictionary,
            use_byte_stream_split=floats,
            store_schema=True,
        )
    record.wrote(path, digest.hexdigest())


def _hash_column(digest: "hashlib._Hash", column: pa.ChunkedArray) -> None:
    """Feed a column's values and nulls into a hash, whatever its chunks and padding."""
    digest.update(np.ascontiguousarray(column.is_null().to_numpy()).data)
    if pa.types.is_string(column.type):
        digest.update("\0".join(str(v) for v in column.to_pylist()).encode())
    elif pa.types.is_boolean(column.type):
        digest.update(column.fill_null(False).to_numpy().astype(np.int8).data)
    else:
        digest.update(np.ascontiguousarray(column.fill_null(0).to_numpy()).data)


def read_table(path: Path | str, columns: Sequence[str] | None = None) -> Table:
    """Read a Parquet table.

    Parameters
    ----------
    path : Path or str
        The file.
    columns : sequence of str, optional
        The columns to read; all of them by default.

    Returns
    -------
    Table
        Floats with NaN for null; other columns masked where null; strings as objects; units in
        each column's ``unit``.

    Raises
    ------
    InputError
        If the file is missing, isn't Parquet, or lacks a column.
    """
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        wanted = list(columns) if columns is not None else names
        missing = [name for name in wanted if name not in names]
        if missing:
            raise InputError(f"{path}: expected the columns {missing}; it has {names}.")
        return from_arrow(file.read(columns=wanted))
    except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
        raise InputError(f"{path}: expected a Parquet file ({error}).") from error


def read_fact(path: Path | str, name: str) -> str:
    """A fact of a table's provenance (`skymill.io.provenance.Record.items`); empty without it.

    Raises
    ------
    InputError
        If the file is missing or isn't Parquet.
    """
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path}: expected a Parquet file ({error}).") from error
    return metadata.get(f"skymill.{name}".encode(), b"").decode()


def from_arrow(arrow: pa.Table) -> Table:
    """An Arrow table as `read_table` gives it."""
    return Table({name: _from_arrow(arrow, name) for name in arrow.column_names})


def _from_arrow(arrow: pa.Table, name: str) -> MaskedColumn | np.ndarray:
    column = arrow[name]
    if pa.types.is_floating(column.type):
        return np.array(column.to_numpy())
    null = column.is_null().to_numpy()
    if pa.types.is_string(column.type):
        values = np.array(column.fill_null("").to_pylist(), dtype=object)
    elif pa.types.is_boolean(column.type):
        values = np.array(column.fill_null(False).to_numpy(), dtype=bool)
    else:
        values = np.array(column.fill_null(0).to_numpy())
    return MaskedColumn(values, mask=null) if null.any() else values
