"""A calibration frame that can't be used is left out, with the reason."""

import numpy as np
import pytest
from astropy.io import fits

from skymill.calibrations.reading import check_exptime, read_set
from skymill.errors import InputError


@pytest.fixture
def paths(tmp_path, camera, write):
    zero = dict.fromkeys(camera.chips, np.zeros((192, 256)))
    return [write(tmp_path / f"f{n}.fits", camera, zero, n, EXPTIME=10.0 * n) for n in range(4)]


def test_all_are_read_in_the_order_of_their_names(paths, camera):
    found = read_set(paths[::-1], camera, "CTIO", 2)
    assert found.exptimes() == [0, 10, 20, 30]
    assert found.dropped == []
    assert ("NFRAMES", 4, "frames combined") in found.cards("bias", "CTIO")


def test_a_broken_one_is_left_out_with_its_reason(paths, camera):
    paths[2].write_bytes(paths[2].read_bytes()[:50000])
    found = read_set(paths, camera, "CTIO", 2)
    assert found.exptimes() == [0, 10, 30]
    assert found.dropped[0].startswith("f2.fits")
    assert "truncated" in found.dropped[0]
    assert found.dropped[0] in [value for _, value, _ in found.cards("bias", "CTIO")]


def test_too_few_is_an_error_with_every_reason(paths, camera):
    with pytest.raises(InputError, match="0 of 4 calibration frames of site SAAO") as caught:
        read_set(paths, camera, "SAAO", 2)
    assert str(caught.value).count("OBSERVAT is 'CTIO'") == 4


def test_a_reduced_one_is_left_out(paths, camera):
    trimmed = [np.ones(chip.shape, np.float32) for chip in camera.chips.values()]
    header = fits.getheader(paths[1])
    hdus = [fits.PrimaryHDU(header=header), *(fits.ImageHDU(data) for data in trimmed)]
    fits.HDUList(hdus).writeto(paths[1], overwrite=True)
    found = read_set(paths, camera, "CTIO", 2)
    assert found.exptimes() == [0, 20, 30]
    assert found.dropped == [
        "f1.fits: It is reduced (it has no overscan); masters need frames as read out."
    ]


def test_a_further_check(paths, camera):
    found = read_set(paths, camera, "CTIO", 2, check_exptime)
    assert len(found.frames) == 3
    assert "EXPTIME" in found.dropped[0]
