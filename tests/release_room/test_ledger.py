"""The manifest on disk, and its verification, on a made-up release."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from skymill import pin
from skymill.__main__ import main
from skymill.io.parquet import read_table, table_schema

OUT = Path("results/fake")
MANIFEST = ["release", "manifest", "--config", "config.yaml", "--receipts", "receipts.txt"]
MANIFEST += ["--json", f"{OUT}/manifest.json", "--table", f"{OUT}/manifest.parquet"]
VERIFY = ["release", "verify", "--config", "config.yaml"]
TILE = OUT / "hips/B/Norder10/Dir120000/Npix123456.png"


@pytest.fixture
def built(fake):
    """A made-up release with its manifest."""
    release = fake(size=32, objects=40)
    assert main(MANIFEST) == 0
    return release


def test_the_table_holds_every_product_once_by_schema(built) -> None:
    table = read_table(OUT / "manifest.parquet")
    assert table.colnames == table_schema("manifest").names
    products = table[np.asarray(table["kind"]) == "product"]
    on_disk = {
        path.relative_to(OUT).as_posix()
        for path in OUT.rglob("*")
        if path.is_file() and path.relative_to(OUT).parts[0] not in ("run", "hips")
    } - {"manifest.json", "manifest.parquet"}
    assert set(products["path"]) == on_disk | {"hips/cells/100.parquet"}
    assert list(table["path"]) == sorted(set(table["path"]))


def test_a_stack_descends_from_its_frames_and_a_frame_from_its_raw_file(built) -> None:
    rows = {row["path"]: row for row in read_table(OUT / "manifest.parquet")}
    parents = rows["stacks/0000.000-30/V/image.fits"]["parents"].split("\n")
    assert {name.split("/")[0] for name in parents} == {"frames"}
    frame = rows[parents[0]]["parents"].split("\n")
    assert [name.split("/")[0] for name in frame] == ["calib", "raw", "reference"]
    raw = rows[frame[1]]
    assert raw["kind"] == "input"
    assert raw["size"] == Path("data/fake", frame[1]).stat().st_size


def test_the_identity_counts_and_carries_no_clock(built) -> None:
    facts = json.loads((OUT / "manifest.json").read_text())
    table = read_table(OUT / "manifest.parquet")
    products = table[np.asarray(table["kind"]) == "product"]
    assert facts["files"] == len(products)
    assert facts["bytes"] == products["size"].sum()
    assert facts["bytes"] == sum(room["bytes"] for room in facts["rooms"].values())
    assert facts["pin"] == pin.PIN
    assert facts["pinned"] is pin.is_pinned()
    assert bool(facts["unpinned"]) is not pin.is_pinned()
    first = (OUT / "manifest.json").read_bytes(), (OUT / "manifest.parquet").read_bytes()
    for path in OUT.rglob("*.json"):
        os.utime(path, (1, 1))
    assert main(MANIFEST) == 0
    assert first == ((OUT / "manifest.json").read_bytes(), (OUT / "manifest.parquet").read_bytes())


def test_commands_that_ran_unpinned_are_in_the_manifest(built) -> None:
    names = Path("receipts.txt").read_text().splitlines()
    for number, name in enumerate(names):
        content = json.loads(Path(name).read_text())
        Path(name).write_text(json.dumps(content | {"pinned": number >= 2}))
    assert main(MANIFEST) == 0
    facts = json.loads((OUT / "manifest.json").read_text())
    assert facts["pinned"] is False
    assert sum(facts["unpinned"].values()) == 2


def test_the_root_hash_can_be_had_with_common_tools(built) -> None:
    table = read_table(OUT / "manifest.parquet", ["path", "kind"])
    names = [row["path"] for row in table if row["kind"] == "product"]
    line = "xargs sha256sum | LC_ALL=C sort | sha256sum"
    found = subprocess.run(
        line,
        shell=True,
        cwd=OUT,
        input="\n".join(names),
        capture_output=True,
        text=True,
        check=True,
    )
    root = json.loads((OUT / "manifest.json").read_text())["root_hash"]
    assert found.stdout.split()[0] == root


def test_a_missing_product_is_named_with_its_step_and_no_manifest_written(built, capsys) -> None:
    (OUT / "frames/c003V.json").unlink()
    assert main(MANIFEST) == 1
    message = capsys.readouterr().err
    assert "frames/c003V.json: no such file; 'frames calibrate' wrote" in message
    assert "snakemake --force results/fake/frames/c003V.json" in message


def test_a_truncated_product_is_named(built, capsys) -> None:
    path = OUT / "stacks/0000.000-30/V/image.fits"
    path.write_bytes(path.read_bytes()[:-100])
    assert main(MANIFEST) == 1
    assert "stacks/0000.000-30/V/image.fits: has" in capsys.readouterr().err


def test_a_raw_frame_may_have_left(built) -> None:
    Path("data/fake/raw/c003V.fits").unlink()
    assert main(MANIFEST) == 0
    table = read_table(OUT / "manifest.parquet")
    size = table["size"][list(table["path"]).index("raw/c003V.fits")]
    assert np.ma.is_masked(size)


@pytest.mark.parametrize("content", ["", "[]", '{"step": 1}'])
def test_a_broken_receipt_is_named(built, capsys, content: str) -> None:
    Path(built.receipts[3]).write_text(content)
    assert main(MANIFEST) == 1
    assert built.receipts[3] in capsys.readouterr().err


def test_verify_accepts_what_was_built(built, capsys) -> None:
    assert main(VERIFY) == 0
    root = json.loads((OUT / "manifest.json").read_text())["root_hash"]
    text = capsys.readouterr().out
    assert root in text
    assert "1 sky tiles" in text


def test_verify_names_what_differs(built, capsys) -> None:
    path = OUT / "maps/0000.000-30/zp_map_0000.000-30_V_single_AUTO.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    TILE.write_text("another tile")
    (OUT / "frames/c000B.fits").unlink()
    (OUT / "frames/stray.fits").write_text("left over")
    assert main(VERIFY) == 1
    shown = capsys.readouterr()
    assert f"{path.relative_to(OUT)}: has other content of the same size" in shown.out
    assert "frames/c000B.fits: missing" in shown.out
    assert f"{TILE.relative_to(OUT)}: has 12 bytes, expected 10" in shown.out
    assert "frames/stray.fits: isn't in the manifest" in shown.out
    assert "3 of " in shown.err


def test_verify_sees_a_changed_manifest(built, capsys) -> None:
    facts = json.loads((OUT / "manifest.json").read_text())
    facts["root_hash"] = "0" * 64
    (OUT / "manifest.json").write_text(json.dumps(facts))
    assert main(VERIFY) == 1
    assert "its root hash is 000" in capsys.readouterr().err
    (OUT / "manifest.json").write_text("{}")
    assert main(VERIFY) == 1
    assert "isn't a manifest" in capsys.readouterr().err
    (OUT / "manifest.json").unlink()
    assert main(VERIFY) == 1
    assert "isn't built" in capsys.readouterr().err


def test_verify_sees_a_changed_table(built, capsys) -> None:
    path = OUT / "manifest.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    assert main(VERIFY) == 1
    assert "isn't the table" in capsys.readouterr().err
