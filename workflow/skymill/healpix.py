"""healpy without its plots: to draw it loads matplotlib, which takes longer than all the rest."""

import sys

_hide = "matplotlib" not in sys.modules
if _hide:
    sys.modules["matplotlib"] = None  # as if it weren't installed, which healpy allows
try:
    import healpy
finally:
    if _hide:
        del sys.modules["matplotlib"]

__all__ = ["healpy"]
