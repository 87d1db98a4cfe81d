"""Extraction settings: the mini release's, and KS4's, which are source-extractor's."""

from skymill.config import read_yaml
from skymill.paths import CONFIG
from skymill.schema import convert, load_schema


def default() -> dict:
    """Those of `config/config.yaml`."""
    return _converted({})


def ks4() -> dict:
    """With those of `config/ks4.yaml` laid over: what stands in for source-extractor."""
    return _converted(read_yaml(CONFIG / "ks4.yaml")["sources"]["extraction"])


def _converted(over: dict) -> dict:
    content = read_yaml(CONFIG / "config.yaml")["sources"]["extraction"]
    return convert({**content, **over}, load_schema("extraction"))
