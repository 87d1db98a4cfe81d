"""How deep a release is at a position: from its table of stacks and its MOCs."""

from .lookup import Depth, depths

__all__ = ["Depth", "depths"]
