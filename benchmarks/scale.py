"""The figures of a release at full size: 'figure value target ok|short', a line each.

    make benchmark-scale
    PYTHONPATH=workflow python benchmarks/scale.py [--only plan tile driver start pin]

plan      planning KS4 DR1 (snakemake -n -q): CPU time and memory
tile      planning one of its tiles
driver    DR1's own graph, run with --cores 64, its jobs replaced by touch: time per job
          and 'nothing to do' on the tree that this leaves
start     each command of the micro release, run again: CPU time until Python has imported all that
          the command imports as it runs
pin       CPU time of numeric commands under the pin, of the same without it

CPU is user + system time of a process and its children. Exit code 1 if a figure falls short.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from figure import Figure, run

ROOT = Path(__file__).resolve().parents[1]
DR1 = ROOT / "config" / "ks4_dr1.yaml"
MICRO = (ROOT / "config" / "config.yaml", ROOT / "config" / "micro.yaml")
NUMERIC = {
    "simulate", "calibrations", "frames", "tiles", "sources", "masters", "sky", "release report",
}  # fmt: skip
"""Rooms and commands that compute; the others only move files."""
COMPARED = ("frames pixels", "frames calibrate", "tiles combine", "sources extract", "sky cell")
MANIFEST = r'''"touch {output}; echo '{{\"root_hash\": \"none\"}}' > {output.json}"'''
METER = '''"""Note how much CPU time goes into imports; Python loads this by itself."""
import atexit, builtins, os, time
started, depth, spent, real = time.process_time(), 0, 0.0, builtins.__import__
def metered(*arguments, **options):
    global depth, spent
    depth += 1
    before = time.process_time()
    try:
        return real(*arguments, **options)
    finally:
        depth -= 1
        if not depth:
            spent += time.process_time() - before
builtins.__import__ = metered
def note():
    with open(os.environ["METER"], "a") as stream:
        stream.write(f"{started + spent}\\n")
atexit.register(note)
'''


def snakemake(snakefile: Path, folder: Path, configs: Sequence[Path], *options: str) -> list[str]:
    """Snakemake's command line."""
    words = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
    return [*words, "--directory", str(folder), *options, "--configfile", *map(str, configs)]


def planning(folder: Path) -> Iterator[Figure]:
    """DR1 and one of its tiles."""
    used = run(snakemake(ROOT / "Snakefile", folder, [DR1], "-n", "-q"), folder)
    yield Figure("plan of DR1, CPU", used.cpu, 45, "s")
    yield Figure("plan of DR1, memory", used.memory, 1.5, "GB")


def one_tile(folder: Path) -> Iterator[Figure]:
    """A tile's catalogue, with all that it needs."""
    product = "results/ks4_dr1/catalogs/0698.005-30/Idual.parquet"
    used = run(snakemake(ROOT / "Snakefile", folder, [DR1], product, "-n", "-q"), folder)
    yield Figure("plan of one tile, CPU", used.cpu, 3, "s")


def empty_project(folder: Path) -> Path:
    """The project with every job replaced by one that touches its files; its Snakefile."""
    project = folder / "project"
    for name in ("config", "resources", "envs"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "workflow", project / "workflow")
    shutil.copy(ROOT / "Snakefile", project / "Snakefile")
    (project / "profiles").symlink_to("workflow/profiles")  # the default one's scheduler
    for path in (project / "workflow" / "rules").glob("*.smk"):
        text = path.read_text(encoding="utf-8")
        empty = re.sub(r'(shell:\n)((\s+)"[^\n]*\n)+', r'\1\3"touch {output}"\n', text)
        before, manifest, rest = empty.partition("rule manifest:")  # a run reads it at its end
        rest = rest.replace('"touch {output}"', MANIFEST, 1)
        path.write_text(before + manifest + rest, encoding="utf-8")
    return project / "Snakefile"


def driver(folder: Path, cores: int = 64) -> Iterator[Figure]:
    """DR1's graph of empty jobs, and a second run that finds it finished."""
    from skymill.config import load_config, load_rows

    settings = load_config(DR1)
    data = folder / "data" / settings["release"]["name"]
    given = [row["path"] for row in load_rows(settings["tables"]["exposures"], "exposures")]
    given += list(settings["references"]["catalogues"].values())
    poles = (f"SFD_dust_4096_{pole}.fits" for pole in ("ngp", "sgp"))
    given += [f"{settings['references']['dust']}/{name}" for name in poles]
    for name in given:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).touch()
    options = ("--cores", str(cores), "--config", "build={check_disk: false}")
    command = snakemake(empty_project(folder), folder, [DR1], *options, "--quiet", "all")
    used = run(command, folder)
    jobs = sum(len(names) for *_, names in os.walk(folder / f"results/{data.name}/run/benchmarks"))
    yield Figure(f"driver, {jobs} empty jobs, per job", 1000 * used.wall / jobs, 15, "ms")
    again = run([*command, "-n"], folder)
    yield Figure("nothing to do on finished DR1, CPU", again.cpu, 45, "s")


