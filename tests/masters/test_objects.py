import numpy as np
import pytest

from skymill.geometry import cells_of_positions, unit_vectors
from skymill.io.parquet import table_schema
from skymill.masters.catalogues import MEASURED, Rows
from skymill.masters.cells import near_cell
from skymill.masters.identify import spatial_index
from skymill.masters.objects import objects, to_table
from skymill.masters.position import angles
from skymill.masters.selection import Cuts

CUTS = Cuts("auto", 4, 2.0, 5.0)
PLACES = {"four cells meet": (0.0, -30.0), "south pole": (40.0, -90.0), "north pole": (0.0, 90.0)}


@pytest.fixture
def crowd(synthetic):
    """Crowded rows of four tiles around a point: pairs and chains everywhere, borders too."""

    def make(ra, dec, count=1500, size=0.04):
        generator = np.random.default_rng(17)
        near = unit_vectors(ra, dec) + generator.uniform(-1, 1, (count, 3)) * np.radians(size)
        near /= np.linalg.norm(near, axis=1, keepdims=True)
        vectors = near[generator.integers(0, count, 3 * count)]
        vectors = vectors + generator.normal(0, np.radians(0.25 / 3600), vectors.shape)
        ra, dec = angles(vectors)
        flux = 10 ** generator.uniform(0, 2.5, ra.size)
        flags = generator.choice([0, 1, 4], ra.size, p=[0.8, 0.1, 0.1])
        columns = synthetic.band_columns(ra.size, flux, 1.0) | {"flags": flags}
        band = {name: np.asarray(columns[name], float) for name in MEASURED}
        error = np.full(ra.size, 0.05)
        tile = generator.integers(0, 4, ra.size)
        return Rows(ra, dec, error, error, np.ones(ra.size, int), tile, {"I": band})

    return make


def take(rows, index):
    """Some of the rows."""
    fields = ("ra", "dec", "ra_error", "dec_error", "detections", "tile")
    bands = {
        band: {n: v[index] for n, v in columns.items()} for band, columns in rows.bands.items()
    }
    return Rows(*(getattr(rows, name)[index] for name in fields), bands)


def whole(rows, order):
    """The objects of every cell of an order that the rows may touch, with all rows at hand."""
    cells = np.unique(cells_of_positions(rows.ra, rows.dec, order))
    return [objects(rows, int(cell), order, 0.5, CUTS, 0.4) for cell in cells]


@pytest.mark.parametrize("place", PLACES)
def test_cells_with_their_rims_make_up_the_whole(crowd, place):
    rows = crowd(*PLACES[place])
    index = spatial_index(rows.ra, rows.dec)
    pieces = []
    for cell in np.unique(cells_of_positions(rows.ra, rows.dec, 8)):
        near = np.flatnonzero(near_cell(index, int(cell), 8))
        pieces.append(objects(take(rows, near), int(cell), 8, 0.5, CUTS, 0.4))
    assert len(pieces) > 3
    assert sum(piece["ra"].size > 0 for piece in pieces) > 3
    one = whole(rows, 0)
    for name in one[0]:
        together = np.concatenate([piece[name] for piece in pieces])
        expected = np.concatenate([piece[name] for piece in one])
        np.testing.assert_array_equal(np.sort(together), np.sort(expected))
    identifiers = np.concatenate([piece["coadd_object_id"] for piece in pieces])
    assert np.unique(identifiers).size == identifiers.size
    assert (np.concatenate([piece["n_det"] for piece in pieces]) > 1).sum() > 300


def test_groups_do_cross_borders(crowd):
    """What the test above rests on: without rims, objects are cut in two."""
    rows = crowd(*PLACES["four cells meet"])
    cell = cells_of_positions(rows.ra, rows.dec, 12)
    count = 0
    for number in np.unique(cell):
        part = take(rows, np.flatnonzero(cell == number))
        count += objects(part, int(number), 12, 0.5, CUTS, 0.4)["ra"].size
    assert count != sum(piece["ra"].size for piece in whole(rows, 0))


