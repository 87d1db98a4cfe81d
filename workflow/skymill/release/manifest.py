"""The manifest: what a release consists of, and what each file was made from.

Every command has noted in a receipt what it read and wrote. Put together, the receipts are a graph
from the raw frames to the archives. The manifest keeps the files that last; an intermediate file
(under ``run/``) is replaced, as a parent, by its own parents, so that a stack's parents are its
frames, and a frame's parents are its raw file, its masters and the reference cells it was
calibrated with.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..errors import InputError

DATA_FOLDERS = ("raw", "reference", "truth")
"""The folders of a release's data tree: what lies there went into the release."""
INTERMEDIATE = "run/"
WORK = "run/work/"


@dataclass(frozen=True)
class Receipt:
    """What one command read and wrote.

    Attributes
    ----------
    source : str
        The receipt's file, for messages.
    step, settings, software : str
        Room and step, hash of their settings, name and version of the software.
    inputs : Mapping of str to str
        Logical name → SHA-256.
    outputs : Mapping of str to Mapping
        Logical name → size, sha256, content.
    pinned : bool
        Whether it ran under the pin (`skymill.pin`).
    """

    source: str
    step: str
    settings: str
    software: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, Mapping]
    pinned: bool


@dataclass
class Entry:
    """A file of the release: a row of the manifest."""

    path: str
    kind: str
    sha256: str
    content: str
    size: int | None = None
    step: str = ""
    settings: str = ""
    software: str = ""
    parents: list[str] = field(default_factory=list)


def receipt_from(content: Mapping, source: str) -> Receipt:
    """Check the content of a receipt's file.

    Raises
    ------
    InputError
        If a key is missing or has another type.
    """
    try:
        return Receipt(
            source,
            str(content["step"]),
            str(content["settings"]),
            str(content["software"]),
            {str(name): str(sha) for name, sha in content["inputs"].items()},
            {
                str(name): {
                    "size": int(facts["size"]),
                    "sha256": str(facts["sha256"]),
                    "content": str(facts["content"]),
                }
                for name, facts in content["outputs"].items()
            },
            content["pinned"] is True,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"{source}: isn't a receipt ({error!r}); expected step, settings, software, pinned, "
            "inputs and outputs. Remove it and run the workflow again."
        ) from error


def is_intermediate(path: str) -> bool:
    """Whether a logical name is that of a file which doesn't last."""
    return path.startswith(INTERMEDIATE)


def producers(receipts: Iterable[Receipt]) -> dict[str, Receipt]:
    """Logical name → the receipt of the command that wrote it.

    Raises
    ------
    InputError
        If two commands wrote the same file with different content.
    """
    found: dict[str, Receipt] = {}
    for receipt in receipts:
        for path, facts in receipt.outputs.items():
            other = found.setdefault(path, receipt)
            if other.outputs[path]["sha256"] != facts["sha256"]:
                raise InputError(
                    f"{path}: written twice, with different content: by '{other.step}' "
                    f"({other.source}) and by '{receipt.step}' ({receipt.source}). "
                    "Remove both receipts and run the workflow again."
                )
    return found


