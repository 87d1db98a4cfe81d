"""The rules' environments hold the versions of the lock, and every rule's environment exists."""

import importlib.util
import re

import pytest

from skymill.paths import ROOT

spec = importlib.util.spec_from_file_location("generate", ROOT / "envs" / "generate.py")
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


@pytest.mark.parametrize("kind", generate.KINDS)
def test_an_environment_is_what_the_lock_gives(kind):
    assert (ROOT / "envs" / f"{kind}.yaml").read_text() == generate.environment(kind)


def test_the_rules_use_these_environments_and_no_other():
    rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    assert set(re.findall(r'"\.\./\.\./envs/(\w+)\.yaml"', rules)) == set(generate.KINDS)


def test_the_lock_names_no_registry():
    lock = (ROOT / "requirements.lock").read_text()
    assert "http" not in re.sub(r"^\S+==.*|^\s+# via.*|.*\baiohttp.*", "", lock, flags=re.MULTILINE)
