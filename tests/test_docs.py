"""The documents are true: graph and columns are current, the rooms in one order everywhere."""

import re
import subprocess
import sys

from skymill.__main__ import ROOMS
from skymill.bits import FLAG_MEANING, MASK_MEANING, REASON_MEANING
from skymill.config import load_config, read_yaml
from skymill.paths import ROOT


def test_the_readme_s_graph_is_current():
    check = [sys.executable, "docs/graph.py", "--check"]
    assert subprocess.run(check, cwd=ROOT).returncode == 0


def test_the_columns_are_current():
    check = [sys.executable, "docs/columns.py", "--check"]
    assert subprocess.run(check, cwd=ROOT).returncode == 0


def test_the_rooms_have_one_order():
    """Command line, Snakefile, configuration, schema and overview."""
    rooms = list(ROOMS)
    includes = re.findall(r'"workflow/rules/(\w+)\.smk"', (ROOT / "Snakefile").read_text())
    assert includes == ["common", *rooms, "environments"]
    overview = (ROOT / "docs" / "overview.md").read_text()
    assert re.findall(r"^## (\w+)$", overview, flags=re.MULTILINE) == rooms
    config = [name for name in load_config(ROOT / "config/config.yaml") if name in rooms]
    assert config == ["release", *rooms[:-1]]
    schema = read_yaml(ROOT / "config/schemas/config.yaml")["properties"]
    assert [name for name in schema if name in rooms] == ["release", *rooms[:-1]]


def test_the_overview_names_every_command():
    overview = (ROOT / "docs" / "overview.md").read_text()
    for room in ROOMS:
        text = (ROOT / "workflow" / "rules" / f"{room}.smk").read_text()
        for step in set(re.findall(rf"-m skymill {room} (\w+)", text)):
            assert f"`{step}`" in overview or f"`{room} {step}`" in overview, (room, step)


def test_the_data_model_lists_every_bit():
    text = (ROOT / "docs" / "data-model.md").read_text()
    for bit, meaning in [*MASK_MEANING.items(), *FLAG_MEANING.items(), *REASON_MEANING.items()]:
        assert f"| {int(bit)} | {meaning} |\n" in text


def test_links_of_the_documents_lead_somewhere():
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / link).exists(), (path.name, link)


def test_every_step_of_the_frames_has_its_picture():
    from skymill.frames.pixels import STEPS

    text = (ROOT / "docs" / "frames.md").read_text()
    names = ["overscan", *(step.__name__ for step in STEPS), "sky", "astrometry", "zero_points"]
    assert re.findall(r"\]\(effects/(\w+)\.png\)", text) == names
    assert sorted(path.stem for path in (ROOT / "docs" / "effects").iterdir()) == sorted(names)


def test_the_frames_document_names_every_section_of_thresholds():
    config = load_config(ROOT / "config" / "config.yaml")["frames"]
    text = (ROOT / "docs" / "frames.md").read_text()
    missing = [name for name in config if f"`frames.{name}" not in text]
    assert not missing
