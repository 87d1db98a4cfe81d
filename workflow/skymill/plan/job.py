"""A job of the graph, as a plan sees it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes
    ----------
    rule : str
        The rule's name.
    wildcards : dict of str to str
        What the job is for: exposure, tile, band, cell …
    after : tuple of int
        The places of the jobs it waits for; each stands before the job itself.
    uses : tuple of int
        Those among them whose temporary files it reads.
    outputs : tuple of (str, bool)
        Path of each file it makes, and whether the file is removed once it has been used.
    benchmark : str or None
        Where its run time is noted.
    commands : int
        Processes that it starts one after another.
    """

    rule: str
    wildcards: Mapping[str, str]
    after: tuple[int, ...]
    uses: tuple[int, ...] = ()
    outputs: tuple[tuple[str, bool], ...] = ()
    benchmark: str | None = None
    commands: int = 1
