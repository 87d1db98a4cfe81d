"""The command line: ``skymill <room> <step> …``, the same line that the workflow's rules call."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

from . import __version__, pin
from .errors import SkymillError
from .kernels import cache_elsewhere

ROOMS = {
    "simulate": "a survey with known truth",
    "references": "external catalogues → local cells, checksummed",
    "calibrations": "calibration frames → master bias, dark, flat, defects, crosstalk, slopes",
    "frames": "raw exposure → calibrated frame, mask, catalogue, verdict",
    "tiles": "frames → stack of a tile and band",
    "sources": "stacks → maps, homogenised stacks, tile catalogues",
    "masters": "tile catalogues → master catalogues",
    "sky": "stacks → HiPS, MOC, viewer",
    "release": "everything → archives, report, manifest",
}
"""The rooms, in the order of the data's road."""

COMMANDS = {
    "check": "a finished simulated release against its truth, figure by figure",
    "depth": "how deep a release is at a position, in every band",
    "diff": "where two releases, or two products, differ: file, card, pixel, row, parent",
    "export": "a table of a release as a VOTable, with units, UCDs and meanings",
    "maps": "a calibration map's value at a position, or for every row of a catalogue",
    "plan": "what a release costs before it is built: jobs, hours, memory, disk, longest path",
    "why": "what a product or a catalogue row was made from, back to the raw frames",
}
"""Commands beside the rooms: each adds its options to a parser of its own."""


class WithoutPandas:
    """An importer for which pandas can't be loaded: Arrow would do it, 0.3 s of each step's start,
    and no step uses it (`plan` does: Snakemake's plugins load it)."""

    @classmethod
    def find_spec(cls, name: str, *_: object) -> ModuleSpec | None:
        """Take pandas on, leave all else to the usual importers."""
        return ModuleSpec(name, cls) if name == "pandas" else None

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """Refuse."""
        raise ModuleNotFoundError("commands run without pandas", name=spec.name)

    @staticmethod
    def exec_module(module: object) -> None:
        """Never reached."""


def parser(room: str | None = None) -> argparse.ArgumentParser:
    """The argument parser; only the room asked for is imported, so a step starts fast."""
    top = argparse.ArgumentParser(
        prog="skymill",
        description="Mill raw frames of a wide-field survey into a published data release.",
        epilog="example: skymill frames pixels --help",
    )
    top.add_argument("--version", action="version", version=f"skymill {__version__}")
    rooms = top.add_subparsers(dest="room", metavar="room", required=True)
    for name, summary in COMMANDS.items():
        sub = rooms.add_parser(name, help=summary, description=summary)
        if name == room:
            importlib.import_module(f".{name}.commands", __package__).register(sub)
    for name, summary in ROOMS.items():
        sub = rooms.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=f"'skymill {name} STEP --help' shows a step's options and an example.",
        )
        if name == room:
            steps = sub.add_subparsers(dest="step", metavar="step", required=True)
            importlib.import_module(f".{name}.commands", __package__).register(steps)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error of the user's making is one message and exit code 1 (`diff`: 2)."""
    is_process = arguments is None
    if is_process:
        pin.ensure()
        cache_elsewhere(Path(__file__).parent)
        arguments = sys.argv[1:]
    room = next((word for word in arguments if not word.startswith("-")), None)
    if is_process and room in ROOMS:
        sys.meta_path.insert(0, WithoutPandas)
    if not arguments or (list(arguments) == [room] and room in ROOMS):
        arguments = [*arguments, "--help"]
    options = parser(room if room in ROOMS or room in COMMANDS else None).parse_args(arguments)
    try:
        return options.run(options) or 0
    except SkymillError as error:
        print(f"skymill: {error}", file=sys.stderr)
        return getattr(options, "error_code", 1)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
