"""Zero points and slopes go in and come out, whatever outliers, gaps and dead amplifiers do."""

import numpy as np
import pytest

from skymill.frames.zero_point import (
    AmplifierStars,
    fit_exposure,
    huber_line,
    middle_row,
    scale_factors,
)

SETTINGS = {"least_stars": 3, "least_stars_slope": 20, "huber": 1.35, "deviation": 0.5}


def stars(number, zp=28.5, slope=-9e-5, noise=0.04, outliers=0, seed=0):
    generator = np.random.default_rng(seed)
    t = generator.uniform(-576, 576, number)
    sigma = np.full(number, noise)
    difference = zp + slope * t + generator.normal(0, noise, number)
    difference[:outliers] += generator.uniform(0.5, 2, outliers)
    return AmplifierStars(t, difference, sigma)


def fit(own, faults=None, **changes):
    """Fit one chip, A."""
    faults = {"A": faults or [""] * len(own)}
    return fit_exposure({"A": own}, faults, {**SETTINGS, **changes})["A"]


def test_zero_points_and_slopes_come_out():
    truth = [(28.50 + 0.02 * k, -9e-5 + 1e-5 * k) for k in range(8)]
    points = fit([stars(45, zp, slope, seed=k) for k, (zp, slope) in enumerate(truth)])
    for point, (zp, slope) in zip(points, truth, strict=True):
        assert point.zp == pytest.approx(zp, abs=0.02)
        assert point.slope * 576 == pytest.approx(slope * 576, abs=0.03)
        assert not point.bad
        assert point.stars == 45
        assert point.rms == pytest.approx(0.04, rel=0.5)


def test_errors_are_honest():
    deviations = []
    for seed in range(200):
        point = fit([stars(40, seed=seed)])[0]
        deviations.append((point.zp - 28.5) / point.error)
    assert np.std(deviations) == pytest.approx(1.0, abs=0.2)


def test_outliers_hardly_pull():
    clean, spoilt = (fit([stars(45, outliers=n, seed=4)])[0] for n in (0, 6))
    assert spoilt.zp == pytest.approx(clean.zp, abs=0.02)
    least_squares = np.polyfit(
        *(getattr(stars(45, outliers=6, seed=4), n) for n in ("t", "difference")), 1
    )
    assert abs(least_squares[1] - 28.5) > 0.1


def test_a_shift_of_the_magnitudes_shifts_the_zero_point_alone():
    own = stars(30, seed=5)
    moved = AmplifierStars(own.t, own.difference + 0.7, own.sigma)
    first, second = fit([own])[0], fit([moved])[0]
    assert second.zp - first.zp == pytest.approx(0.7, abs=1e-6)
    assert second.slope == pytest.approx(first.slope, abs=1e-9)


def test_order_of_the_stars_does_not_matter():
    own = stars(30, outliers=3, seed=6)
    order = np.random.default_rng(1).permutation(30)
    mixed = AmplifierStars(own.t[order], own.difference[order], own.sigma[order])
    assert fit([own])[0].zp == pytest.approx(fit([mixed])[0].zp, abs=1e-9)


def test_few_stars_take_their_neighbours_slope():
    own = [stars(45, seed=k) for k in range(4)] + [stars(8, zp=28.6, seed=9)]
    point = fit(own)[4]
    assert point.slope == pytest.approx(np.mean([p.slope for p in fit(own)[:4]]), abs=3e-6)
    assert point.zp == pytest.approx(28.6, abs=0.04)
    assert point.stars == 8
    assert not point.bad


def test_a_star_poor_amplifier_takes_its_neighbours_zero_point_and_stays_good():
    own = [stars(45, zp=28.5 + 0.03 * k, seed=k) for k in range(5)] + [stars(2, seed=9)]
    point = fit(own)[5]
    assert not point.bad
    assert point.zp == pytest.approx(28.56, abs=0.03)
    assert point.stars == 0
    assert 0.02 < point.error < 0.1


def test_amplifiers_without_a_line_share_one():
    truth = [(28.4 + 0.05 * k, -9e-5) for k in range(8)]
    points = fit([stars(10, zp, slope, seed=k) for k, (zp, slope) in enumerate(truth)])
    assert len({point.slope for point in points}) == 1
    assert points[0].slope == pytest.approx(-9e-5, abs=3e-5)
    for point, (zp, _) in zip(points, truth, strict=True):
        assert point.zp == pytest.approx(zp, abs=0.04)


def test_a_few_outliers_hardly_pull_the_common_slope():
    own = [stars(12, zp=28.5 + 0.1 * k, outliers=1, seed=k) for k in range(8)]
    assert fit(own)[0].slope == pytest.approx(-9e-5, abs=3e-5)


def test_a_faulty_amplifier_has_no_part_in_the_common_slope():
    own = [stars(10, seed=k) for k in range(4)] + [stars(19, slope=5e-3, seed=4)]
    points = fit(own, ["", "", "", "", "masked"])
    assert points[0].slope == pytest.approx(-9e-5, abs=5e-5)


def test_a_chip_without_lines_asks_the_exposure():
    rich = {"A": [stars(45, seed=k) for k in range(4)], "B": [stars(6, zp=28.4, seed=9)]}
    points = fit_exposure(rich, {"A": [""] * 4, "B": [""]}, SETTINGS)
    assert points["B"][0].slope == pytest.approx(-9e-5, abs=3e-5)
    assert points["B"][0].zp == pytest.approx(28.4, abs=0.05)


def test_a_gross_deviation_makes_an_amplifier_bad_and_no_other():
    own = [stars(45, zp=zp, seed=k) for k, zp in enumerate((28.5, 28.6, 27.6, 28.4))]
    points = fit(own)
    assert [p.bad for p in points] == [False, False, True, False]
    assert "deviates by -0.8" in points[2].reason
    assert points[2].zp == pytest.approx(28.5, abs=0.1)


def test_a_fault_makes_an_amplifier_bad_whatever_its_fit():
    points = fit([stars(45, seed=k) for k in range(3)], ["", "masked", ""])
    assert [p.bad for p in points] == [False, True, False]
    assert points[1].reason == "masked"


def test_an_exposure_without_stars_has_no_zero_point():
    points = fit([stars(0), stars(0)])
    assert all(p.bad and np.isnan(p.zp) for p in points)
    assert scale_factors(points[0], slice(0, 5), 30.0).tolist() == [1.0] * 5


def test_scaling_brings_a_star_to_the_common_zero_point():
    point = fit([stars(60, noise=1e-4, seed=2)])[0]
    rows = slice(0, 1153)
    for y in (0, 576, 1152):
        adu = 10 ** (0.4 * (28.5 - 9e-5 * (y - middle_row(rows)) - 17.0))
        flux = adu * scale_factors(point, rows, 30.0)[y]
        assert 30 - 2.5 * np.log10(flux) == pytest.approx(17.0, abs=1e-3)


def test_a_line_needs_two_points():
    with pytest.raises(ValueError, match="at least 2"):
        huber_line(np.zeros(1), np.zeros(1), np.ones(1), 1.35)
