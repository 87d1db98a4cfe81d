"""VOTables (IVOA, 1.4) of Parquet tables, with the units, UCDs and meanings that these carry.

Rows are written as BINARY2: a flag per null, then the numbers as they are. A quarter of the size of
decimals, and made by numpy all at once: 20,000 rows of Idual in 0.1 s, astropy's writer takes 19 s.
"""

import base64
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InputError
from .atomic import write_bytes
from .parquet import VOTABLE_TYPE

CONTENT = b"IVOA.VOTable-Parquet.content"
NAMESPACE = "http://www.ivoa.net/xml/VOTable/v1.3"
BINARY = {
    "boolean": "S1",
    "short": ">i2",
    "int": ">i4",
    "long": ">i8",
    "float": ">f4",
    "double": ">f8",
}
"""VOTable's types of fixed length, and numpy's."""


def export_votable(path: Path | str, out: Path | str) -> int:
    """Write a Parquet table of Skymill's as a VOTable.

    Parameters
    ----------
    path : Path or str
        The Parquet file.
    out : Path or str
        The VOTable; written whole or not at all.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    InputError
        If the file isn't Parquet, or doesn't describe its columns as VOParquet.
    """
    try:
        arrow = pq.read_table(path)
    except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
        raise InputError(f"{path}: expected a Parquet file ({error}).") from error
    if CONTENT not in (arrow.schema.metadata or {}):
        raise InputError(
            f"{path}: expected the metadata {CONTENT.decode()}, which describe the columns; "
            f"give a table that Skymill wrote."
        )
    write_bytes(out, votable(arrow))
    return len(arrow)


def votable(arrow: pa.Table) -> bytes:
    """A table as a VOTable.

    Parameters
    ----------
    arrow : pyarrow.Table
        With its VOTable description in the metadata (`skymill.io.parquet.vo_metadata`).

    Returns
    -------
    bytes
        XML in UTF-8.
    """
    ElementTree.register_namespace("", NAMESPACE)
    root = ElementTree.fromstring(arrow.schema.metadata[CONTENT])
    resource = _child(root, "RESOURCE")
    for n, (key, value) in enumerate(sorted(arrow.schema.metadata.items())):
        if key.startswith(b"skymill."):
            info = {"name": key.decode(), "value": value.decode()}
            resource.insert(n, ElementTree.Element(f"{{{NAMESPACE}}}INFO", info))
    table = _child(resource, "TABLE")
    fields = _fields(table, arrow.schema)
    columns = [_binary(arrow[field.get("name")], field) for field in fields]
    node = table
    for tag in ("DATA", "BINARY2"):
        node = ElementTree.SubElement(node, f"{{{NAMESPACE}}}{tag}")
    stream = ElementTree.SubElement(node, f"{{{NAMESPACE}}}STREAM", {"encoding": "base64"})
    stream.text = base64.b64encode(_rows(columns, len(arrow))).decode()
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _fields(table: ElementTree.Element, schema: pa.Schema) -> list[ElementTree.Element]:
    """The FIELDs of a TABLE, one for each column there is.

    What was left out of the table loses its FIELD; what was added (by ``skymill maps apply``) gets
    one.
    """
    tag = f"{{{NAMESPACE}}}FIELD"
    for field in table.findall(tag):
        if field.get("name") not in schema.names:
            table.remove(field)
    known = {field.get("name") for field in table.findall(tag)}
    for column in schema:
        if column.name not in known:
            told = {"ID": column.name, "name": column.name, "datatype": _datatype(column.type)}
            unit = (column.metadata or {}).get(b"unit", b"").decode()
            ElementTree.SubElement(table, tag, told | ({"unit": unit} if unit else {}))
    return table.findall(tag)


def _datatype(kind: pa.DataType) -> str:
    """VOTable's name of an Arrow type."""
    name = "string" if pa.types.is_string(kind) else np.dtype(kind.to_pandas_dtype()).name
    if name not in VOTABLE_TYPE:
        raise InputError(f"VOTable: expected columns of {', '.join(VOTABLE_TYPE)}, got {kind}.")
    return VOTABLE_TYPE[name]


def _child(node: ElementTree.Element, tag: str) -> ElementTree.Element:
    found = node.find(f"{{{NAMESPACE}}}{tag}")
    if found is None:
        raise InputError(f"VOTable in Parquet: expected a {tag} in {node.tag}.")
    return found


def _binary(column: pa.ChunkedArray, field: ElementTree.Element) -> tuple[np.ndarray, np.ndarray]:
    """Where a column is null, and its values as BINARY2 has them; text gets its longest length."""
    null = column.is_null().to_numpy()
    kind = field.get("datatype")
    if kind == "char":
        values = np.array([text.encode() for text in column.fill_null("").to_pylist()], "S")
        field.set("arraysize", str(values.dtype.itemsize))
    elif kind == "boolean":
        values = np.where(null, b"?", np.where(column.fill_null(False).to_numpy(), b"T", b"F"))
    elif pa.types.is_floating(column.type):
        values = column.to_numpy()
    else:
        values = column.fill_null(0).to_numpy()
    return null, values.astype(BINARY.get(kind, values.dtype))


def _rows(columns: list[tuple[np.ndarray, np.ndarray]], length: int) -> bytes:
    """The rows of a BINARY2 stream: flags of nulls, first column first, then the values."""
    flags = np.packbits(np.stack([null for null, _ in columns], axis=1), axis=1)
    names = [f"f{n}" for n in range(len(columns))]
    types = [(name, values.dtype) for name, (_, values) in zip(names, columns, strict=True)]
    rows = np.zeros(length, [("null", np.uint8, flags.shape[1:]), *types])
    rows["null"] = flags
    for name, (_, values) in zip(names, columns, strict=True):
        rows[name] = values
    return rows.tobytes()
