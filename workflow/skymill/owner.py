"""Which run builds a release: one at a time, and a job whose run has ended writes nothing more.

A run (one Snakemake) holds the kernel's lock on ``results/<release>/run/owner`` while it lives and
writes a token of its own into it. The kernel drops the lock when the process ends, however it ends,
so a killed run leaves nothing that must be unlocked. Its jobs may outlive it, on this machine or on
a cluster's nodes: each carries its run's token and compares it with the file's before a product
gets its name (`skymill.io.atomic`).
"""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import socket
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from .errors import InputError, OwnerError

FILE, TOKEN = "SKYMILL_OWNER", "SKYMILL_TOKEN"
"""Environment variables by which a job knows its run; absent where a command is run by hand."""

RUNNING, SUCCEEDED, FAILED = "running", "succeeded", "failed"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PART = re.compile(r"\..+\.[0-9a-z]+\.\d+\.part")
"""Names of temporary files, as `temporary_name` makes them."""

_held: dict[str, int] = {}  # owner file → descriptor; closing it would give the lock back


@dataclass(frozen=True)
class Owner:
    """What the file says, a line each."""

    token: str
    state: str
    host: str
    boot: str
    pid: str

    @property
    def on_this_machine(self) -> bool:
        """Whether this kernel's locks tell if it lives: same boot, or same host booted anew."""
        return self.boot == _boot_id() or self.host == socket.gethostname()


def claim(path: Path | str, folders: Iterable[Path | str]) -> None:
    """Make this process, for as long as it lives, the one that builds a release.

    Its jobs inherit the token through the environment. What a run that didn't succeed left under
    temporary names is removed.

    Parameters
    ----------
    path : Path or str
        The release's owner file.
    folders : iterable of Path or str
        Where the release's files lie.

    Raises
    ------
    OwnerError
        If another run builds the release, or may do so on a machine that can't be asked.
    InputError
        If the file can't be written.
    """
    descriptor = _open(path)
    locked, before = _lock(descriptor), _read(descriptor)
    running = before is not None and before.state == RUNNING
    who = f"process {before.pid} on {before.host}" if before else "another process"
    if locked is False:
        raise OwnerError(f"{path}: {who} builds this release; wait for it, or stop it.")
    if running and not (locked and before.on_this_machine):
        raise OwnerError(
            f"{path}: {who} began to build this release and can't be asked from here; if it's "
            "dead, remove the file and run again."
        )
    own = Owner(secrets.token_hex(8), RUNNING, socket.gethostname(), _boot_id(), str(os.getpid()))
    with _one_message(path):
        _write(descriptor, own)
    _held[str(path)] = descriptor
    os.environ.update({FILE: str(Path(path).absolute()), TOKEN: own.token})
    if before is not None and before.state != SUCCEEDED:
        for part in leftovers(folders):
            with contextlib.suppress(FileNotFoundError):
                part.unlink()


def release(path: Path | str, state: str) -> None:
    """Note how the run ended (`SUCCEEDED` or `FAILED`) and let others build the release."""
    descriptor = _held.pop(str(path), None)
    if descriptor is None:
        return
    own = _read(descriptor)
    if own is not None:
        _write(descriptor, Owner(own.token, state, own.host, own.boot, own.pid))
    os.close(descriptor)


def is_busy(path: Path | str) -> bool:
    """Whether another process holds the release."""
    if str(path) in _held or not Path(path).exists():
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return _lock(descriptor) is False
    finally:
        os.close(descriptor)


def check() -> None:
    """Whether the run that started this job still builds the release.

    Raises
    ------
    OwnerError
        If another run has taken over since.
    """
    path, token = os.environ.get(FILE), os.environ.get(TOKEN)
    if not path or not token:
        return
    try:
        with Path(path).open() as stream:
            found = stream.readline().strip()
    except FileNotFoundError:
        return
    if found != token:
        raise OwnerError(
            f"{path}: the run that started this job has ended and another builds the release now; "
            "this job stops and writes nothing."
        )


def temporary_name(path: Path) -> Path:
    """The name under which this process writes `path`: unique among runs, machines, processes."""
    token = os.environ.get(TOKEN) or "0"
    return path.with_name(f".{path.name}.{token}.{os.getpid()}.part")


def leftovers(folders: Iterable[Path | str]) -> Iterator[Path]:
    """Temporary files in folders and below."""
    for folder in folders:
        for parent, _, names in os.walk(folder):
            yield from (Path(parent, name) for name in names if PART.fullmatch(name))


def _open(path: Path | str) -> int:
    with _one_message(path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


@contextlib.contextmanager
def _one_message(path: Path | str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path}: can't be written ({error.strerror}); "
            "check the folder's permissions and the free space, then run again."
        ) from error


def _lock(descriptor: int) -> bool | None:
    """True: locked; False: another process has it; None: this file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True


def _read(descriptor: int) -> Owner | None:
    lines = os.pread(descriptor, 4096, 0).decode(errors="replace").split("\n")
    return Owner(*lines[:5]) if len(lines) >= 6 else None


def _write(descriptor: int, owner: Owner) -> None:
    # In place, for the lock is the file's; the token comes first and has always the same length.
    content = "".join(f"{value}\n" for value in astuple(owner)).encode()
    os.pwrite(descriptor, content, 0)
    os.ftruncate(descriptor, len(content))
    os.fsync(descriptor)


def _boot_id() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""
