"""The manifest: parents back to the raw frames, contradictions found, one hash for all."""

import hashlib
import itertools

import pytest

from skymill.errors import InputError
from skymill.release.manifest import Receipt, assemble, receipt_from, rooms, root_hash


def receipt(source: str, step: str, inputs: dict[str, str], outputs: dict[str, str]) -> Receipt:
    facts = {n: {"size": len(n), "sha256": h, "content": f"c{h}"} for n, h in outputs.items()}
    return Receipt(source, step, "s", "skymill", inputs, facts, True)


def road() -> list[Receipt]:
    """A raw frame, a master, a frame by way of an intermediate file, two stacks of it."""
    return [
        receipt("bias", "calibrations bias", {"raw/b1.fits": "b1"}, {"calib/bias.fits": "m"}),
        receipt(
            "import", "references import", {"external.fits": "x"}, {"reference/7.parquet": "g"}
        ),
        receipt(
            "pixels",
            "frames pixels",
            {"raw/a.fits": "a", "calib/bias.fits": "m"},
            {"run/work/a.pixels.fits": "p"},
        ),
        receipt(
            "calibrate",
            "frames calibrate",
            {"run/work/a.pixels.fits": "p", "reference/7.parquet": "g", "run/config.yaml": "k"},
            {"frames/a.fits": "f", "frames/a.json": "v"},
        ),
        receipt("combine", "tiles combine", {"frames/a.fits": "f"}, {"run/work/u.fits": "u"}),
        receipt("row", "sources homogenise", {"run/work/u.fits": "u"}, {"run/work/row.json": "r"}),
        receipt(
            "table",
            "sources table",
            {"run/work/row.json": "r", "run/work/u.fits": "u"},
            {"stacks/stacks.parquet": "t"},
        ),
    ]


def test_parents_of_lasting_files_are_lasting_files() -> None:
    entries = {entry.path: entry for entry in assemble(road())}
    assert entries["frames/a.fits"].parents == [
        "calib/bias.fits",
        "raw/a.fits",
        "reference/7.parquet",
    ]
    assert entries["stacks/stacks.parquet"].parents == ["frames/a.fits"]
    assert entries["reference/7.parquet"].parents == ["external.fits"]
    assert entries["raw/a.fits"].parents == []


def test_intermediate_files_do_not_appear() -> None:
    assert not [entry.path for entry in assemble(road()) if entry.path.startswith("run/")]


def test_kinds_and_facts() -> None:
    entries = {entry.path: entry for entry in assemble(road())}
    kinds = {path: entry.kind for path, entry in entries.items()}
    assert {path for path, kind in kinds.items() if kind == "product"} == {
        "calib/bias.fits",
        "frames/a.fits",
        "frames/a.json",
        "stacks/stacks.parquet",
    }
    frame = entries["frames/a.fits"]
    assert (frame.sha256, frame.content, frame.size) == ("f", "cf", 13)
    assert (frame.step, frame.settings, frame.software) == ("frames calibrate", "s", "skymill")
    assert (entries["raw/a.fits"].sha256, entries["raw/a.fits"].size) == ("a", None)


def test_order_of_receipts_does_not_matter() -> None:
    expected = assemble(road())
    assert all(assemble(order) == expected for order in itertools.permutations(road(), 7))


def test_every_parent_is_itself_an_entry() -> None:
    entries = assemble(road())
    paths = {entry.path for entry in entries}
    assert all(set(entry.parents) <= paths for entry in entries)


def test_two_versions_of_one_product_are_refused() -> None:
    again = receipt("again", "frames again", {}, {"frames/a.fits": "other"})
    with pytest.raises(InputError, match=r"frames/a\.fits: written twice.*calibrate.*again"):
        assemble([*road(), again])


def test_the_same_product_twice_is_fine() -> None:
    again = receipt("again", "frames again", {}, {"frames/a.fits": "f"})
    assert len(assemble([*road(), again])) == len(assemble(road()))


def test_an_outdated_product_is_found() -> None:
    stale = receipt("late", "tiles late", {"frames/a.fits": "before"}, {"stacks/x.fits": "y"})
    with pytest.raises(
        InputError,
        match=r"frames/a\.fits.*late.*another version.*out of date.*the file and both",
    ):
        assemble([*road(), stale])


def test_an_intermediate_file_that_nobody_recorded_is_found() -> None:
    lost = receipt("lost", "tiles lost", {"run/work/z.fits": "z"}, {"stacks/x.fits": "y"})
    with pytest.raises(InputError, match=r"run/work/z\.fits.*no receipt says"):
        assemble([*road(), lost])


def test_two_inputs_of_one_name_are_found() -> None:
    other = receipt("other", "frames pixels", {"raw/a.fits": "different"}, {"frames/x.fits": "y"})
    with pytest.raises(InputError, match=r"files of this name with different content"):
        assemble([*road(), other])


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"step": "a"},
        [],
        {"step": "a", "settings": "", "software": "", "inputs": [], "outputs": 1},
    ],
)
def test_what_is_no_receipt_is_refused(content: object) -> None:
    with pytest.raises(InputError, match="isn't a receipt"):
        receipt_from(content, "r.json")


def test_root_hash_is_that_of_the_sha256sum_tool() -> None:
    text = "0a  x/b\n1b  a\nff  x/a\n"
    files = [("ff", "x/a"), ("0a", "x/b"), ("1b", "a")]
    assert root_hash(files) == hashlib.sha256(text.encode()).hexdigest()


def test_root_hash_sees_names_and_contents() -> None:
    files = [("aa", "x"), ("bb", "y")]
    others = [[("aa", "y"), ("bb", "x")], [("aa", "x"), ("bc", "y")], files[:1], []]
    assert len({root_hash(f) for f in [files, *others]}) == 5


def test_rooms_count_products_only() -> None:
    counts = rooms(assemble(road()))
    assert counts == {
        "calibrations": {"files": 1, "bytes": 15},
        "frames": {"files": 2, "bytes": 26},
        "sources": {"files": 1, "bytes": 21},
    }