def micro_commands(folder: Path, release: Path | None) -> list[list[str]]:
    """A command line of each kind from a micro release, built if there is none, with its files."""
    folder = release or folder
    options = ("--notemp", "--cores", str(os.cpu_count()), "--quiet", "all")
    if not (folder / "results/micro/manifest.json").exists():
        run(snakemake(ROOT / "Snakefile", folder, MICRO, *options), folder)
    command = snakemake(ROOT / "Snakefile", folder, MICRO, "-n", "-p", "-F", "--quiet", "reason")
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, list[str]] = {}
    for text in re.findall(r"python -m skymill ([^>&\n]+)", told):
        words = shlex.split(text.strip().rstrip(")"))
        found.setdefault(" ".join(words[:2]), words)
    return list(found.values())


def start_up(folder: Path, commands: Sequence[Sequence[str]]) -> Iterator[Figure]:
    """CPU time of each command's imports, the median of three runs."""
    (folder / "meter").mkdir(exist_ok=True)
    (folder / "meter" / "sitecustomize.py").write_text(METER)
    path = f"{folder / 'meter'}{os.pathsep}{ROOT / 'workflow'}"
    for words in commands:
        name, noted = " ".join(words[:2]), folder / "meter" / "noted"
        noted.unlink(missing_ok=True)
        for _ in range(3):
            command = [sys.executable, "-m", "skymill", *words]
            run(command, folder, PYTHONPATH=path, METER=str(noted), **pinned())
        computes = {name, words[0]} & NUMERIC
        value = median(map(float, noted.read_text().split()))
        yield Figure(f"start-up of {name}, CPU", value, 1.0 if computes else 0.5, "s")


def cost_of_the_pin(folder: Path, commands: Sequence[Sequence[str]]) -> Iterator[Figure]:
    """CPU time with and without the pin, run in turn: the ratio of the sums."""
    with_pin = without = 0.0
    path = str(ROOT / "workflow")
    program = "import sys; from skymill.__main__ import main; sys.exit(main(sys.argv[1:]))"
    bare = dict.fromkeys(pinned(), "")
    for words in commands:
        if " ".join(words[:2]) not in COMPARED:
            continue
        command = [sys.executable, "-c", program, *words]
        pairs = [
            (run(command, folder, PYTHONPATH=path, **pinned()).cpu,
             run(["/usr/bin/env", *(f"-u{key}" for key in bare), *command], folder,
                 PYTHONPATH=path, NUMBA_CACHE_DIR=str(folder / "unpinned")).cpu)
            for _ in range(4)
        ]  # fmt: skip
        with_pin += median(pair[0] for pair in pairs[1:])  # the first compiles kernels
        without += median(pair[1] for pair in pairs[1:])
    yield Figure("cost of the pin, CPU", 100 * (with_pin / without - 1), 10, "%")


def pinned() -> dict[str, str]:
    """The pin's variables."""
    from skymill.pin import PIN

    return dict(PIN)


def figures(folder: Path, wanted: set[str], release: Path | None) -> Iterator[Figure]:
    """The figures asked for, as they are measured."""
    if "plan" in wanted:
        yield from planning(folder)
    if "tile" in wanted:
        yield from one_tile(folder)
    if "driver" in wanted:
        yield from driver(folder)
    if wanted & {"start", "pin"}:
        commands = micro_commands(folder, release)
        where = release or folder
        if "start" in wanted:
            yield from start_up(where, commands)
        if "pin" in wanted:
            yield from cost_of_the_pin(where, commands)


def main() -> int:
    """Print the figures."""
    kinds = ("plan", "tile", "driver", "start", "pin")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds, help="what to measure")
    parser.add_argument("--release", type=Path, help="folder of a micro release, --notemp")
    options = parser.parse_args()
    short = False
    with tempfile.TemporaryDirectory() as name:
        for figure in figures(Path(name), set(options.only), options.release):
            print(figure.line(), flush=True)
            short = short or not figure.is_met
    return int(short)


if __name__ == "__main__":
    sys.exit(main())
