"""Parquet: metadata, columns, rows."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InputError
from .arrays import compare_arrays
from .difference import Difference
from .fits import row


def compare_parquet(a: Path, b: Path) -> list[Difference]:
    """Where two Parquet files differ; their order of rows counts.

    Raises
    ------
    InputError
        If one can't be read.
    """
    tables = [_read(path) for path in (a, b)]
    return [*_metadata("", *(t.schema.metadata or {} for t in tables)), *_columns(*tables)]


def _read(path: Path) -> pa.Table:
    try:
        # HATS catalogues have files of metadata alone, which name rows that lie elsewhere.
        if path.name.startswith("_"):
            return pq.read_schema(path).empty_table()
        return pq.ParquetFile(path).read()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path}: expected a Parquet file ({error}).") from error


def _metadata(where: str, a: dict[bytes, bytes], b: dict[bytes, bytes]) -> Iterator[Difference]:
    for key in sorted(a.keys() | b.keys()):
        one, other = (x[key].decode(errors="replace") if key in x else None for x in (a, b))
        if one != other:
            yield Difference(f"{where}metadata {key.decode(errors='replace')}", one, other)


def _columns(a: pa.Table, b: pa.Table) -> Iterator[Difference]:
    if a.column_names != b.column_names:
        yield Difference("columns", ", ".join(a.column_names), ", ".join(b.column_names))
    if a.num_rows != b.num_rows:
        yield Difference("number of rows", a.num_rows, b.num_rows)
    for name in (n for n in a.column_names if n in b.column_names):
        fields = a.schema.field(name), b.schema.field(name)
        yield from _metadata(f"column {name}, ", *(f.metadata or {} for f in fields))
        if fields[0].type != fields[1].type:
            yield Difference(f"column {name}, type", str(fields[0].type), str(fields[1].type))
        elif a.num_rows == b.num_rows:
            yield from _values(f"column {name}", a[name], b[name])


def _values(where: str, a: pa.ChunkedArray, b: pa.ChunkedArray) -> Iterator[Difference]:
    nulls = a.is_null().to_numpy(), b.is_null().to_numpy()
    found = compare_arrays(f"{where}, nulls", *nulls, row)
    if found or a.null_count == len(a):
        yield from found
        return
    if pa.types.is_floating(a.type):
        arrays = [x.to_numpy() for x in (a, b)]
    else:
        arrays = [np.array(x.to_pylist(), dtype=object) for x in (a, b)]
    yield from compare_arrays(where, *arrays, row)
