"""Releases that meet the spools of others: the relays as processes, and a table of what became of each spool."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.relays.conftest import forked, gitlab, gitlab_with, nextcloud_at, one_by_one, sink, tree
from tests.relays.process import Relay
from tests.relays.sink import Sink
from tests.upgrades.table import Row, lines

__all__ = ["forked", "gitlab", "gitlab_with", "nextcloud_at", "one_by_one", "sink", "tree"]

_NAME = "upgrade"


@pytest.fixture
def enter(record_property: Callable[[str, object], None]) -> Callable[[Row], None]:
    """Enters a row into the table; it has to hold."""

    def add(row: Row) -> None:
        record_property(_NAME, asdict(row))
        assert row.holds, row

    return add


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """The socket that systemd holds: what is sent during a restart waits in it."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as opened:
        yield opened


@pytest.fixture
def hosts(sink: Sink, tmp_path: Path, spool: str | None) -> Iterator[Callable[[int, str], list[Relay]]]:
    """Makes relays of several hosts with one spool and these settings, not started yet."""
    made: list[Relay] = []

    def make(count: int, settings: str) -> list[Relay]:
        for number in range(count):
            home = tmp_path / f"host{number}"
            home.mkdir()
            made.append(Relay("gitlab", home, sink.url, settings, spool))
        return made

    yield make
    for relay in made:
        relay.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of all upgrades. Of tests in other processes (xdist) only their reports come here."""
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.getreports(kind)]
    rows = [
        Row(**value)
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == _NAME and report.when == "call"
    ]
    if rows:
        terminalreporter.section("upgrades")
        for line in lines(rows):
            terminalreporter.write_line(line)
        terminalreporter.write_line(f"{sum(row.holds for row in rows)} of {len(rows)} upgrades hold")
