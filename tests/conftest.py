"""Fixtures that all tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from skymill.io.provenance import Record, recording
from skymill.kernels import drop_stale
from skymill.paths import ROOT

NO_REAL_FRAMES = "SKYMILL_REAL is unset"


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
        pytest.skip(f"{NO_REAL_FRAMES}: set it to the folder with the real frames")
    return Path(folder)


def pytest_configure(config: pytest.Config) -> None:
    """Compile kernels anew where their source has changed; once, not in every test worker."""
    if not hasattr(config, "workerinput"):
        drop_stale(ROOT / "workflow/skymill")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole releases first: they take longest."""
    items.sort(key=lambda item: "tests/release/" not in item.path.as_posix())


def forbidden_skips(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    """Tests skipped under SKYMILL_NO_SKIP=1 (continuous integration), but those on real frames."""
    if os.environ.get("SKYMILL_NO_SKIP") != "1":
        return []
    return [r for r in reporter.stats.get("skipped", []) if NO_REAL_FRAMES not in str(r.longrepr)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests whose skipping makes the run fail."""
    skipped = forbidden_skips(terminalreporter)
    if skipped:
        terminalreporter.section("skipped, which SKYMILL_NO_SKIP=1 forbids")
        for report in skipped:
            terminalreporter.line(f"{report.nodeid}: {report.longrepr}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the run fail where a skip is forbidden."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and forbidden_skips(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
