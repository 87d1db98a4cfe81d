"""What the Snakefile needs before it can plan: a checked configuration and consistent tables."""

import atexit
import gc
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import yaml

from . import pin
from .camera import Camera
from .errors import ConfigError, InputError, SkymillError
from .io.atomic import write_bytes
from .io.json import read_json
from .kernels import cache_elsewhere, drop_stale
from .schema import load_schema, read_yaml_text

TIME_ROUNDING = 1.0
"""Seconds by which times of a table may be wrong: mjd with five decimals."""
NOTHING_SAID = "It wrote nothing to its log; it may never have begun."


class ClusterReasons(logging.Handler):
    """Keep what a cluster said of failed jobs, which Snakemake's quiet output leaves out.

    Attributes
    ----------
    said : dict
        Snakemake's number of a job → the last message, without the command that was submitted.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: dict[int, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a job's error, where it has a message."""
        if message := getattr(record, "rule_msg", None):
            self.said[record.jobid] = message.split("\n    sbatch call:")[0].strip()


@contextmanager
def stopping() -> Iterator[None]:
    """Print an error as one message and stop, in place of Snakemake's traceback."""
    try:
        yield
    except SkymillError as error:
        print(f"skymill: {error}", file=sys.stderr, flush=True)
        sys.exit(1)


def not_published(folder: Path) -> str:
    """What a verified rebuild says of a job that ended without an error of its own."""
    return (
        f"It ran, but what it made isn't what {folder} says, or isn't there (the files are named "
        "above). To look at it: run again with --keep-incomplete, then skymill diff."
    )


