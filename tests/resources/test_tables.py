"""The tables' schemas: well formed, with units and UCDs that the Virtual Observatory knows."""

from dataclasses import replace

import pytest
from astropy.io.votable.ucd import parse_ucd
from astropy.units import Unit

from skymill.errors import ConfigError
from skymill.io.parquet import table_schema
from skymill.paths import RESOURCES
from skymill.schema import load_schema, read_yaml_text, validate

NAMES = sorted(path.stem for path in (RESOURCES / "tables").glob("*.yaml"))
TILE = ("single", "idual", "single_instrumental", "idual_instrumental")
BANDS = ("B", "V", "R", "I")


def content(name: str) -> dict:
    return read_yaml_text((RESOURCES / "tables" / f"{name}.yaml").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_as_declared(name):
    validate(content(name), load_schema("table"), name)


@pytest.mark.parametrize(
    "change", [{"type": "float"}, {"minimun": 0}, {"bits": "colours"}, {"nullable": "no"}]
)
def test_a_schema_with_a_mistake_is_refused(change):
    broken = content("single")
    broken["columns"][0] |= change
    with pytest.raises(ConfigError):
        validate(broken, load_schema("table"), "single")


@pytest.mark.parametrize("name", NAMES)
def test_units_ucds_and_ranges_are_valid(name):
    schema = table_schema(name, BANDS)
    assert len(set(schema.names)) == len(schema.names)
    for column in schema.columns:
        Unit(column.unit, format="vounit", parse_strict="raise")
        if column.ucd:
            parse_ucd(column.ucd, check_controlled_vocabulary=True)
        if None not in (column.minimum, column.maximum):
            assert column.minimum < column.maximum
        assert not column.bits or column.type == "int16"
    for names in schema.ascending:
        assert set(names) <= set(schema.names)


@pytest.mark.parametrize("name", TILE)
def test_every_column_of_a_tile_catalogue_has_a_ucd(name):
    for bands in ((), ("V",)):
        assert all(column.ucd for column in table_schema(name, bands).columns)


def test_both_catalogues_of_a_tile_say_the_same_of_a_column():
    """Idual's columns are single's, one a band, but for what the bands share."""
    for kind in ("", "_instrumental"):
        single = {c.name: c for c in table_schema(f"single{kind}").columns}
        idual = {c.name.removesuffix("_v"): c for c in table_schema(f"idual{kind}", ("V",)).columns}
        for name in set(single) & set(idual):
            column, other = single[name], idual[name]
            ucd = other.ucd.removesuffix(";em.opt.V")
            assert column == replace(other, name=name, ucd=ucd)
