"""The machinery of the matrix: legs, table, exit code. The legs run in `make reproduce`."""

import importlib
import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.reproduce.__main__ import attempt, names, report
from tests.reproduce.legs import cpu, shuffled
from tests.reproduce.site import BuildError, Site


def leg(text: str = "", obstacle: str = "", error: Exception | None = None) -> SimpleNamespace:
    """A leg that writes manifests of some text."""

    def run(site: Site) -> Path:
        if error:
            raise error
        site.out.mkdir(parents=True)
        (site.out / "manifest.json").write_text(json.dumps({"root_hash": text}))
        (site.out / "manifest.parquet").write_text(text)
        return site.out

    return SimpleNamespace(SUMMARY="a leg", obstacle=lambda: obstacle, run=run)


@pytest.mark.parametrize(
    ("other", "code", "said"),
    [
        (leg("abc"), 0, "equal"),
        (leg("abd"), 1, "DIFFERS"),
        (leg(obstacle="needs root"), 1, "needs root"),
        (leg(error=BuildError("no space")), 1, "no space"),
    ],
)
def test_only_equal_legs_are_a_success(tmp_path, capfd, other, code, said):
    for name, one in {"one_core": leg("abc"), "other": other}.items():
        outcome = attempt(one, Site("micro", tmp_path / name))
        (tmp_path / f"{name}.json").write_text(json.dumps(outcome))
    assert report(tmp_path) == code
    assert said in next(line for line in capfd.readouterr().out.splitlines() if "other" in line)
    assert (tmp_path / "one_core").is_dir()


def test_nothing_built_is_no_success(tmp_path):
    assert report(tmp_path) == 1


def test_every_leg_says_what_is_other_and_what_it_needs():
    assert names()[0] == "one_core"
    for name in names():
        module = importlib.import_module(f"tests.reproduce.legs.{name}")
        assert module.SUMMARY
        assert isinstance(module.obstacle(), str)
        assert callable(module.run)


def test_the_chain_of_one_tile_and_band_goes_to_the_emulator(tmp_path):
    exposure, log = cpu.EXPOSURE["micro"], tmp_path / "log"
    facts = {"exposure": exposure, "band": "I", "qemu": "echo emulated", "python": "echo"}
    function = cpu.FUNCTION.format(cpu="Haswell", log=log, **facts)
    commands = {
        f"frames pixels --config c --exposure {exposure} --raw r": True,
        "frames pixels --config c --exposure another --raw r": False,
        "tiles combine --config c --tile t --band I --images i": True,
        "tiles combine --config c --tile t --band V --images i": False,
        "sources maps --config c --tile t --band I --mode single": True,
        "sources maps --config c --tile t --band V I --mode Idual": False,
        "sources finish --config c --tile t --bands V I": True,
        "masters idual --config c": False,
    }
    for words, emulated in commands.items():
        script = f"set -euo pipefail\n{function}python -m skymill {words}"
        run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        assert run.stdout.startswith("emulated -cpu Haswell") is emulated, words
    chosen = [" ".join(words.split()[:2]) for words, emulated in commands.items() if emulated]
    assert log.read_text().splitlines() == chosen


def test_keys_are_shuffled_and_lists_are_not():
    import random

    content = {"a": 1, "b": {"c": [3, 1, 2], "d": 4}, "e": 5, "f": 6}
    found = shuffled.shuffled(content, random.Random(1))
    assert found == content
    assert list(found) != list(content)
