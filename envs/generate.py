"""Write the conda environments of the rules from the versions in requirements.lock.

usage: python envs/generate.py
"""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASE = ("python", "astropy", "healpy", "jsonschema", "numba", "numpy", "pyarrow", "pyyaml", "scipy")
KINDS = {
    "simulate": BASE,
    "catalogue": (*BASE, "dustmaps"),
    "pixels": (*BASE, "sep"),
    "sources": (*BASE, "scikit-learn", "sep"),
    "sky": (*BASE, "mocpy", "pillow"),
    "report": (*BASE, "jinja2", "matplotlib", "mocpy", "pillow"),
}
"""Kind of rule → the packages that it imports, by their names on conda-forge."""
PYTHON = "3.11"


def locked_versions() -> dict[str, str]:
    """Package → version in requirements.lock."""
    lock = (HERE.parent / "requirements.lock").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", lock, flags=re.MULTILINE))


def environment(kind: str) -> str:
    """The YAML of one kind's environment."""
    versions = locked_versions() | {"python": PYTHON}
    lines = [
        "# Written by envs/generate.py from requirements.lock; change that, not this.",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        *(f"  - {name} ={versions[name]}" for name in sorted(KINDS[kind])),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for kind in KINDS:
        (HERE / f"{kind}.yaml").write_text(environment(kind))