def test_order_of_rows_does_not_matter(crowd):
    rows = crowd(120.0, -45.0)
    shuffled = take(rows, np.random.default_rng(2).permutation(rows.ra.size))
    for one, two in zip(whole(rows, 0), whole(shuffled, 0), strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], two[name])


def test_no_measurement_is_lost_or_used_twice(crowd):
    rows = crowd(120.0, -45.0)
    everything = Cuts("auto", 256, 0.0, 0.0)
    positive = take(rows, np.flatnonzero(rows.bands["I"]["flux_auto"] > 0))
    cell = int(cells_of_positions(120.0, -45.0, 0))
    found = objects(positive, cell, 0, 0.5, everything, 0.4)
    assert found["n_det"].sum() == positive.ra.size
    assert found["n_det"].max() <= 4


def test_position_is_the_mean_of_the_individual_detections(synthetic):
    band = {n: np.asarray(v, float) for n, v in synthetic.band_columns(2, 100.0, 1.0).items()}
    dec = -30 + np.array([0.0, 0.4]) / 3600
    rows = Rows(
        np.full(2, 10.0), dec, np.full(2, 0.03), np.full(2, 0.06), np.array([3, 1]),
        np.array([0, 1]), {"I": band},
    )  # fmt: skip
    cell = int(cells_of_positions(10.0, -30.0, 0))
    found = objects(rows, cell, 0, 0.5, CUTS, 0.4)
    assert found["dec"][0] == pytest.approx(-30 + 0.1 / 3600, abs=1e-10)
    assert found["ra_error"][0] == pytest.approx(np.hypot(3 * 0.03, 0.03) / 4)


def test_objects_without_a_significant_measurement_are_left_out(synthetic):
    columns = synthetic.band_columns(2, np.array([4.0, 6.0]), 1.0)
    band = {name: np.asarray(columns[name], float) for name in MEASURED}
    zero = np.zeros(2)
    rows = Rows(
        np.array([10.0, 10.1]),
        zero - 30,
        zero,
        zero,
        np.ones(2, int),
        np.zeros(2, int),
        {"I": band},
    )
    found = objects(rows, int(cells_of_positions(10.0, -30.0, 0)), 0, 0.5, CUTS, 0.4)
    np.testing.assert_array_equal(found["ra"], [10.1])


def test_galactic_coordinates(crowd):
    found = whole(crowd(266.405, -28.936, count=20, size=1e-4), 0)[0]
    np.testing.assert_allclose((found["glon"] + 180) % 360, 180, atol=0.01)
    np.testing.assert_allclose(found["glat"], 0, atol=0.01)


def test_table_has_nulls_only_where_a_value_is_unknown():
    schema = table_schema("single_master", ("I",))
    columns = {column.name: np.array([1.0, np.nan]) for column in schema.columns}
    columns["coadd_object_id"] = np.array([2**62 + 1, 5])
    table = to_table(columns, schema)
    assert table["coadd_object_id"][0] == 2**62 + 1
    np.testing.assert_array_equal(np.ma.getmaskarray(table["ndith_i"]), [False, True])
    assert np.isnan(table["mag_auto_i"][1])


def test_edge_of_a_band_without_detection_is_that_of_the_others(synthetic):
    columns = synthetic.band_columns(2, 100.0, 1.0) | {"edge": [1, 0]}
    seen = {name: np.asarray(columns[name], float) for name in MEASURED}
    unseen = {name: np.full(2, np.nan) for name in MEASURED}
    zero, one, ra = np.zeros(2), np.ones(2, int), np.array([10.0, 10.1])
    rows = Rows(ra, zero - 30, zero, zero, one, one - 1, {"B": unseen, "I": seen})
    found = objects(rows, int(cells_of_positions(10.0, -30.0, 0)), 0, 0.5, CUTS, 0.4)
    by_ra = np.argsort(found["ra"])
    np.testing.assert_array_equal(found["edge_b"][by_ra], [1, 0])
    assert np.isnan(found["ndith_b"]).all()
