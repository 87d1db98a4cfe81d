"""Catalogues from TAP services: on good days, on bad ones, and killed in the middle."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from astropy.table import vstack

from skymill.errors import ConfigError, InputError
from skymill.io.parquet import read_table
from skymill.paths import CONFIG, ROOT
from skymill.references.survey import load_survey
from skymill.references.tap import Manners, TapClient
from skymill.references.tap_session import check_url

QUICK = ("--pause", "0", "--timeout", "1", "--tries", "3")
AT_ONCE = Manners(pause=0, timeout=1, tries=3, first_wait=0.01, longest_wait=0.05, poll=0.01)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Waits are a hundredth as long."""
    monkeypatch.setattr("skymill.references.tap.sleep", lambda seconds: time.sleep(seconds / 100))


@pytest.fixture
def fetch(importing, server, cells, tmp_path):
    """Import from the service into a folder; gives the exit code."""

    def run(catalogue="gaia", folder="a", cells=cells, options=QUICK, **references):
        line = ["--catalogue", catalogue, "--tap", server.url, "--folder", tmp_path / folder]
        return importing(*line, "--cells", *cells, *options, **references)

    return run


def rows(folder, cells):
    return vstack([read_table(folder / f"{cell}.parquet") for cell in cells])


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_row_arrives_once_with_its_motion_and_a_record_says_whence(
    fetch, server, tables, cells, tmp_path
):
    assert fetch() == 0
    found = rows(tmp_path / "a", cells)
    expected = tables["gaiadr3.gaia_source"].copy()
    expected.sort("source_id")
    found.sort("source_id")
    for name in ("source_id", "ra", "dec"):
        np.testing.assert_array_equal(found[name], expected[name])
    for name in ("pmra", "pmdec", "ref_epoch", "bp_rp"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6)
    record = json.loads((tmp_path / "a/record.json").read_text())
    assert record["rows"] == len(expected)
    assert list(record["cells"]) == [str(cell) for cell in cells]
    assert record["surveys"][0]["epoch"].startswith("J2016.0")
    assert record["surveys"][0]["licence"].startswith("CC BY-SA")
    assert record["surveys"][0]["tap"] == {"url": server.url, "table": "gaiadr3.gaia_source"}
    asked = [query for cell in cells for query in record["cells"][str(cell)]["queries"]]
    assert asked == server.queries
    assert "2026" not in (tmp_path / "a/record.json").read_text()


def test_the_same_rows_in_another_order_are_the_same_bytes(fetch, server, tmp_path):
    assert fetch() == 0
    server.queries.append("so that rows come in another order")
    assert fetch(folder="b") == 0
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_the_gaia_archives_synthetic_photometry_becomes_ab(fetch, cells, tmp_path):
    assert fetch("gaiaxp") == 0
    found = rows(tmp_path / "a", cells)
    found.sort("source_id")
    for k, (band, offset) in enumerate(zip("bvri", (-0.09, 0.02, 0.21, 0.45), strict=True)):
        vega = 15.0 + k + np.arange(len(found)) / 1000
        np.testing.assert_allclose(found[f"mag_{band}"], vega + offset, atol=2e-6)
        np.testing.assert_allclose(found[f"magerr_{band}"], 0.010857, rtol=1e-4)


def test_apass_and_skymapper_follow_ks4_s_relations(fetch, cells, server, tmp_path):
    assert fetch("apass", "apass") == 0
    first = rows(tmp_path / "apass", cells)
    first = first[first["source_id"] == 1][0]
    # B − V = −0.1, r − i = −0.1
    assert first["mag_b"] == pytest.approx(15 - 0.09 - 0.27 * (-0.1 - 0.11), abs=1e-5)
    assert first["mag_v"] == pytest.approx(15.12, abs=1e-5)
    assert first["mag_r"] == pytest.approx(15.2 - 0.0576 - 0.3718 * (-0.1 - 0.2589), abs=1e-5)
    assert first["mag_i"] == pytest.approx(15.3, abs=1e-5)
    assert '"r\'mag", "e_r\'mag"' in server.queries[0]
    assert fetch("skymapper", "dr4", options=(*QUICK, "--survey", "skymapper_dr4")) == 0
    assert "FROM dr4.master" in server.queries[-1]
    assert fetch("skymapper", "dr3") == 0
    assert "FROM dr3.master" in server.queries[-1]


def test_the_pool_joins_surveys_by_position(fetch, cells, tables, tmp_path):
    surveys = ["gaia_dr3", "nsc_dr2", "skymapper_dr4"]
    assert fetch("pool", surveys={"pool": surveys}) == 0
    found = rows(tmp_path / "a", cells)
    # SkyMapper's stand-in has Gaia's positions: one entry each
    assert len(found) == len(tables["gaiadr3.gaia_source"]) + len(tables["nsc_dr2.object"])
    assert len(set(found["source_id"].tolist())) == len(found)
    assert np.isnan(found["mag_v"]).all()
    record = json.loads((tmp_path / "a/record.json").read_text())
    assert [survey["survey"] for survey in record["surveys"]] == surveys


