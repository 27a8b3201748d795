"""What fails under load: the relays as processes, the ledger of what arrived, and its table as the verdict."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.clock import Clock
from tests.faults.ledger import Ledger, table
from tests.relays.conftest import (
    gitlab_with,
    mattermost,
    news,
    nextcloud_at,
    one_by_one,
    sink,
    speaker_with,
    tree,
)

__all__ = [
    "gitlab_with",
    "mattermost",
    "news",
    "nextcloud_at",
    "one_by_one",
    "sink",
    "speaker_with",
    "tree",
]

_LEDGER = pytest.StashKey[Ledger]()


def pytest_configure(config: pytest.Config) -> None:
    """A new ledger."""
    config.stash[_LEDGER] = Ledger()


@pytest.fixture(scope="session")
def ledger(pytestconfig: pytest.Config) -> Ledger:
    """The counts of this session."""
    return pytestconfig.stash[_LEDGER]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """The socket that systemd holds: what is sent during a restart waits in it."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as opened:
        yield opened


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """A clock for the processes that are started through it."""
    return Clock(tmp_path / "clock")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table of all faults, and the verdict."""
    rows = config.stash[_LEDGER].rows
    if rows:
        terminalreporter.section("faults")
        for line in table(rows):
            terminalreporter.write_line(line)
        held = sum(row.holds for row in rows)
        lost = sum(row.lost for row in rows)
        terminalreporter.write_line(f"{held} of {len(rows)} faults hold; {lost} lost")