def check_inputs(receipts: Iterable[Receipt], made: Mapping[str, Receipt]) -> dict[str, str]:
    """Check that every file was read as it was written; give the hashes of the release's inputs.

    Returns
    -------
    dict of str to str
        Logical name → SHA-256 of each file that no command of the workflow wrote.

    Raises
    ------
    InputError
        If a file changed after it was read, or was read in two versions, or if nobody noted how an
        intermediate file came to be.
    """
    given: dict[str, tuple[str, Receipt]] = {}
    for receipt in receipts:
        for path, sha256 in receipt.inputs.items():
            if path in made:
                writer = made[path]
                if writer.outputs[path]["sha256"] != sha256:
                    raise InputError(
                        f"{path}: '{receipt.step}' ({receipt.source}) read another version than "
                        f"'{writer.step}' ({writer.source}) wrote last: the file was changed since "
                        "then, or what was made of it is out of date. Remove the file and both "
                        "receipts and run the workflow again."
                    )
            elif path.startswith(WORK):
                raise InputError(
                    f"{path}: read by '{receipt.step}' ({receipt.source}), but no receipt says "
                    "how it was made; the step that wrote it has to record it."
                )
            elif not is_intermediate(path):
                first, other = given.setdefault(path, (sha256, receipt))
                if first != sha256:
                    raise InputError(
                        f"{path}: '{other.step}' ({other.source}) and '{receipt.step}' "
                        f"({receipt.source}) read files of this name with different content. Give "
                        "each input a name of its own; if it changed meanwhile, remove both "
                        "receipts and run the workflow again."
                    )
    return {path: sha256 for path, (sha256, _) in given.items()}


def lasting_parents(receipt: Receipt, made: Mapping[str, Receipt]) -> list[str]:
    """What a command's products were made from, back to files that last; sorted.

    Parameters
    ----------
    receipt : Receipt
        The command's receipt.
    made : Mapping of str to Receipt
        The producer of each file.
    """
    parents: set[str] = set()
    seen: set[str] = set()
    pending = list(receipt.inputs)
    while pending:
        path = pending.pop()
        if not is_intermediate(path):
            parents.add(path)
        elif path in made and path not in seen:
            seen.add(path)
            pending.extend(made[path].inputs)
    return sorted(parents)


def assemble(receipts: Iterable[Receipt]) -> list[Entry]:
    """The manifest's entries, sorted by path, from the receipts of the whole release.

    Products keep the size that their receipt states; the size of an input that no command of the
    workflow wrote is None.

    Raises
    ------
    InputError
        If the receipts contradict each other (`producers`, `check_inputs`).
    """
    receipts = list(receipts)
    made = producers(receipts)
    entries = [
        Entry(path, "input", sha256, sha256)
        for path, sha256 in check_inputs(receipts, made).items()
    ]
    parents: dict[str, list[str]] = {}
    for path, receipt in made.items():
        if is_intermediate(path):
            continue
        if receipt.source not in parents:
            parents[receipt.source] = lasting_parents(receipt, made)
        facts = receipt.outputs[path]
        entries.append(
            Entry(
                path,
                "input" if path.split("/")[0] in DATA_FOLDERS else "product",
                facts["sha256"],
                facts["content"],
                facts["size"],
                receipt.step,
                receipt.settings,
                receipt.software,
                parents[receipt.source],
            )
        )
    return sorted(entries, key=lambda entry: entry.path)


def unpinned(receipts: Iterable[Receipt]) -> dict[str, int]:
    """Step → how many of its commands ran unpinned; only where there are any."""
    return dict(Counter(sorted(receipt.step for receipt in receipts if not receipt.pinned)))


def root_hash(files: Iterable[tuple[str, str]]) -> str:
    """One hash for a whole release: the SHA-256 of the sorted lines ``<sha256>  <path>``.

    The lines are those of the ``sha256sum`` tool, so
    ``sha256sum <products> | LC_ALL=C sort | sha256sum`` gives the same.

    Parameters
    ----------
    files : iterable of (str, str)
        SHA-256 and path of each product, in any order.
    """
    lines = sorted(f"{sha256}  {path}\n".encode() for sha256, path in files)
    return hashlib.sha256(b"".join(lines)).hexdigest()


def rooms(entries: Iterable[Entry]) -> dict[str, dict[str, int]]:
    """Room → number and bytes of its products."""
    counts: dict[str, dict[str, int]] = {}
    for entry in entries:
        if entry.kind == "product":
            room = counts.setdefault(entry.step.split(" ")[0], {"files": 0, "bytes": 0})
            room["files"] += 1
            room["bytes"] += entry.size or 0
    return counts
