"""Fixtures that all tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from skymill.io.provenance import Record, recording

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def record() -> Iterator[Record]:
    """Provenance for a writer under test."""
    with recording("test step", {"threshold": 1.5}, [], None) as record:
        yield record


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real frames; only where SKYMILL_REAL names it."""
    folder = os.environ.get("SKYMILL_REAL")
    if not folder:
        pytest.skip("SKYMILL_REAL is unset: set it to the folder with the real frames")
    return Path(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Under SKYMILL_NO_SKIP=1 (continuous integration), a skipped test is a failure."""
    skipped = terminalreporter.stats.get("skipped", [])
    if os.environ.get("SKYMILL_NO_SKIP") == "1" and skipped:
        terminalreporter.section("skipped, which SKYMILL_NO_SKIP=1 forbids")
        for report in skipped:
            terminalreporter.line(f"{report.nodeid}: {report.longrepr}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the run fail where a skip is forbidden."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    forbidden = os.environ.get("SKYMILL_NO_SKIP") == "1"
    if forbidden and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
