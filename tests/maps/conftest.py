"""Maps as they are published, and a catalogue."""

import tarfile

import numpy as np
import pytest

from skymill.tree import map_name

TILE = "0698.005-30"
SIZE = 22000


@pytest.fixture
def zero_points():
    """A map of KS4's shape whose bins all differ."""
    return 30 + np.arange(55 * 55, dtype=float).reshape(55, 55) / 1e4


@pytest.fixture
def shifts():
    """A map of shifts, two numbers in each bin."""
    return np.arange(110 * 110 * 2, dtype=float).reshape(110, 110, 2) / 1e5 - 0.1


@pytest.fixture
def folder(tmp_path, zero_points, shifts):
    """A release's folder of maps."""
    (tmp_path / "maps" / TILE).mkdir(parents=True)
    for band, offset in (("V", 0.0), ("I", 1.0)):
        name = map_name("zp", TILE, band, "Idual", "APER5")
        np.save(tmp_path / "maps" / TILE / name, zero_points + offset)
    np.save(tmp_path / "maps" / TILE / map_name("shift", TILE, "V", "Idual"), shifts)
    return tmp_path / "maps"


@pytest.fixture
def archive(tmp_path, folder):
    """The same as KS4 publishes them."""
    path = tmp_path / "KS4_DR1_ZeroPoint_Maps.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, "ZeroPoint_Maps")
    return path
