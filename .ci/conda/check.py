"""Check a release built by ``snakemake --sdm conda``: each job in the environment of its rule.

usage: python .ci/conda/check.py PROJECT RELEASE OTHER

PROJECT is the folder in which it was built, RELEASE its name, OTHER the same release, built without
conda: ``results/<release>`` elsewhere.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pins import PLATFORM, pin_text


def kinds_of_receipts(rules: Path) -> dict[str, str]:
    """Name of a receipt's folder → kind of environment of the rule that writes it."""
    found = {}
    for path in sorted(rules.glob("*.smk")):
        for rule in re.split(r"^ *rule \w+:\n", path.read_text(), flags=re.MULTILINE)[1:]:
            if kind := re.search(r'"\.\./\.\./envs/(\w+)\.yaml"', rule):
                found |= dict.fromkeys(re.findall(r'receipt\("(\w+)"', rule), kind[1])
    return found


def environments(project: Path) -> dict[str, str]:
    """Kind → the environment that Snakemake made from its pin; it keeps the pin beside it."""
    made = {path.read_text(): path for path in (project / ".snakemake/conda").glob("*.pin.txt")}
    pins = sorted((project / "envs").glob(f"*.{PLATFORM}.pin.txt"))
    return {
        pin.name.partition(".")[0]: str(made[pin.read_text()]).removesuffix(".pin.txt")
        for pin in pins
        if pin.read_text() in made
    }


def listed(prefix: str) -> str:
    """An environment's packages as a pin, asked of conda."""
    words = ["conda", "list", "--explicit", "--md5", "--prefix", prefix]
    return pin_text(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def foreign_jobs(run: Path, kinds: Mapping[str, str], prefixes: Mapping[str, str]) -> Iterator[str]:
    """Jobs that ran in another environment than their rule's, and kinds that no job used."""
    used = set()
    for path in sorted((run / "receipts").glob("*/*.json")):
        prefix = json.loads(path.read_text())["prefix"]
        kind = kinds[path.parent.name]
        used.add(kind)
        if prefix != (own := prefixes.get(kind)):
            yield f"{path}: ran in {prefix}; its rule's environment, {kind}, is {own}"
    yield from (f"{kind}: no job used it" for kind in sorted(set(kinds.values()) - used))


def other_bytes(folder: Path, other: Path) -> Iterator[str]:
    """Manifests that differ."""
    for name in ("manifest.json", "manifest.parquet"):
        if (folder / name).read_bytes() != (other / name).read_bytes():
            yield f"{folder / name}: differs from {other / name}"


def main(project: Path, release: str, other: Path) -> int:
    """Print what is wrong; exit code 1 if anything is."""
    folder, prefixes = project / "results" / release, environments(project)
    kinds = kinds_of_receipts(project / "workflow/rules")
    found = [*foreign_jobs(folder / "run", kinds, prefixes), *other_bytes(folder, other)]
    for kind, prefix in prefixes.items():
        if listed(prefix) != (project / "envs" / f"{kind}.{PLATFORM}.pin.txt").read_text():
            found.append(f"{kind}: {prefix} doesn't hold what its pin says")
    for sentence in found:
        print(sentence, file=sys.stderr)
    if not found:
        print(f"{release}: {len(prefixes)} environments, each job in its own; the same manifest.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3])))
