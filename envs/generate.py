"""Write the conda environments of the rules from the versions in requirements.lock.

Each holds all that its rules import and all that this needs in turn, every version exact: what a
package's own author leaves open (astropy 7.1 breaks on numpy 2.5, say) is decided here.

usage: python envs/generate.py
"""

from pathlib import Path

from locked import LOCK, PYTHON, closure, conda_name, on_linux, packages

HERE = Path(__file__).resolve().parent
BASE = ("astropy", "jsonschema", "numba", "numpy", "pyarrow", "pyyaml", "scipy")
KINDS = {
    "simulate": (*BASE, "healpy"),
    "catalogue": (*BASE, "dustmaps", "healpy"),
    "pixels": (*BASE, "sep"),
    "sources": (*BASE, "scikit-learn", "sep"),
    "sky": (*BASE, "healpy", "mocpy", "pillow"),
    "report": (*BASE, "healpy", "jinja2", "matplotlib", "mocpy", "pillow"),
}
"""Kind of rule → the packages that it imports, by their names in the lock."""


def environment(kind: str) -> str:
    """The YAML of one kind's environment."""
    locked = closure(on_linux(packages(LOCK.read_text())), KINDS[kind])
    pins = [f"python ={PYTHON}", *(f"{conda_name(p.name)} =={p.version}" for p in locked)]
    lines = [
        "# Written by envs/generate.py from requirements.lock; change that, not this.",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        *(f"  - {pin}" for pin in sorted(pins)),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for kind in KINDS:
        (HERE / f"{kind}.yaml").write_text(environment(kind))
