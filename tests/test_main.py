"""The command line: help with an example for every step, one message for every error."""

import subprocess
import sys

import pytest

from skymill import pin
from skymill.__main__ import ROOMS, main, parser
from skymill.paths import ROOT


@pytest.mark.parametrize("room", ROOMS)
def test_every_step_has_help_with_an_example(room):
    rooms = next(a for a in parser(room)._actions if a.dest == "room")
    steps = next(a for a in rooms.choices[room]._actions if a.dest == "step")
    assert steps.choices
    for name, step in steps.choices.items():
        assert f"example: skymill {room} {name} " in step.format_help()


@pytest.mark.parametrize(("arguments", "shown"), [([], "calibrations"), (["frames"], "calibrate")])
def test_without_a_step_the_choices_are_shown(capsys, arguments, shown):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 0
    assert shown in capsys.readouterr().out


def test_an_error_is_one_message_and_exit_code_1(capsys, tmp_path):
    missing = str(tmp_path / "none.yaml")
    assert main(["release", "summary", "--config", missing]) == 1
    error = capsys.readouterr().err
    assert error.startswith("skymill: ")
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_a_command_pins_itself():
    code = (
        "import sys; sys.argv = ['skymill', '--version']\n"
        "from skymill import pin\n"
        "pin.os.execv = lambda *a: print('again', pin.is_pinned())\n"
        "pin.ensure()"
    )
    bare = {"PATH": "/usr/bin", "PYTHONPATH": str(ROOT / "workflow")}
    run = [sys.executable, "-c", code]
    assert subprocess.run(run, env=bare, capture_output=True, text=True).stdout == "again True\n"
    pinned = bare | pin.PIN
    assert subprocess.run(run, env=pinned, capture_output=True, text=True).stdout == ""


@pytest.mark.parametrize(("room", "loads"), [("frames", False), ("plan", True)])
def test_a_step_does_not_load_pandas(room, loads):
    code = (
        f"import runpy, sys; sys.argv = ['skymill', '{room}', '--help']\n"
        "try: runpy.run_module('skymill', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "import pyarrow\n"
        "print(pyarrow.array([1]).to_numpy(), 'pandas' in sys.modules)"
    )
    where = {"PATH": "/usr/bin", "PYTHONPATH": str(ROOT / "workflow")} | pin.PIN
    run = subprocess.run([sys.executable, "-c", code], env=where, capture_output=True, text=True)
    assert run.stdout.endswith(f"[1] {loads}\n")
