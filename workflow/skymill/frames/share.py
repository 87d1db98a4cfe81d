"""Take a frame over from an earlier release, where it is the one this release would make."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from ..command import add_step
from ..errors import InputError

SAME = ("exposure", "site", "run", "tile", "band", "mjd", "exptime")
"""What a verdict says of its exposure, and the exposure table too."""


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step to the room's parser."""
    parser = add_step(
        steps,
        "share",
        run,
        "take a frame over from an earlier release, checked, as links",
        "--exposure kmtc.20250920.061021 --earlier results/dr1 --folder results/dr2",
    )
    parser.add_argument("--exposure", required=True, help="as the exposure table names it")
    parser.add_argument("--earlier", type=Path, required=True, help="the earlier release's folder")
    parser.add_argument("--folder", type=Path, required=True, help="the later release's folder")


def run(options: argparse.Namespace) -> None:
    """Check the receipts and the files; link the files, copy the receipts."""
    from ..config import load_config
    from ..io.atomic import write_bytes
    from ..io.json import read_json
    from ..io.link import write_link
    from ..tree import Tree
    from .pixels import find_row
    from .shared import steps_of

    config = load_config(options.config)
    row = find_row(config["tables"]["exposures"], "exposures", options.exposure)
    receipts = {}
    for step, settings in steps_of(config).items():
        name = f"run/receipts/frames_{step}/{options.exposure}.json"
        receipts[name] = read_json(options.earlier / name)
        check_receipt(options.earlier / name, receipts[name], settings)
    last = list(receipts.values())[-1]
    names = [f"frames/{options.exposure}.{suffix}" for suffix in Tree.of(config).frame_suffixes]
    for name in names:
        check_product(options.earlier / name, last["outputs"].get(name, {}))
    check_row(options.earlier / names[-1], read_json(options.earlier / names[-1]), row)
    check_raw(options.earlier, next(iter(receipts.values()))["inputs"], row)
    for name in names:
        write_link(options.folder / name, options.earlier / name)
    for name in receipts:
        write_bytes(options.folder / name, (options.earlier / name).read_bytes())


def check_receipt(path: Path, receipt: Mapping, settings: Mapping) -> None:
    """InputError if a step ran with other settings or another version of the software."""
    from ..io.provenance import SOFTWARE, settings_hash

    wanted = {"settings": settings_hash(settings), "software": SOFTWARE}
    for key, value in wanted.items():
        if receipt.get(key) != value:
            raise refusal(path, key, value, receipt.get(key))


def check_product(path: Path, facts: Mapping) -> None:
    """InputError if a file isn't the one that its receipt names."""
    from ..io.provenance import file_sha256

    found = file_sha256(path)
    if found != facts.get("sha256"):
        raise refusal(path, "SHA-256", facts.get("sha256"), found)


def check_row(path: Path, verdict: Mapping, row: Mapping) -> None:
    """InputError if the table says something else of the exposure than it said then."""
    for key in SAME:
        if verdict.get(key) != row[key]:
            raise refusal(path, key, row[key], verdict.get(key))


def check_raw(earlier: Path, inputs: Mapping[str, str], row: Mapping) -> None:
    """InputError if the table gives a checksum, and the frame was made from another file."""
    used = [sha256 for name, sha256 in inputs.items() if Path(name).name == Path(row["path"]).name]
    if row["sha256"] and row["sha256"] not in used:
        raise refusal(earlier / row["path"], "SHA-256", row["sha256"], ", ".join(used) or None)


def refusal(path: Path, what: str, expected: object, got: object) -> InputError:
    """The error of a frame that isn't the one this release would make."""
    return InputError(
        f"{path}: {what}: expected {expected}, got {got}; so this frame can't be taken over. "
        "Leave build.frames_from out to make all frames anew, or mend what differs."
    )
