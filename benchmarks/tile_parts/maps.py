"""Zero-point maps away from their stars, and look-ups of published maps."""

from collections.abc import Iterator

from figure import Figure


def figures() -> Iterator[Figure]:
    """None yet."""
    yield from ()
