import numpy as np
import pytest

from skymill.geometry import separation, unit_vectors
from skymill.masters.band_merge import closest_pairs, merge_bands, merge_positions
from skymill.masters.catalogues import MEASURED, POSITION

ORDER = ["B", "V", "R", "I"]


@pytest.fixture
def tables(synthetic):
    """Bands at given declination offsets in arcsec: None, or a list of offsets."""

    def make(flux=100.0, **offsets):
        found = {}
        for band in ORDER:
            dec = -30 + np.array(offsets.get(band, []), float) / 3600
            table = synthetic.single(np.full(dec.size, 10.0), dec, flux)
            found[band] = table[[*POSITION, *MEASURED]]
        return found

    return make


def sources(rows):
    """For each source, the bands in which it was detected."""
    return [
        "".join(b for b in ORDER if np.isfinite(rows.bands[b]["flux_auto"][k]))
        for k in range(rows.ra.size)
    ]


def test_one_source_in_all_bands(tables):
    rows = merge_bands(tables(B=[0], V=[0.2], R=[-0.2], I=[0.4]), ORDER, 0.8, tile=3)
    assert sources(rows) == ["BVRI"]
    assert rows.dec[0] == pytest.approx(-30 + 0.1 / 3600, abs=1e-9)
    assert rows.detections[0] == 4
    assert rows.tile[0] == 3
    assert rows.ra_error[0] == pytest.approx(0.02 / 2)
    assert rows.dec_error[0] == pytest.approx(0.03 / 2)


def test_a_band_without_detection_is_null(tables):
    rows = merge_bands(tables(V=[0], I=[0.1]), ORDER, 0.8, tile=0)
    assert sources(rows) == ["VI"]
    assert all(np.isnan(rows.bands["B"][name]).all() for name in MEASURED)


@pytest.mark.parametrize(("apart", "count"), [(0.79, 1), (0.81, 2)])
def test_radius(tables, apart, count):
    assert merge_bands(tables(B=[0], I=[apart]), ORDER, 0.8, 0).ra.size == count


def test_closest_pair_first_and_nothing_lost(tables):
    rows = merge_bands(tables(B=[0, 0.7], V=[0.6]), ORDER, 0.8, 0)
    assert sorted(sources(rows)) == ["B", "BV"]
    both = sources(rows).index("BV")
    assert rows.dec[both] == pytest.approx(-30 + 0.65 / 3600, abs=1e-9)


def test_the_second_choice_when_the_first_is_taken(tables):
    rows = merge_bands(tables(B=[0, 0.5], V=[0.4, 0.45]), ORDER, 0.8, 0)
    assert sources(rows) == ["BV", "BV"]


def test_order_of_bands_matters_as_the_paper_has_it(tables):
    """B and V 1.2″ apart share an R in between with whichever list is merged first."""
    chain = tables(B=[0], V=[1.2], R=[0.6])
    assert sources(merge_bands(chain, ["B", "R", "V", "I"], 0.8, 0)) == ["BR", "V"]
    assert sources(merge_bands(chain, ["V", "R", "B", "I"], 0.8, 0)) == ["VR", "B"]


def test_many_sources_keep_every_detection_once(synthetic):
    generator = np.random.default_rng(8)
    ra, dec = generator.uniform(-0.05, 0.05, 2000) % 360, generator.uniform(-30.05, -30, 2000)
    lists = []
    for _ in ORDER:
        seen = generator.random(2000) < 0.7
        lists.append(synthetic.jittered(ra[seen], dec[seen], 0.05, generator))
    source = merge_positions(lists, 0.8)
    count = max(index.max() for index in source) + 1
    for index in source:
        assert np.unique(index).size == index.size
    assert np.unique(np.concatenate(source)).size == count
    assert count == pytest.approx(2000 * (1 - 0.3**4), rel=0.01)


def test_order_of_rows_does_not_matter(synthetic):
    generator = np.random.default_rng(9)
    lists = [
        (generator.uniform(0, 0.004, 300), generator.uniform(60, 60.002, 300)) for _ in range(3)
    ]
    shuffles = [generator.permutation(300) for _ in lists]
    source = merge_positions(lists, 0.8)
    again = merge_positions([(r[s], d[s]) for (r, d), s in zip(lists, shuffles, strict=True)], 0.8)
    merged = set()
    for k in range(max(index.max() for index in source) + 1):
        merged.add(tuple(tuple(np.flatnonzero(index == k)) for index in source))
    found = set()
    for k in range(max(index.max() for index in again) + 1):
        rows = [np.sort(s[index == k]) for s, index in zip(shuffles, again, strict=True)]
        found.add(tuple(tuple(row) for row in rows))
    assert found == merged


def test_pairs_across_ra_zero_and_at_the_pole():
    for first, second in [((359.9999, -30), (0.00005, -30)), ((0, 89.9999), (180, 89.99995))]:
        radius = separation(*first, *second) * 1.01
        one, two = (unit_vectors(*np.array([p], float).T) for p in (first, second))
        i, j = closest_pairs(one, two, radius)
        assert list(i) == list(j) == [0]
        assert closest_pairs(one, two, radius / 1.02)[0].size == 0


def test_no_detections(tables):
    rows = merge_bands(tables(), ORDER, 0.8, 0)
    assert rows.ra.size == rows.bands["I"]["flux_auto"].size == 0
