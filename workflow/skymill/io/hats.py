"""The files that describe a HATS catalogue as a whole: text, and Parquet metadata without rows."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InputError
from .atomic import replacing, write_bytes
from .parquet import TableSchema, to_arrow, vo_metadata
from .provenance import Record


def read_footer(path: Path | str) -> pq.FileMetaData:
    """The Parquet metadata of a file: its schema and row groups.

    Raises
    ------
    InputError
        If the file is missing or isn't Parquet.
    """
    try:
        return pq.ParquetFile(path).metadata
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path}: expected a Parquet file ({error}).") from error


def write_footers(
    folder: Path | str,
    schema: TableSchema,
    footers: Sequence[tuple[str, pq.FileMetaData]],
    record: Record,
) -> None:
    """Write ``_common_metadata`` (the columns) and ``_metadata`` (and all row groups).

    Parameters
    ----------
    folder : Path or str
        The catalogue's ``dataset`` folder.
    schema : TableSchema
        The columns of every file.
    footers : sequence of (str, FileMetaData)
        Path relative to `folder` and metadata of each file, in the order to be listed.
    record : Record
        Provenance; both files are noted in it.

    Raises
    ------
    InputError
        If a file's columns aren't the schema's.
    """
    arrow = to_arrow(schema.empty(), schema).schema
    collected = []
    for name, footer in footers:
        if not footer.schema.to_arrow_schema().equals(arrow):
            raise InputError(
                f"{Path(folder) / name}: expected the columns of table {schema.name}, "
                f"got {footer.schema.names}; make the file again with this version."
            )
        footer.set_file_path(name)
        collected.append(footer)
    arrow = arrow.with_metadata(vo_metadata(schema, record))
    for name, files in (("_common_metadata", None), ("_metadata", collected)):
        path = Path(folder) / name
        with replacing(path) as temporary:
            pq.write_metadata(arrow, temporary, metadata_collector=files)
        record.wrote(path)


def write_text(path: Path | str, text: str, record: Record) -> None:
    """Write a text file, whole or not at all, and note it."""
    write_bytes(path, text.encode())
    record.wrote(path)
