"""A step's code version changes with the code that the step reaches, and with nothing else."""

import argparse
import re
from pathlib import Path

import pytest

from skymill.__main__ import parser
from skymill.code_version import Code
from skymill.errors import ConfigError
from skymill.paths import RESOURCES, ROOT

RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))
SOURCES = {
    "pin.py": "PIN = {'a': '1'}\n",
    "schema.py": "def check(value):\n    return value\n",
    "table.py": "import numpy as np\n\nSCALE = 2\n\n\ndef write(x):\n    return x * SCALE\n\n\n"
    "def read(x):\n    return x\n",
    "room/__init__.py": '"""A room."""\n',
    "room/commands.py": "from ..command import add_step\n\n\n"
    "def register(steps):\n"
    '    add_step(steps, "first", run_first, "the first step")\n'
    '    add_step(steps, "second", run_second, "the second step")\n\n\n'
    "def run_first(options):\n"
    '    """Run."""\n'
    "    from .. import schema\n"
    "    from ..table import write as write_table\n"
    '    write_table(schema.check(table_schema("one")))\n\n\n'
    "def run_second(options):\n"
    "    from ..table import read\n"
    '    load(MODELS / "net.yaml")\n'
    '    read(table_schema(f"two_{options.mode}"))\n',
    "command.py": "def add_step(*words):\n    pass\n",
}


@pytest.fixture
def package(tmp_path: Path):
    """A small package of two steps; a function that edits it and says whose version changed."""
    folder, tables = tmp_path / "skymill", tmp_path / "tables"
    for name, text in SOURCES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    tables.mkdir()
    for name in ("one", "two_a", "two_b"):
        (tables / f"{name}.yaml").write_text(name)
    (tmp_path / "stellarity").mkdir()
    (tmp_path / "stellarity/net.yaml").write_text("weights")

    def versions() -> dict[str, str]:
        return {step: Code(folder, tables).version(f"room {step}") for step in ("first", "second")}

    def changed(name: str, old: str, new: str) -> list[str]:
        before, path = versions(), tmp_path / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        after = versions()
        return [step for step in before if before[step] != after[step]]

    return changed


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("skymill/table.py", "SCALE = 2", "SCALE = 3", ["first"]),
        (
            "skymill/table.py",
            "def read(x):\n    return x",
            "def read(x):\n    return 1",
            ["second"],
        ),
        ("skymill/table.py", "def read(x):\n", "def read(x):\n    # why\n\n    'What.'\n", []),
        ("skymill/table.py", "x * SCALE", "(x\n  *SCALE)", []),
        (
            "skymill/table.py",
            "import numpy as np\n",
            "np.seterr(all='raise')\n",
            ["first", "second"],
        ),
        ("skymill/room/commands.py", '"""Run."""', '"""Runs."""', []),
        ("skymill/room/commands.py", "the first step", "a step", []),
        ("skymill/room/commands.py", "import schema\n", "import schema, table\n", ["first"]),
        ("skymill/schema.py", "return value", "return +value", []),
        ("skymill/pin.py", "'1'", "'2'", ["first", "second"]),
        ("tables/one.yaml", "one", "another", ["first"]),
        ("stellarity/net.yaml", "weights", "others", ["second"]),
        ("tables/two_b.yaml", "two_b", "another", ["second"]),
    ],
)
def test_what_changes_a_version(package, name, old, new, expected):
    assert package(name, old, new) == expected


def test_versions_of_several_steps_together():
    code = Code(ROOT / "workflow/skymill", RESOURCES / "tables")
    assert (
        len({code.version(*c) for c in (["sky cell"], ["sky hips"], ["sky cell", "sky hips"])}) == 3
    )


def test_an_unknown_step_is_named():
    code = Code(ROOT / "workflow/skymill", RESOURCES / "tables")
    with pytest.raises(ConfigError, match="frames polish: expected a step of the room"):
        code.version("frames polish")


def test_a_module_of_the_step_counts_and_another_room_s_does_not():
    code = Code(ROOT / "workflow/skymill", RESOURCES / "tables")
    modules = {module for module, _ in code.reached([code.start("frames", "pixels")])}
    assert {"skymill.frames.sharpness", "skymill.frames.radon", "skymill.io.fits"} <= modules
    assert not {m for m in modules if m.startswith(("skymill.sky", "skymill.masters"))}


def steps_of(room: str) -> dict[str, argparse.ArgumentParser]:
    """Step → its parser, as the command line has them."""
    rooms = parser(room)._subparsers._group_actions[0].choices
    return rooms[room]._subparsers._group_actions[0].choices


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_every_rule_has_the_version_of_its_own_commands(path):
    """And each is that of the function which the command line calls."""
    code = Code(ROOT / "workflow/skymill", RESOURCES / "tables")
    for rule in re.split(r"(?m)^(?= *rule \w+:)", path.read_text())[1:]:
        commands = re.findall(r"python -m skymill (\w+ \w+)", rule)
        named = re.findall(r" code=code\(([^)]*)\)", rule)
        assert [re.findall(r'"([^"]*)"', words) for words in named] == [commands]
        for room, step in (command.split() for command in commands):
            function = steps_of(room)[step].get_default("run")
            assert code.start(room, step) == (function.__module__, function.__name__)
