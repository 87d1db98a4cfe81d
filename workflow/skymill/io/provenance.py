"""What made a product: the step, the software, the settings and the inputs.

Every command that writes products does so inside one `recording` block. Each product carries the
record in its own metadata where its format has a place for it, and the block ends by writing a
*receipt*: a JSON file with the checksums of what was written and the names of what was read, and
the environment that the command ran in. The release's manifest is assembled from the receipts; the
environment, a place on one machine, stays out of it.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .. import __version__, pin
from ..errors import InputError
from .atomic import write_bytes

SOFTWARE = f"skymill {__version__}"


HELD = {
    "results": (
        "calib", "frames", "stacks", "maps", "catalogs", "masters", "crossmatch", "hips", "moc",
        "completeness", "www", "archives", "report", "run", "manifest.json", "manifest.parquet",
    ),
    "data": ("raw", "reference", "truth"),
}  # fmt: skip
"""What a release's two trees hold: so a disk that is named data isn't taken for one of them."""


def logical_name(path: Path | str) -> str:
    """The name of a file inside a release, free of where the release lies.

    ``results/mini/frames/a.fits`` and ``/disk/results/dr1/frames/a.fits`` are both
    ``frames/a.fits``; ``data/mini/raw/a.fits`` is ``raw/a.fits``. A file that lies in neither
    tree (an archive's raw frame, say, or ``/data/me/skymill/resources/viewer/index.html``) is known
    by its own name.
    """
    parts = Path(path).parts
    roots = [
        at
        for at, part in enumerate(parts[:-2])
        if part in HELD and (at == 0 or parts[at + 2] in HELD[part])
    ]
    return "/".join(parts[roots[-1] + 2 :]) if roots else parts[-1]


def settings_hash(settings: Mapping) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a config section, whatever its order."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_sha256(path: Path | str) -> str:
    """The SHA-256 of a file, in hexadecimal.

    Raises
    ------
    InputError
        If the file can't be read.
    """
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}).") from error


@dataclass
class Record:
    """The provenance of what one command writes.

    Attributes
    ----------
    step : str
        Room and step, such as ``frames calibrate``.
    settings : str
        Hash of the config sections that the step reads (`settings_hash`).
    inputs : dict
        Logical name → SHA-256 of each file read.
    outputs : dict
        For each product written so far: logical name → path, size, sha256 and content hash.
    facts : dict
        Name → value of what else the products' metadata say, such as a trained model's version.
    """

    step: str
    settings: str
    inputs: dict[str, str]
    outputs: dict[str, dict] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def items(self) -> list[tuple[str, str]]:
        """Name and value of each fact, for formats that hold text metadata."""
        return [
            ("software", SOFTWARE),
            ("step", self.step),
            ("settings", self.settings),
            ("inputs", "\n".join(sorted(self.inputs))),
            *sorted(self.facts.items()),
        ]

    def cards(self) -> list[tuple[str, object, str]]:
        """The facts as FITS header cards."""
        cards: list[tuple[str, object, str]] = [
            ("SOFTWARE", SOFTWARE, "software that wrote this file"),
            ("STEP", self.step, "room and step that wrote this file"),
            ("CONFHASH", self.settings, "hash of the step's settings"),
            ("NINPUT", len(self.inputs), "number of input files"),
        ]
        cards += [(f"INP{i:05d}", name, "input") for i, name in enumerate(sorted(self.inputs), 1)]
        return cards

    def wrote(self, path: Path | str, content: str | None = None) -> None:
        """Note a product just written; `content` is a hash of its data alone, if there is one."""
        path = Path(path)
        sha256 = file_sha256(path)
        self.outputs[logical_name(path)] = {
            "size": path.stat().st_size,
            "sha256": sha256,
            "content": content or sha256,
        }


@contextmanager
def recording(
    step: str,
    settings: Mapping,
    inputs: Iterable[Path | str],
    receipt: Path | str | None,
) -> Iterator[Record]:
    """Open the record of one command; on success, write its receipt.

    Parameters
    ----------
    step : str
        Room and step, such as ``frames calibrate``.
    settings : Mapping
        The config sections that the step reads.
    inputs : iterable of Path or str
        The files it reads.
    receipt : Path or str or None
        Where the receipt goes; None (a run by hand) writes none.

    Yields
    ------
    Record
        To be given to every writer of `skymill.io`.
    """
    record = Record(
        step, settings_hash(settings), {logical_name(p): file_sha256(p) for p in inputs}
    )
    yield record
    if receipt is not None:
        write_bytes(
            receipt,
            json.dumps(
                {
                    "software": SOFTWARE,
                    "step": record.step,
                    "settings": record.settings,
                    "pinned": pin.is_pinned(),
                    "inputs": record.inputs,
                    "outputs": record.outputs,
                    "prefix": sys.prefix,
                },
                indent=1,
                sort_keys=True,
            ).encode(),
        )
