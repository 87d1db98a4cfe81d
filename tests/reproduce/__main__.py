"""Build a release under many conditions and compare every byte.

usage: python -m tests.reproduce [--release micro] [--leg NAME …] [--folder DIR] [--list]

Each leg builds the release in a folder of its own. Its manifests stay there, so legs may be run one
by one; the table at the end compares all that have been run. Exit code 0: all are equal.
"""

import argparse
import hashlib
import importlib
import json
import os
import pkgutil
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

from . import legs
from .site import CONFIGS, ROOT, BuildError, Site

FIRST = "one_core"
MANIFESTS = ("manifest.json", "manifest.parquet")


def main() -> int:
    """Run the legs that are asked for, print the table."""
    options = parse()
    found = {name: importlib.import_module(f"{legs.__name__}.{name}") for name in names()}
    if options.list:
        print("\n".join(f"{name:12} {leg.SUMMARY}" for name, leg in found.items()))
        return 0
    base = options.folder / options.release
    for name in options.leg or found:
        site = Site(options.release, (base / name).absolute(), options.kills)
        outcome = attempt(found[name], site)
        print(f"{name}: {outcome.get('root_hash') or outcome['failed']}", flush=True)
        (base / f"{name}.json").write_text(json.dumps(outcome, indent=1))
    return report(base)


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.reproduce", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--release", choices=list(CONFIGS), default="micro")
    parser.add_argument("--leg", choices=names(), action="append", help="once or more; all")
    parser.add_argument("--folder", type=Path, default=ROOT / "results" / "reproduce")
    parser.add_argument("--kills", type=int, default=20, help="of the leg resumed (20)")
    parser.add_argument("--list", action="store_true", help="name the legs")
    return parser.parse_args()


def names() -> list[str]:
    """The legs, the usual build first."""
    return sorted(
        (m.name for m in pkgutil.iter_modules(legs.__path__)), key=lambda n: (n != FIRST, n)
    )


def attempt(leg: ModuleType, site: Site) -> dict:
    """Run a leg from nothing; what came out of it."""
    if leg.obstacle():
        return {"summary": leg.SUMMARY, "failed": leg.obstacle()}
    shutil.rmtree(site.folder, ignore_errors=True)
    site.folder.mkdir(parents=True)
    start, before = time.monotonic(), os.times()
    try:
        folder = leg.run(site)
    except (BuildError, OSError, subprocess.CalledProcessError) as error:
        return {"summary": leg.SUMMARY, "failed": str(error)}
    after = os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in MANIFESTS}
    return {
        "summary": leg.SUMMARY,
        "folder": str(folder),
        "root_hash": json.loads((folder / MANIFESTS[0]).read_text())["root_hash"],
        "manifests": digests,
        "seconds": round(time.monotonic() - start),
        "cpu_seconds": round(cpu),
    }


def report(base: Path) -> int:
    """Print the table; tell where what differs differs; remove what is equal."""
    outcomes = {path.stem: json.loads(path.read_text()) for path in sorted(base.glob("*.json"))}
    built = [name for name in outcomes if "root_hash" in outcomes[name]]
    first = FIRST if FIRST in built else next(iter(built), None)
    failed = 0
    print(f"\n{'leg':12} {'outcome':9} {'s':>6} {'CPU s':>6}  root hash")
    for name, outcome in sorted(outcomes.items(), key=lambda item: (item[0] != first, item[0])):
        same = name in built and outcome["manifests"] == outcomes[first]["manifests"]
        failed += not same
        said = "equal" if same else "DIFFERS" if name in built else "not run"
        times = f"{outcome.get('seconds', ''):>6} {outcome.get('cpu_seconds', ''):>6}"
        print(f"{name:12} {said:9} {times}  {outcome.get('root_hash') or outcome['failed']}")
        if same and name != first:
            shutil.rmtree(base / name, ignore_errors=True)
        elif name in built and name != first:
            where = [outcomes[first]["folder"], outcome["folder"]]
            words = [sys.executable, "-m", "skymill", "diff", *where]
            path = {"PYTHONPATH": str(ROOT / "workflow")}
            subprocess.run(words, env=os.environ | path, check=False)
    return 1 if failed or not built else 0


if __name__ == "__main__":
    sys.exit(main())
