"""The rules' environments: one table of versions, whole, used by every rule, pinned."""

import importlib.metadata
import re

import pytest
from packaging.requirements import Requirement

import generate
import pins
from locked import LOCK, MACHINE, closure, conda_name, on_linux, packages
from skymill.environments import check_pins, installed, versions_hash
from skymill.errors import InputError
from skymill.paths import ROOT

SMALL_LOCK = """\
astro==2.0 \\
    --hash=sha256:00
    # via skymill (pyproject.toml)
colour==1.0 ; sys_platform == 'win32' \\
    --hash=sha256:01
    # via table
numbers==1.3.3 ; python_full_version < '3.12' \\
    --hash=sha256:02
    # via
    #   skymill (pyproject.toml)
    #   astro
numbers==1.4.0 ; python_full_version >= '3.12' \\
    --hash=sha256:03
    # via astro
stars==1 \\
    --hash=sha256:04
    # via skymill (pyproject.toml)
table==3.0 \\
    --hash=sha256:05
    # via numbers
"""
LISTED = """\
# platform: linux-64
@EXPLICIT
https://channel.example/conda-forge/linux-64/numpy-2.4.6-py311h64a7726_0.conda#0123456789abcdef
https://channel.example/conda-forge/noarch/typing_extensions-4.16.0-pyhd8_0.conda#fedcba9876543210
"""


@pytest.mark.parametrize("kind", generate.KINDS)
def test_an_environment_is_what_the_lock_gives(kind):
    assert (ROOT / "envs" / f"{kind}.yaml").read_text() == generate.environment(kind)


@pytest.mark.parametrize("kind", generate.KINDS)
def test_an_environment_is_whole(kind):
    """Whatever its packages' own metadata want is in it, with a version."""
    locked = on_linux(packages(LOCK.read_text()))
    names = {package.name for package in closure(locked, generate.KINDS[kind])}
    pinned = set(re.findall(r"- (\S+) ==", generate.environment(kind)))
    for name in names:
        for text in importlib.metadata.requires(name) or ():
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate(MACHINE):
                assert conda_name(wanted.name) in pinned, f"{name} wants {text}"


def test_the_closure_follows_the_lock_on_linux_under_one_python():
    locked = on_linux(packages(SMALL_LOCK))
    found = {package.name: package.version for package in closure(locked, ["Astro"])}
    assert found == {"astro": "2.0", "numbers": "1.3.3", "table": "3.0"}
    with pytest.raises(KeyError, match=r"lacks moons; run make lock"):
        closure(locked, ["moons"])


def test_the_closure_keeps_every_python_s_version_where_all_are_asked_for():
    kept = closure(packages(SMALL_LOCK), ["Table[extra]>=3"])
    assert [package.name for package in kept] == ["colour", "table"]
    kept = closure(packages(SMALL_LOCK), ["astro"])
    assert [package.version for package in kept if package.name == "numbers"] == ["1.3.3", "1.4.0"]


def test_the_rules_use_these_environments_and_no_other():
    rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    assert set(re.findall(r'"\.\./\.\./envs/(\w+)\.yaml"', rules)) == set(generate.KINDS)


def test_every_rule_with_a_command_has_an_environment():
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        for rule in re.split(r"^ *rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            assert ("shell:" in rule) == ("conda:" in rule), rule.partition(":")[0]


def test_the_lock_names_no_registry():
    lock = (ROOT / "requirements.lock").read_text()
    assert "http" not in re.sub(r"^\S+==.*|^\s+# via.*|.*\baiohttp.*", "", lock, flags=re.MULTILINE)


def test_the_pins_that_are_there_hold_the_lock_s_versions():
    for kind in generate.KINDS:
        if pins.pin_path(kind).exists():
            assert not pins.disagreements(kind, pins.pin_path(kind).read_text())


def test_a_pin_s_versions_are_compared_with_the_lock():
    locked = closure(on_linux(packages(LOCK.read_text())), generate.KINDS["pixels"])
    lines = [f"https://c/linux-64/{conda_name(p.name)}-{p.version}-h0_0.conda#00" for p in locked]
    assert not pins.disagreements("pixels", "\n".join(lines))
    version = next(package.version for package in locked if package.name == "numpy")
    other = "\n".join(lines).replace(f"/numpy-{version}-", "/numpy-1.0-")
    assert pins.disagreements("pixels", other) == [
        f"pixels: numpy is 1.0 in the pin, {version} in the lock"
    ]
    without = "\n".join(line for line in lines if "/sep-" not in line)
    assert len(pins.disagreements("pixels", without)) == 1


def test_a_pin_keeps_addresses_and_checksums_and_nothing_else():
    text = pins.pin_text(LISTED)
    assert text.splitlines()[1:] == LISTED.splitlines()[1:]
    assert pins.versions(text) == {"numpy": "2.4.6", "typing_extensions": "4.16.0"}
    for bad in (LISTED.replace("#fedcba9876543210", ""), "@EXPLICIT\n"):
        with pytest.raises(ValueError, match="expected addresses with checksums"):
            pins.pin_text(bad)


def test_a_rule_runs_again_for_versions_and_for_nothing_else(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("# one\nchannels:\n  - conda-forge\ndependencies:\n  - a ==1\n  - b ==2\n")
    before = versions_hash(path)
    path.write_text("# two\nchannels:\n  - other\ndependencies:\n  - b ==2\n  - a ==1\n")
    assert versions_hash(path) == before
    path.write_text("# two\nchannels:\n  - other\ndependencies:\n  - b ==2\n  - a ==1.1\n")
    assert versions_hash(path) != before


@pytest.fixture
def environment(tmp_path):
    """A pin and an environment that holds what it says, as conda notes it."""
    pin, meta = tmp_path / "x.linux-64.pin.txt", tmp_path / "prefix" / "conda-meta"
    pin.write_text(pins.pin_text(LISTED))
    meta.mkdir(parents=True)
    for line in LISTED.splitlines()[2:]:
        url, _, md5 = line.partition("#")
        name = url.rpartition("/")[2].removesuffix(".conda")
        (meta / f"{name}.json").write_text(f'{{"url": "{url}", "md5": "{md5}"}}')
    return pin, meta.parent


def test_an_environment_made_from_its_pin_passes(environment):
    pin, prefix = environment
    check_pins({pin: prefix})
    assert len(installed(prefix)) == 2


def test_a_pin_that_was_dropped_is_an_error_that_names_the_packages(environment):
    pin, prefix = environment
    path = next((prefix / "conda-meta").glob("numpy*"))
    path.write_text('{"url": "https://c/linux-64/numpy-2.4.6-py311h64a7726_1.conda", "md5": "ab"}')
    with pytest.raises(InputError) as error:
        check_pins({pin: prefix})
    message = str(error.value)
    assert "lacks numpy-2.4.6-py311h64a7726_0.conda (0123456789abcdef)" in message
    assert "has numpy-2.4.6-py311h64a7726_1.conda (ab) instead" in message
    assert "python envs/pins.py" in message


def test_an_environment_with_more_than_its_pin_is_an_error(environment):
    pin, prefix = environment
    pin.write_text("\n".join(pin.read_text().splitlines()[:-1]))
    with pytest.raises(InputError, match="lacks nothing, has typing_extensions"):
        check_pins({pin: prefix})
