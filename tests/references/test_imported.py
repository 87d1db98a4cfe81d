"""A release takes an import's cells by their checksums, and no rule asks the network."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from astropy.io import fits

from skymill.__main__ import main
from skymill.errors import InputError
from skymill.io.parquet import read_table
from skymill.masters.dust import reddening
from skymill.paths import CONFIG, ROOT
from skymill.references.survey import load_survey
from skymill.simulate.dust import polar_cards, polar_map

from .conftest import gaia_source, gspc

GUARD = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind"):
        raise PermissionError(f"network: {event} {arguments[1:]}")

sys.addaudithook(refuse)
"""


@pytest.fixture
def imported(importing, tmp_path):
    """An import of Gaia XP's synthetic photometry; its record."""
    gspc().write(tmp_path / "gspc.fits")
    line = ["--catalogue", "gaiaxp", "--source", tmp_path / "gspc.fits"]
    assert importing(*line, "--folder", tmp_path / "store") == 0
    return tmp_path / "store/record.json"


@pytest.fixture
def take(importing, cells, tmp_path):
    """Take cells from an import; gives the exit code."""

    def run(record, *options, catalogue="gaiaxp", cells=cells):
        line = ["--catalogue", catalogue, "--source", record, "--folder", tmp_path / "taken"]
        return importing(*line, "--cells", *cells, *options)

    return run


def test_a_release_takes_the_cells_as_they_were_imported(take, imported, cells, tmp_path):
    receipt = tmp_path / "receipt.json"
    assert take(imported, "--receipt", receipt, cells=cells[1:]) == 0
    for cell in cells[1:]:
        first, second = (read_table(tmp_path / f / f"{cell}.parquet") for f in ("store", "taken"))
        assert first.as_array().tolist() == second.as_array().tolist()
    record = json.loads((tmp_path / "taken/record.json").read_text())
    assert list(record["cells"]) == [str(cell) for cell in cells[1:]]
    assert record["surveys"] == json.loads(imported.read_text())["surveys"]
    assert list(json.loads(receipt.read_text())["inputs"]) == ["record.json"]


def test_a_release_of_fewer_bands_takes_its_own(imported, cells, tmp_path):
    config = yaml.safe_load((CONFIG / "config.yaml").read_text())
    config["bands"] = ["V", "I"]
    (tmp_path / "fewer.yaml").write_text(yaml.safe_dump(config))
    line = ["references", "import", "--config", tmp_path / "fewer.yaml", "--catalogue", "gaiaxp"]
    line += ["--source", imported, "--cells", cells[0], "--folder", tmp_path / "taken"]
    assert main([str(word) for word in line]) == 0
    names = read_table(tmp_path / f"taken/{cells[0]}.parquet").colnames
    assert "mag_v" in names
    assert "mag_b" not in names


def test_what_an_import_lacks_is_one_message(take, imported, capsys):
    assert take(imported, cells=[4111, 7]) == 1
    assert "it lacks 1 of 2 cells, such as 7. Run `skymill references import` again" in (
        capsys.readouterr().err
    )
    assert take(imported, catalogue="gaia") == 1
    assert "catalogue gaiaxp; expected gaia" in capsys.readouterr().err
    record = json.loads(imported.read_text())
    for change, said in (
        ({"bands": ["V"]}, "it lacks the bands B, R, I"),
        ({"order": 6}, "order 6; expected 5"),
    ):
        imported.write_text(json.dumps({**record, **change}))
        assert take(imported) == 1
        assert said in capsys.readouterr().err
    for text, said in (
        ("[]", "top level: got []"),
        ("{", "expected a JSON file"),
        ('{"catalogue": 7}', "missing key 'order', 'bands', 'surveys', 'cells'"),
    ):
        imported.write_text(text)
        assert take(imported) == 1
        assert said in capsys.readouterr().err


def test_a_cell_that_has_changed_is_refused(take, imported, cells, capsys, tmp_path):
    path = imported.parent / f"{cells[2]}.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    assert take(imported) == 1
    message = capsys.readouterr().err
    assert f"{cells[2]}.parquet: SHA-256 " in message
    assert "isn't what was imported" in message
    assert not (tmp_path / "taken/record.json").exists()
    path.unlink()
    assert take(imported) == 1
    assert "can't be read" in capsys.readouterr().err


def test_an_import_by_another_description_is_refused(take, imported, capsys):
    """A colour term that changes afterwards must not leave old magnitudes behind."""
    record = json.loads(imported.read_text())
    assert record["surveys"][0]["description"] == load_survey("gaiaxp_gspc").hash
    record["surveys"][0]["description"] = "0123456789abcdef"
    imported.write_text(json.dumps(record))
    assert take(imported) == 1
    assert "resources/references/gaiaxp_gspc.yaml has changed since" in capsys.readouterr().err


