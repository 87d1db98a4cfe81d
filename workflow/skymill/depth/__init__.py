"""How deep a release is at a position, and where so deep: from its table of stacks and its MOCs."""

from .area import deep_area
from .lookup import Depth, depths

__all__ = ["Depth", "deep_area", "depths"]
