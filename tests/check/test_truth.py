"""Places of true exposures, isolation, and how a release is found and refused."""

from dataclasses import replace

import numpy as np
import pytest

from skymill.__main__ import main
from skymill.check.commands import locate
from skymill.check.exposure import inward
from skymill.check.seen import isolated, unblended
from skymill.check.truth import read_truth
from skymill.errors import DataError, InputError


def test_places_are_those_of_the_projection(truth):
    exposure = truth.good()[0]
    chip = exposure.chips["K"]
    x, y = np.array([0.0, 184.4, 184.6, 369.4]), np.array([0.0, 300.0, 300.0, 759.4])
    ra, dec = chip.wcs.wcs_pix2world(x, y, 0)
    place = exposure.place(ra, dec)
    np.testing.assert_array_equal(place.chip, 1)
    np.testing.assert_array_equal(place.amplifier, [0, 0, 1, 1])
    np.testing.assert_allclose(place.x, x, atol=1e-6)
    np.testing.assert_allclose(place.edge[[0, 3]], [0.2, 0.04], atol=1e-5)
    beside = chip.wcs.wcs_pix2world([-5.5, 5000.0], [10.0, 10.0], 0)
    place = exposure.place(*beside)
    np.testing.assert_array_equal(place.chip, -1)
    assert place.edge[0] == pytest.approx(-2.0, abs=1e-5)
    assert not place.live.any()


def test_a_dead_amplifier_is_a_border(truth):
    exposure = truth.good()[0]
    chip = exposure.chips["K"]
    dead = replace(chip.amplifiers[1], dead=True)
    chips = dict(exposure.chips) | {"K": replace(chip, amplifiers=(chip.amplifiers[0], dead))}
    place = replace(exposure, chips=chips).place(
        *chip.wcs.wcs_pix2world([179.5, 189.5], [300.0, 300.0], 0)
    )
    np.testing.assert_array_equal(place.live, [True, False])
    np.testing.assert_allclose(place.edge, [2.0, -2.0], atol=1e-5)


def test_the_distance_from_a_border():
    x, y = np.array([4.5, -1.5, -3.5, 20.0]), np.array([4.5, 4.5, -4.5, 4.5])
    np.testing.assert_allclose(inward(x, y, (10, 10)), [5, -1, -5, -10.5])


def test_isolation_counts_brighter_and_somewhat_fainter_neighbours():
    ra = np.array([10.0, 10.0, 10.0, 10.0])
    dec = np.array([0.0, 4.0, 8.0, 60.0]) / 3600
    mag = np.array([18.0, 19.9, 22.1, 20.0])
    np.testing.assert_array_equal(isolated(ra, dec, mag, 5.0, 2.0), [False, False, False, True])
    mag[1] = 20.1
    np.testing.assert_array_equal(isolated(ra, dec, mag, 5.0, 2.0), [True, False, False, True])
    np.testing.assert_array_equal(unblended(ra, dec, mag, 5.0, 0.2), [True, False, False, True])


def test_a_release_is_found_by_name_and_by_folder(tmp_path, monkeypatch):
    path = tmp_path / "results/mini/run/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("")
    monkeypatch.chdir(tmp_path)
    for release, config in (("mini", None), ("results/mini", None), (None, path)):
        found, root = locate(release, config)
        assert found.resolve() == path
        assert root.resolve() == tmp_path
    with pytest.raises(InputError, match="isn't built here"):
        locate("maxi", None)
    with pytest.raises(InputError, match="expected a release"):
        locate(None, None)


def test_a_release_from_real_frames_is_refused(tmp_path):
    with pytest.raises(DataError, match="no truth"):
        read_truth({"release": {"name": "dr1"}}, None, [], [], tmp_path)


def test_a_release_that_is_not_built_is_one_message(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["check", "mini"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "snakemake" in error
