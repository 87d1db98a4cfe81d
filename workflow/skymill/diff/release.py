"""Two releases by their manifests: which files differ, and with which of them it begins."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..why.graph import File, Graph

NOT_COMPARED = ("bytes", "files", "inputs", "provenance", "rooms", "root_hash", "table")
"""Keys of ``manifest.json`` that follow from the files."""


@dataclass(frozen=True)
class Comparison:
    """What two manifests say of each other.

    Attributes
    ----------
    only_a, only_b : tuple of str
        Files that one manifest alone names, by path.
    differing : tuple of str
        Files of both with different content.
    first : tuple of str
        Those of them all of whose parents are equal: with them it begins.
    total : int
        Files of both manifests together.
    """

    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    differing: tuple[str, ...]
    first: tuple[str, ...]
    total: int

    def rooms(self) -> dict[str, int]:
        """Folder → number of differing files that don't belong to the first."""
        later = (path for path in self.differing if path not in set(self.first))
        return dict(Counter(path.split("/")[0] for path in later))


def compare_manifests(a: Graph, b: Graph) -> Comparison:
    """Compare the files of two releases by their checksums.

    Parameters
    ----------
    a, b : Graph
        Of their manifests.
    """
    names = a.files.keys() | b.files.keys()
    both = a.files.keys() & b.files.keys()
    differing = {name for name in both if a.files[name].sha256 != b.files[name].sha256}
    first = [name for name in differing if not _parents(a, b, name) & differing]
    # Made from a file that the other release lacks: it begins with that one.
    one_sided = names - both
    first = [name for name in first if not _parents(a, b, name) & one_sided] or first
    return Comparison(
        tuple(sorted(a.files.keys() - both)),
        tuple(sorted(b.files.keys() - both)),
        tuple(sorted(differing)),
        tuple(sorted(first)),
        len(names),
    )


def behind(a: Graph, b: Graph, path: str) -> tuple[str, ...]:
    """The first files that differ among those a file was made from; the file itself if none does.

    Parameters
    ----------
    a, b : Graph
        Of the two manifests.
    path : str
        The file's path inside the release.
    """
    found = set(compare_manifests(a, b).first)
    seen: set[str] = set()
    pending = [path]
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending += _parents(a, b, name)
    return tuple(sorted(found & seen))


def reasons(a: File, b: File) -> Iterator[tuple[str, object, object]]:
    """What is known of how a file was made, where that differs: name, and both values."""
    for name in ("step", "settings", "software", "size"):
        values = getattr(a, name), getattr(b, name)
        if values[0] != values[1]:
            yield name, *values
    missing, more = set(a.parents) - set(b.parents), set(b.parents) - set(a.parents)
    if missing or more:
        yield "parents", ", ".join(sorted(missing)) or None, ", ".join(sorted(more)) or None


def facts_that_differ(a: Mapping, b: Mapping) -> Iterator[tuple[str, object, object]]:
    """The identities' keys whose values differ."""
    for key in sorted(a.keys() | b.keys()):
        if key not in NOT_COMPARED and a.get(key) != b.get(key):
            yield key, a.get(key), b.get(key)


def _parents(a: Graph, b: Graph, name: str) -> set[str]:
    files = (graph.files.get(name) for graph in (a, b))
    return {parent for file in files if file is not None for parent in file.parents}