@pytest.fixture
def guarded(tmp_path):
    """Run a command in which every use of the network raises."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard/sitecustomize.py").write_text(GUARD)
    path = os.pathsep.join([str(tmp_path / "guard"), str(ROOT / "workflow")])

    def run(*words):
        line = [sys.executable, "-m", "skymill", *map(str, words)]
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True)

    return run


def rule_words(**values):
    """The rule's own command, its placeholders filled in."""
    text = (ROOT / "workflow/rules/references.smk").read_text()
    shell = "".join(re.findall(r'^ +"([^"]*)"$', text[text.index("shell:") :], flags=re.MULTILINE))
    command = shell.removeprefix("python -m skymill ").partition(" > ")[0]
    for name, value in values.items():
        command = command.replace("{" + name + "}", str(value))
    assert "{" not in command
    return command.split()


@pytest.mark.parametrize("source", ["record", "file"])
def test_the_rule_s_command_never_uses_the_network(guarded, imported, cells, tmp_path, source):
    path = imported if source == "record" else tmp_path / "gspc.fits"
    words = rule_words(
        **{
            "params.config": tmp_path / "config.yaml",
            "wildcards.catalogue": "gaiaxp",
            "input.source:q": path,
            "params.numbers": " ".join(map(str, cells)),
            "params.folder": tmp_path / "taken",
            "output.receipt": tmp_path / "receipt.json",
        }
    )
    run = guarded(*words)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "receipt.json").exists()


def test_the_guard_does_stop_what_uses_the_network(guarded, server, cells, tmp_path):
    line = ["references", "import", "--config", CONFIG / "config.yaml", "--catalogue", "gaia"]
    run = guarded(*line, "--tap", server.url, "--tries", "1", "--folder", tmp_path / "a")
    assert run.returncode == 1
    assert "network: socket." in run.stderr
    assert not server.queries


def test_no_rule_asks_a_service():
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        assert "--tap" not in path.read_text(), path.name


def test_a_step_without_tap_doesn_t_load_pyvo(imported, cells, tmp_path):
    code = (
        "import sys; from skymill.__main__ import main; main(sys.argv[1:]); "
        "sys.exit('pyvo' in sys.modules or 'requests' in sys.modules)"
    )
    words = ["references", "import", "--config", tmp_path / "config.yaml", "--catalogue", "gaiaxp"]
    words += ["--source", imported, "--cells", cells[0], "--folder", tmp_path / "taken"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}
    line = [sys.executable, "-c", code, *map(str, words)]
    assert subprocess.run(line, cwd=ROOT, env=environment, capture_output=True).returncode == 0


def test_the_dust_maps_come_by_checksum(importing, tmp_path, capsys):
    source = tmp_path / "downloaded"
    source.mkdir()
    for pole, north in (("ngp", True), ("sgp", False)):
        image = polar_map(np.random.default_rng(1), 64, north, 0.05)
        header = fits.Header(polar_cards(64, north))
        fits.PrimaryHDU(image.astype(np.float32), header).writeto(
            source / f"SFD_dust_4096_{pole}.fits"
        )
    line = ["--catalogue", "sfd", "--source", source, "--folder", tmp_path / "sfd"]
    assert importing(*line) == 0
    record = json.loads((tmp_path / "sfd/record.json").read_text())
    assert sorted(record["files"]) == ["SFD_dust_4096_ngp.fits", "SFD_dust_4096_sgp.fits"]
    assert "EWCNL5" in "".join(record["citation"])
    where = np.array([10.0]), np.array([-70.0])
    assert reddening(*where, tmp_path / "sfd") == reddening(*where, source)
    name = "SFD_dust_4096_sgp.fits"
    assert importing(*line, checksums={name: "0" * 64}) == 1
    assert f"{name}: SHA-256 {record['files'][name]['sha256']}; expected 000" in (
        capsys.readouterr().err
    )
    damaged = bytearray((tmp_path / "sfd" / name).read_bytes())
    damaged[-3000] ^= 1
    (tmp_path / "sfd" / name).write_bytes(bytes(damaged))
    with pytest.raises(InputError, match="isn't what was imported"):
        reddening(*where, tmp_path / "sfd")
    shutil.rmtree(tmp_path / "sfd")
    (source / name).unlink()
    assert importing(*line) == 1
    assert f"expected {name} there" in capsys.readouterr().err
    gaia_source().write(source / name)
    assert importing(*line, checksums={}) == 1
    assert "it is no image with a projection" in capsys.readouterr().err
    assert not (tmp_path / "sfd").exists()