def test_a_catalogue_of_several_surveys_asks_which(fetch, capsys):
    assert fetch("skymapper", surveys={}) == 1
    assert "skymapper_dr3 or skymapper_dr4? Say which" in capsys.readouterr().err


@pytest.mark.parametrize("fault", [503, 429, 500, "half", "whole but half", "hang", "html"])
@pytest.mark.parametrize("catalogue", ["gaia", "apass"])  # asynchronous, synchronous
def test_a_fault_that_passes_changes_nothing(fetch, server, tmp_path, capsys, fault, catalogue):
    assert fetch(catalogue, "good") == 0
    server.faults = [None, fault, fault]
    assert fetch(catalogue, "bad") == 0
    assert not server.faults
    assert content(tmp_path / "bad") == content(tmp_path / "good")
    assert "again in" in capsys.readouterr().err


def test_a_job_that_hangs_is_given_up_and_deleted(fetch, server, tmp_path):
    server.faults = ["stuck"]
    assert fetch(cells=[4111], options=("--pause", "0", "--timeout", "0.1", "--tries", "2")) == 0
    assert server.deleted == ["0", "1"]


def test_a_service_that_stays_away_is_one_message_and_the_import_goes_on_from_there(
    fetch, server, cells, tmp_path, capsys
):
    assert fetch(folder="good") == 0
    server.queries.clear()
    server.faults = [None, 503, 503, 503]
    assert fetch() == 1
    message = capsys.readouterr().err
    assert "no whole answer after 3 tries (HTTP 503" in message
    assert "the same command goes on from there" in message
    assert "Traceback" not in message
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        f"{cells[0]}.parquet",
        "import.journal",
    ]
    asked = len(server.queries)
    assert fetch() == 0
    assert len(server.queries) - asked == len(cells) - 1
    assert content(tmp_path / "a") == content(tmp_path / "good")


def test_an_answer_cut_short_is_asked_in_parts(fetch, server, cells, tmp_path):
    assert fetch(folder="good") == 0
    server.queries.clear()
    server.limit = 60
    assert fetch(folder="parts") == 0
    assert len(server.queries) > len(cells)
    for cell in cells:
        name = f"{cell}.parquet"
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "good" / name).read_bytes()


def test_as_many_rows_as_asked_for_at_most_are_taken_for_an_answer_cut_short(server, cells):
    """Some services don't say so."""
    server.says_overflow = False
    service = load_survey("apass_dr9").tap
    client = TapClient(type(service)(**{**vars(service), "rows": 7}), server.url, AT_ONCE, print)
    table, short = client.ask(
        'SELECT recno, RAJ2000, DEJ2000 FROM "II/336/apass9" WHERE 1 = CONTAINS('
        "POINT('ICRS', RAJ2000, DEJ2000), CIRCLE('ICRS', 0.0, -30.0, 1.0))"
    )
    assert len(table) == 7
    assert short


def test_a_service_that_never_gives_a_part_whole_is_one_message(fetch, server, capsys, tmp_path):
    server.limit = 0
    assert fetch(cells=[4111]) == 1
    assert "still cut short at 0 rows for cell" in capsys.readouterr().err
    assert not list((tmp_path / "a").iterdir())


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("columns", "expected the columns source_id"),
        ("unit", "column ra: unit 'furlong'; expected deg"),
        (404, "the service refuses the query (HTTP 404"),
        ("http://example.org/tap", "it leads to http://example.org/tap, which isn't encrypted"),
    ],
)
def test_a_wrong_answer_is_one_message_and_no_file(fetch, server, tmp_path, capsys, fault, said):
    server.faults = [fault]
    assert fetch() == 1
    assert said in capsys.readouterr().err
    assert not list((tmp_path / "a").iterdir())


def test_a_query_that_the_service_refuses_is_shown_and_not_repeated(
    fetch, server, tables, capsys, tmp_path
):
    del server.tables['"II/336/apass9"']
    assert fetch("apass") == 1
    message = capsys.readouterr().err
    assert "the service refuses the query" in message
    assert "SELECT recno, RAJ2000" in message
    assert len(server.queries) == 1
    server.faults = ["job error"]
    assert fetch("gaia") == 1
    assert "no such" in capsys.readouterr().err


def test_cells_without_any_row_are_an_error_and_leave_nothing(fetch, capsys, tmp_path):
    assert fetch(cells=[0, 1]) == 1
    assert "none of the 2 cells has a row" in capsys.readouterr().err
    assert not list((tmp_path / "a").iterdir())
    assert fetch(cells=[0, 4111]) == 0


