"""Write under a temporary name, then rename: a product is whole or absent."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import owner
from ..errors import InputError


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    Parameters
    ----------
    path : Path or str
        The final path; its folder is made if missing.

    Yields
    ------
    Path
        A path in the same folder, unique to this process; removed if the block raises.

    Raises
    ------
    InputError
        If the folder can't be written (read-only, disk full, no permission).
    OwnerError
        If this is a job whose run has ended while another took over (`skymill.owner`).
    """
    path = Path(path)
    temporary = owner.temporary_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        owner.check()
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: can't be written ({error.strerror or error}); "
            "check the folder's permissions and the free space, then run again."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