def summary_of_failures(
    jobs: Iterable[tuple[str, Iterable[str]]],
    waiting: int,
    lines: int = 12,
    silent: str = NOTHING_SAID,
    reasons: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """What failed and why, as Skymill's commands say it.

    Parameters
    ----------
    jobs : iterable of (str, iterable of str)
        Name and log files of each failed job.
    waiting : int
        How many jobs didn't run.
    lines : int
        How many of a log's last lines to show.
    silent : str
        What to say of a job that said nothing.
    reasons : Mapping
        Job's name → what the cluster said of it (`ClusterReasons`).
    """
    text, failed = [], sorted(jobs)
    for name, logs in failed:
        text.append(f"skymill: {name} failed.")
        text += [f"  {line}" for line in reasons.get(name, "").splitlines()]
        for log in logs:
            try:
                said = Path(log).read_text(errors="replace").strip().splitlines()
            except OSError:
                said = []
            text += [f"  {line}" for line in said[-lines:] or [silent]]
            text.append(f"  (the whole log: {log})")
    count = f"{len(failed)} job{'s' if len(failed) > 1 else ''} failed"
    rest = f", {waiting} more didn't run" if waiting else ""
    text.append(
        f"skymill: {count}{rest}. Mend what the logs name, then run the same command again."
    )
    return "\n".join(text)


def summary_of_success(out: Path | str, config: Path | str) -> str:
    """What a run has built and what identifies it; nothing where it was asked for a part only.

    Parameters
    ----------
    out : Path or str
        The release's folder.
    config : Path or str
        The configuration that its run left.
    """
    manifest = Path(out) / "manifest.json"
    if not manifest.is_file():
        return ""
    return (
        f"skymill: {out} is finished, root hash {read_json(manifest)['root_hash']}. What is in it, "
        f"and what was left out: skymill release summary --config {config}"
    )


def prepare_environment(package: Path | str) -> None:
    """Let the jobs find this package and this Python, run under the pin, and start fast.

    Where bytecode may not be written, every job would compile all that it imports anew (seconds).
    """
    drop_stale(Path(package) / "skymill")
    if pin.obstacle():
        print(
            f"skymill: jobs run unpinned ({pin.obstacle()}): the release may differ in its last "
            "bits from one built elsewhere, and its manifest says so.",
            file=sys.stderr,
        )
    cache_elsewhere(Path(package) / "skymill")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    path = os.environ.get("PATH", os.defpath)
    os.environ.update(
        pin.environment(),
        PYTHONPATH=str(package),
        PATH=os.pathsep.join([str(Path(sys.executable).parent), path]),
    )


def collect_garbage(wanted: bool) -> None:
    """Whether Python looks for reference cycles; while a graph is built, that takes a quarter.

    Then it needn't look at the graph again, which stays to the end: not even at the end, where it
    would once more (an eighth of a plan's time).
    """
    if wanted:
        gc.freeze()
        gc.enable()
    else:
        gc.disable()
        atexit.register(gc.freeze)


def with_types(config: Mapping) -> dict:
    """Give nested values of ``--config`` their types: Snakemake leaves them strings.

    ``--config 'simulate={seed: 5}'`` arrives as ``{"simulate": {"seed": "5"}}``. What the schema
    wants as an integer, number, boolean or null, and reads as one, becomes one.
    """
    return _with_types(config, load_schema("config"))


def _with_types(content: object, schema: Mapping) -> object:
    kinds = {"integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
    wanted = schema.get("type")
    wanted = wanted if isinstance(wanted, list) else [wanted]
    kind = tuple(kinds[name] for name in wanted if name in kinds)
    if isinstance(content, str) and kind:
        value = read_yaml_text(content)
        return value if isinstance(value, kind) else content
    if isinstance(content, Mapping):
        properties = schema.get("properties", {})
        return {key: _with_types(value, properties.get(key, {})) for key, value in content.items()}
    return content


def store_config(config: Mapping, path: Path | str) -> None:
    """Write the configuration as given (overrides merged in) for the jobs, if it has changed."""
    _store(path, yaml.safe_dump(dict(config), sort_keys=True, allow_unicode=True))


def store_list(names: Iterable[str], path: Path | str) -> None:
    """Write names, a line each, if they have changed."""
    _store(path, "".join(f"{name}\n" for name in names))


def _store(path: Path | str, text: str) -> None:
    path, content = Path(path), text.encode()
    if not path.is_file() or path.read_bytes() != content:
        write_bytes(path, content)


def withdraw(paths: Iterable[str]) -> None:
    """Remove files, if they are there.

    Raises
    ------
    InputError
        If one can't be removed.
    """
    for path in paths:
        try:
            Path(path).unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"{path}: can't be removed ({error.strerror}); check the folder's permissions."
            ) from error


def missing_file(path: Path | str) -> InputError:
    """The error of a run that lacks a file from outside: a raw frame, a catalogue, a dust map."""
    return InputError(
        f"{path}: no such file, though the configuration or one of its tables names it. Put it "
        "there, or mount or link the disk that holds it; or take it out of the table. (A plan, "
        "snakemake -n, does without.)"
    )


def check_survey(
    settings: Mapping,
    camera: Camera,
    tiles: Mapping[str, Mapping],
    exposures: Mapping[str, Mapping],
    calibrations: Mapping[str, Mapping],
) -> None:
    """Check that the tables name only what exists, each frame once, and that it can be calibrated.

    Raises
    ------
    ConfigError
        Naming, for every such fault, the table, the row, what it refers to and what is known.
    """
    table = settings["tables"]["exposures"]
    known = {"site": camera.sites, "tile": tiles, "band": settings["bands"]}
    paths: dict[str, str] = {}
    faults = []
    for name, row in exposures.items():
        for column, accepted in known.items():
            if row[column] not in accepted:
                some = ", ".join(list(accepted)[:10])
                faults.append(
                    f"{table}: exposure {name}: unknown {column} {row[column]!r}; known: {some}"
                )
        if row["path"] in paths:
            faults.append(
                f"{table}: exposures {paths[row['path']]} and {name} name the same file "
                f"{row['path']}; list each frame once."
            )
        if "simulate" in settings and row["path"] != f"raw/{name}.fits":
            faults.append(
                f"{table}: exposure {name}: got the path {row['path']}; expected raw/{name}.fits, "
                "where a simulated exposure lies."
            )
        paths[row["path"]] = name
    faults += _same_content(table, exposures)
    if "ingest" not in settings["frames"]:  # what arrives calibrated may be a mean of exposures
        faults += _same_time(table, exposures)
    if faults:
        raise ConfigError("\n".join(faults))
    if "ingest" not in settings["frames"]:
        _check_references(settings)
    if "calibrations" in settings:
        _check_calibrations(settings["tables"]["calibrations"], exposures, calibrations)


def _same_content(table: str, exposures: Mapping[str, Mapping]) -> list[str]:
    """Faults of exposures whose files are the same, byte for byte."""
    seen: dict[str, str] = {}
    faults = []
    for name, row in exposures.items():
        if row["sha256"]:
            first = seen.setdefault(row["sha256"], name)
            if first != name:
                faults.append(
                    f"{table}: exposures {first} and {name} have the same sha256: one frame under "
                    "two names; list each frame once."
                )
    return faults


def _same_time(table: str, exposures: Mapping[str, Mapping]) -> list[str]:
    """Faults of exposures that overlap in time: a site has one camera.

    So a frame that is listed twice is found where no checksum is given, or where the copy is
    compressed.
    """
    last: dict[str, tuple[str, Mapping]] = {}
    faults = []
    for name, row in sorted(exposures.items(), key=lambda item: (item[1]["mjd"], item[0])):
        first, earlier = last.get(row["site"], (name, row))
        last[row["site"]] = name, row
        apart = 86400 * (row["mjd"] - earlier["mjd"])
        least = (row["exptime"] + earlier["exptime"]) / 2
        if first != name and apart < least - TIME_ROUNDING:
            faults.append(
                f"{table}: exposures {first} and {name} of site {row['site']} overlap: their "
                f"middles are {apart:.0f} s apart, expected {least:.0f} s at least; list each "
                "frame once, or correct mjd (UTC at mid-exposure) or exptime."
            )
    return faults


def _check_references(settings: Mapping) -> None:
    """Raw exposures are calibrated with Gaia and each band's photometric catalogue."""
    named = settings["frames"]["photometry"]["reference"]
    wanted = ["gaia", *(named[band] for band in settings["bands"] if band in named)]
    missing = [
        name for name in dict.fromkeys(wanted) if name not in settings["references"]["catalogues"]
    ]
    if missing:
        raise ConfigError(
            f"references.catalogues: lacks {', '.join(missing)}, which raw exposures are "
            "calibrated with; add the files, or give the section frames.ingest if exposures "
            "arrive calibrated."
        )


def _check_calibrations(
    table: str, exposures: Mapping[str, Mapping], calibrations: Mapping[str, Mapping]
) -> None:
    have = {(r["site"], r["run"], r["kind"], r["band"] or "") for r in calibrations.values()}
    needed = set()
    for row in exposures.values():
        site_run = (row["site"], row["run"])
        needed |= {(*site_run, kind, "") for kind in ("bias", "dark")}
        needed.add((*site_run, "flat", row["band"]))
    kinds_with_band = {(site, run, kind) for site, run, kind, _ in have if kind == "field"}
    needed_fields = {(row["site"], row["run"], "field") for row in exposures.values()}
    missing = sorted(needed - have) + sorted((*f, "") for f in needed_fields - kinds_with_band)
    if missing:
        site, run, kind, band = missing[0]
        raise ConfigError(
            f"{table}: no {kind} frame{' in ' + band if band else ''} for site {site}, run {run}, "
            "though exposures need it; add frames, or leave the calibrations section out of the "
            "configuration if the frames arrive reduced."
        )
