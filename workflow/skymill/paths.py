"""Where the project's static files lie, seen from the package."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESOURCES = ROOT / "resources"
CONFIG = ROOT / "config"
SCHEMAS = CONFIG / "schemas"
