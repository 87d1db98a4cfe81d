"""A node of the tree that `why` shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .graph import File, Graph, short_name

Describe = Callable[[list[File]], Mapping[str, object]]


@dataclass
class Node:
    """A product, a row or an input, and what it was made from.

    Attributes
    ----------
    name : str
        What stands in the tree.
    facts : dict
        What is known of it, in order: text or numbers.
    files : list of File
        The files that it stands for; none for a catalogue's row.
    parents : list of Node
    repeated : bool
        Its parents stand further up.
    hidden : int
        Jobs behind it that ``--depth`` cut off.
    """

    name: str
    facts: dict[str, object] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    parents: list["Node"] = field(default_factory=list)
    repeated: bool = False
    hidden: int = 0


@dataclass
class Builder:
    """Makes trees of files.

    Attributes
    ----------
    graph : Graph
    describe : callable
        Files of one job → what else is known of them (an exposure's verdict, say).
    full : bool
        Every parent of every file, repeated wherever it occurs.
    """

    graph: Graph
    describe: Describe
    full: bool = False
    seen: set[str] = field(default_factory=set)

    def node(self, files: list[File], depth: int | None) -> Node:
        """The tree behind files of one job, at most `depth` levels deep (None: all)."""
        path = files[0].path
        node = Node(short_name([file.path for file in files]), made(files[0]), files)
        node.facts |= self.describe(files)
        key = self.graph.jobs[path].key
        if depth is not None and depth <= 0:
            node.hidden = len(self.graph.ancestors(path))
        elif key in self.seen and not self.full:
            node.repeated = True
        else:
            self.seen.add(key)
            left = None if depth is None else depth - 1
            groups = sorted(self.graph.parents(path, self.full), key=self._is_excluded)
            node.parents = [self.node(group, left) for group in groups]
        return node

    def _is_excluded(self, files: list[File]) -> bool:
        """Whether files are those of an exposure that failed: these come last."""
        return self.describe(files).get("verdict") == "fail"


def made(file: File) -> dict[str, object]:
    """Step and settings; for an input, that it is one."""
    if not file.step:
        return {"step": file.kind}
    return {"step": file.step, "settings": file.settings}


def cut(node: Node, depth: int | None) -> Node:
    """A tree without what lies deeper than `depth` levels; how much that is stands in its nodes."""
    if depth is None:
        return node
    if depth == 0:
        node.hidden += sum(1 + _size(parent) for parent in node.parents)
        node.parents = []
    for parent in node.parents:
        cut(parent, depth - 1)
    return node


def _size(node: Node) -> int:
    return node.hidden + sum(1 + _size(parent) for parent in node.parents)
