"""healpy comes without matplotlib, which stays there for those who draw."""

import subprocess
import sys

PROGRAM = """
import sys
from skymill.healpix import healpy
assert "matplotlib" not in sys.modules
assert healpy.ang2pix(4, 1, 2, nest=True, lonlat=True) == 76
import matplotlib.pyplot
"""


def test_healpy_loads_without_matplotlib():
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True)
