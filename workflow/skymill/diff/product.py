"""Two products: equal byte for byte, or where they differ."""

from pathlib import Path

from ..errors import InputError
from ..io.provenance import file_sha256
from .difference import Difference


def compare_products(a: Path, b: Path) -> list[Difference]:
    """Where two files differ; empty if they are equal, byte for byte.

    Raises
    ------
    InputError
        If one is missing, or isn't what its name says.
    """
    for path in (a, b):
        if not path.is_file():
            raise InputError(f"{path}: no such file; expected a product to compare.")
    if file_sha256(a) == file_sha256(b):
        return []
    found = [*_compare(a, b)]
    if not found:
        byte = compare_whole(a, b)
        found = [Difference(**vars(byte) | {"where": f"content equal; {byte.where}"})]
    return found


def compare_whole(a: Path, b: Path) -> Difference:
    """The first byte that differs."""
    from .plain import compare_bytes

    return compare_bytes(a, b)


def _compare(a: Path, b: Path) -> list[Difference]:
    """By format; empty if their contents are equal."""
    from .plain import compare_json, compare_npy, compare_png, compare_text

    suffix, other = kind(a), kind(b)
    if suffix != other:
        return [Difference("format", suffix, other)]
    if suffix == "fits":
        from .fits import compare_fits

        return compare_fits(a, b)
    if suffix == "parquet":
        from .parquet import compare_parquet

        return compare_parquet(a, b)
    if suffix == "tar":
        from .tar import compare_tar

        return compare_tar(a, b, compare_products)
    plain = {"json": compare_json, "npy": compare_npy, "png": compare_png}
    return plain.get(suffix, compare_text)(a, b)


def kind(path: Path) -> str:
    """A file's format, by its name: fits, parquet, tar, json, npy, png, or the suffix itself."""
    if path.name in ("_metadata", "_common_metadata"):
        return "parquet"
    if path.name.endswith((".tar", ".tar.gz", ".tgz")):
        return "tar"
    return path.suffix.removeprefix(".")