def test_a_finished_import_asks_nothing_and_repairs_what_is_damaged(fetch, server, cells, tmp_path):
    assert fetch() == 0
    before, asked = content(tmp_path / "a"), len(server.queries)
    assert fetch() == 0
    assert len(server.queries) == asked
    damaged = tmp_path / "a" / f"{cells[1]}.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    (tmp_path / "a" / f"{cells[2]}.parquet").unlink()
    assert fetch() == 0
    assert len(server.queries) == asked + 2
    assert content(tmp_path / "a") == before


def test_further_cells_are_added(fetch, server, cells, tmp_path):
    assert fetch(cells=cells[:2]) == 0
    assert fetch(cells=cells) == 0
    assert len(server.queries) == len(cells)
    assert fetch(folder="b") == 0
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_queries_keep_their_distance(server):
    service = load_survey("apass_dr9").tap
    client = TapClient(service, server.url, Manners(pause=20, timeout=5), print)
    query = (
        'SELECT recno, RAJ2000, DEJ2000 FROM "II/336/apass9" WHERE 1 = CONTAINS('
        "POINT('ICRS', RAJ2000, DEJ2000), CIRCLE('ICRS', 0.0, -30.0, 0.1))"
    )
    for _ in range(3):
        client.ask(query)
    assert (np.diff(server.times) > 0.19).all()  # a hundredth of 20 s


def test_killed_in_the_middle_the_same_command_goes_on(server, cells, fetch, tmp_path):
    server.faults = [None, None, "hang"]
    line = [sys.executable, "-m", "skymill", "references", "import", "--config"]
    line += [str(CONFIG / "config.yaml"), "--catalogue", "apass", "--tap", server.url]
    line += ["--cells", *map(str, cells), "--folder", str(tmp_path / "a"), "--pause", "0"]
    run = subprocess.Popen(line, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")})
    end = time.monotonic() + 60
    while len(server.queries) < 3 and time.monotonic() < end:
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert len(server.queries) == 3
    assert not (tmp_path / "a/record.json").exists()
    with (tmp_path / "a/import.journal").open("a") as stream:
        stream.write('{"cell": "41')  # a line cut off
    server.queries.clear()
    server.faults = []
    assert fetch("apass", options=("--pause", "0")) == 0
    assert len(server.queries) == len(cells) - 2
    server.queries.clear()
    assert fetch("apass", "b") == 0
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_two_imports_into_one_folder_are_refused(fetch, tmp_path, capsys):
    import fcntl

    (tmp_path / "a").mkdir()
    with (tmp_path / "a/import.journal").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert fetch() == 1
    assert "another import writes there" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url",
    ["http://example.org/tap", "ftp://localhost/tap", "http://localhost.example.org/tap", "tap"],
)
def test_only_https_unless_on_this_machine(url, importing, capsys, tmp_path):
    assert importing("--catalogue", "gaia", "--tap", url, "--folder", tmp_path / "a") == 1
    assert "expected https://" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_credentials_go_to_their_host_alone_and_nowhere_else(
    fetch, server, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("SKYMILL_TAP_HOST", "127.0.0.1")
    monkeypatch.setenv("SKYMILL_TAP_TOKEN", "hush-hush")
    server.faults = [503]
    assert fetch() == 0
    assert server.headers[0]["Authorization"] == "Bearer hush-hush"
    said = capsys.readouterr()
    written = b"".join(content(tmp_path / "a").values()).decode(errors="replace")
    assert "hush" not in said.err + said.out + written
    monkeypatch.setenv("SKYMILL_TAP_HOST", "gea.esac.esa.int")
    assert fetch(folder="b") == 0
    assert "Authorization" not in server.headers[-1]
    monkeypatch.delenv("SKYMILL_TAP_TOKEN")
    assert fetch(folder="c") == 1
    assert "set SKYMILL_TAP_HOST and" in capsys.readouterr().err


def test_credentials_in_an_address_are_refused_and_not_repeated():
    with pytest.raises(ConfigError) as caught:
        check_url("https://me:hush@example.org/tap")
    assert "hush" not in str(caught.value)


def test_netrc_is_not_looked_into(fetch, server, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hush\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert fetch() == 0
    assert all("Authorization" not in headers for headers in server.headers)


def test_a_survey_without_a_service_is_one_message(importing, tmp_path, capsys):
    line = ["--catalogue", "gaiaxp", "--survey", "gaiaxp_ks4", "--tap", "--folder", tmp_path / "a"]
    assert importing(*line) == 1
    assert "no TAP service is known" in capsys.readouterr().err


def test_a_client_without_a_service_gives_up(tmp_path):
    client = TapClient(load_survey("apass_dr9").tap, "http://127.0.0.1:9/tap", AT_ONCE, print)
    with pytest.raises(InputError, match="no whole answer after 3 tries"):
        client.ask("SELECT")
