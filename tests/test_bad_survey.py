"""A survey that can't be planned: one clear message, exit code 1, nothing written."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from skymill.config import check_config, read_yaml
from skymill.errors import ConfigError
from skymill.paths import CONFIG, ROOT

TABLE = (CONFIG / "micro" / "exposures.csv").read_text()
FIRST = TABLE.splitlines()[1]
NAME = FIRST.split(",")[0]


def plan(folder: Path, exposures: str, *options: str) -> subprocess.CompletedProcess:
    """A dry run of the micro release with another exposure table."""
    (folder / "exposures.csv").write_text(exposures)
    (folder / "other.yaml").write_text(f"tables: {{exposures: {folder}/exposures.csv}}\n")
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-n",
        "-q",
        "--snakefile",
        str(ROOT / "Snakefile"),
    ]
    configs = [CONFIG / "config.yaml", CONFIG / "micro.yaml", folder / "other.yaml"]
    command += ["--directory", str(folder), "--configfile", *map(str, configs), *options]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE + FIRST + "\n", f"exposure '{NAME}' occurs twice"),
        (TABLE.replace("mjd,", "", 1), "missing columns ['mjd']"),
        (TABLE.replace("0000.000-30", "0007.000-30", 1), "unknown tile '0007.000-30'; known: 0000"),
        (TABLE.replace(",V,", ",Q,", 1), "unknown band 'Q'; known: V, I"),
        (TABLE.replace(",CTIO,", ",SSO,", 1), "unknown site 'SSO'; known: CTIO"),
    ],
    ids=["duplicate", "missing column", "unknown tile", "unknown band", "unknown site"],
)
def test_a_bad_exposure_table_stops_a_plan_before_anything_is_written(
    tmp_path: Path, table: str, message: str
):
    found = plan(tmp_path, table)
    assert found.returncode == 1
    assert message in found.stderr
    assert f"skymill: {tmp_path}/exposures.csv" in found.stderr
    assert "Traceback" not in found.stderr
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "data").exists()


def test_a_configuration_for_another_version_says_so():
    content = read_yaml(CONFIG / "config.yaml")
    check_config(content, "my.yaml")
    with pytest.raises(ConfigError, match=r"my\.yaml: version: is written for Skymill 0\.7, this"):
        check_config({**content, "version": "0.7", "novelty": {}}, "my.yaml")


def test_a_path_reaches_a_command_as_one_word_whatever_is_in_it(tmp_path: Path):
    """An exposure table comes from outside: its paths mustn't become words, or commands."""
    path = tmp_path / "my frames; $(touch made) 'here'" / "a b.fits"
    path.parent.mkdir()
    path.touch()
    lines = (ROOT / "resources/ks4_dr1/exposures.csv").read_text().splitlines()
    header = next(line for line in lines if not line.startswith("#"))
    row = dict(zip(header.split(","), lines[-1].split(","), strict=True)) | {"path": str(path)}
    (tmp_path / "exposures.csv").write_text(f"{header}\n{','.join(row.values())}\n")
    (tmp_path / "other.yaml").write_text(f"tables: {{exposures: {tmp_path}/exposures.csv}}\n")
    command = [sys.executable, "-m", "snakemake", "-n", "-p", "--quiet", "reason"]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(tmp_path)]
    command += [f"results/ks4_dr1/frames/{row['exposure']}.json", "--configfile"]
    command += [str(CONFIG / "ks4_dr1.yaml"), str(tmp_path / "other.yaml")]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    (line,) = [line for line in found.stdout.splitlines() if "skymill frames pixels" in line]
    words = shlex.split(line)
    assert words[words.index("--raw") + 1] == str(path)
