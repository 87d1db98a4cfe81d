"""The manifest as a graph: which command made a file, and from what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

APART = ("raw/",)
"""Files that are named one by one, even if one command made several."""
BESIDE = ("frames",)
"""Rooms whose products show every parent: an exposure's masters stand beside its raw file."""

MARKS = "/._"
"""Where a file's name is cut."""
NAMED = 6
"""Files of one job that are all named."""


@dataclass(frozen=True)
class File:
    """A row of the manifest."""

    path: str
    kind: str
    size: int | None
    sha256: str
    step: str
    settings: str
    software: str
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """What one command made: files of one step, with the same settings and parents.

    Attributes
    ----------
    key : str
        Its first file's path, which no other job has.
    files : tuple of File
        Sorted by path.
    """

    key: str
    files: tuple[File, ...]

    @property
    def step(self) -> str:
        """Room and step; empty for a file that no command made."""
        return self.files[0].step

    @property
    def parents(self) -> tuple[str, ...]:
        """The paths of what it read."""
        return self.files[0].parents


class Graph:
    """Files and the commands that made them.

    Parameters
    ----------
    files : iterable of File
        Rows of the manifest; their paths are unique.
    """

    def __init__(self, files: Iterable[File]) -> None:
        self.files: dict[str, File] = {file.path: file for file in files}
        self._ancestors: dict[str, frozenset[str]] = {}
        self._heights: dict[str, int] = {}

    @cached_property
    def jobs(self) -> dict[str, Job]:
        """Path → the job that made the file."""
        made: dict[tuple, list[File]] = {}
        for path, file in sorted(self.files.items()):
            alone = not file.step or path.startswith(APART)
            made.setdefault(
                (path,) if alone else (file.step, file.settings, file.parents), []
            ).append(file)
        jobs = [Job(files[0].path, tuple(files)) for files in made.values()]
        return {file.path: job for job in jobs for file in job.files}

    def ancestors(self, path: str) -> frozenset[str]:
        """The keys of all jobs behind a file, its own job left out."""
        job = self.jobs[path]
        if job.key not in self._ancestors:
            behind = {self.jobs[p].key for p in job.parents if p in self.jobs} - {job.key}
            further = (self.ancestors(key) for key in sorted(behind))
            self._ancestors[job.key] = frozenset(behind).union(*further)
        return self._ancestors[job.key]

    def height(self, path: str) -> int:
        """How many jobs the longest chain behind a file has."""
        job = self.jobs[path]
        if job.key not in self._heights:
            behind = [p for p in job.parents if p in self.jobs and self.jobs[p] is not job]
            self._heights[job.key] = 1 + max((self.height(p) for p in behind), default=-1)
        return self._heights[job.key]

    def parents(self, path: str, full: bool = False) -> list[list[File]]:
        """What a file was made from, the files of one job together.

        Parameters
        ----------
        path : str
            A file of the manifest.
        full : bool
            Every parent. By default one that lies behind another parent is left to that one: a
            published image's frames stand under its unscaled planes.

        Returns
        -------
        list of list of File
            Raw files first, then by the length of the road behind them, then by name.
        """
        if path.startswith(APART) and not full:
            return []  # a raw frame is where the road begins, even a simulated one
        groups: dict[str, list[File]] = {}
        for parent in self.jobs[path].parents:
            if parent in self.jobs:
                groups.setdefault(self.jobs[parent].key, []).append(self.files[parent])
        if not full and self.files[path].step.split(" ")[0] not in BESIDE:
            behind = frozenset().union(*(self.ancestors(key) for key in groups))
            groups = {key: files for key, files in groups.items() if key not in behind}

        def order(key: str) -> tuple:
            return (not key.startswith(APART), self.height(key), key)

        return [sorted(groups[key], key=lambda f: f.path) for key in sorted(groups, key=order)]


def graph_from(columns: Mapping[str, Iterable]) -> Graph:
    """The graph of a manifest's columns (``resources/tables/manifest.yaml``)."""
    names = ("path", "kind", "size", "sha256", "step", "settings", "software", "parents")
    files = []
    for path, kind, size, *texts, parents in zip(*(columns[n] for n in names), strict=True):
        size = None if not isinstance(size, int) else size
        made_from = tuple(parent for parent in str(parents).split("\n") if parent)
        files.append(File(str(path), str(kind), size, *map(str, texts), made_from))
    return Graph(files)


def short_name(paths: Sequence[str]) -> str:
    """One name for several files: what they share, and the rest in braces.

    ``frames/a.fits`` and ``frames/a.json`` are ``frames/a.{fits,json}``; of many, the first and the
    last stand for all, and their number follows.
    """
    if len(paths) == 1:
        return paths[0]
    head = _shared(paths)
    head = head[: max(head.rfind(mark) for mark in MARKS) + 1]
    ends = [path[len(head) :] for path in paths]
    tail = _shared([end[::-1] for end in ends])[::-1]
    marks = [tail.find(mark) for mark in MARKS if mark in tail]
    tail = tail[min(marks) :] if marks else ""
    parts = sorted(end.removesuffix(tail) for end in ends)
    if len(parts) <= NAMED:
        return f"{head}{{{','.join(parts)}}}{tail}"
    return f"{head}{{{parts[0]},…,{parts[-1]}}}{tail} ({len(parts)} files)"


def _shared(names: Sequence[str]) -> str:
    """What all names begin with."""
    first, last = min(names), max(names)
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((n for n, (a, b) in pairs if a != b), len(first))]
