"""A coverage map comes back as it was written; what is none is told."""

import numpy as np
import pytest
from mocpy import MOC

from skymill.errors import InputError
from skymill.io.moc import area, read_moc, write_moc


@pytest.fixture
def moc():
    """A twelfth of the sky."""
    return MOC.from_healpix_cells(np.array([3]), np.array([0]), max_depth=8)


def test_a_map_comes_back_and_is_noted_as_a_product(moc, tmp_path, record):
    write_moc(tmp_path / "a.fits", moc, record)
    write_moc(tmp_path / "b.fits", moc)
    assert read_moc(tmp_path / "a.fits") == moc
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()
    assert len(record.outputs) == 1


def test_the_area_is_in_square_degrees(moc):
    assert area(moc) == pytest.approx(np.degrees(1) ** 2 * 4 * np.pi / 12)


@pytest.mark.parametrize("content", [None, b"", b"no MOC"])
def test_a_missing_or_damaged_map_is_told(tmp_path, content):
    path = tmp_path / "V.fits"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"V\.fits: expected the band's MOC .*build it again"):
        read_moc(path, "the band's MOC")
