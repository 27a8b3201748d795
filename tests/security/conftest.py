"""Attacks on the relays as processes, and the table of what they cost as the verdict."""

import base64
from collections.abc import Callable

import pytest

from tests.relays.conftest import gitlab, gitlab_with, nextcloud, nextcloud_at, one_by_one, sink, tree
from tests.relays.process import Relay
from tests.security.bounds import Bounds, Row, table

__all__ = ["gitlab", "gitlab_with", "nextcloud", "nextcloud_at", "one_by_one", "sink", "tree"]

SIGNING_TOKEN = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def bounds(record_property: Callable[[str, object], None], request: pytest.FixtureRequest) -> Bounds:
    """Where the rows of a test go; those against a spool on PostgreSQL say so."""
    postgresql = "spool" in request.fixturenames and request.getfixturevalue("spool")
    return Bounds(record_property, " (PostgreSQL)" if postgresql else "")


@pytest.fixture
def signing(gitlab_with: Callable[[str], Relay]) -> Relay:
    """The GitLab relay with the default settings, started, which accepts tokens and signatures."""
    relay = gitlab_with("")
    (relay.home / "credentials" / "gitlab-signing-token").write_text(SIGNING_TOKEN)
    relay.start()
    return relay


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of all attacks, and the verdict."""
    reports = (each for many in terminalreporter.stats.values() for each in many)
    found = (value for each in reports for value in getattr(each, "user_properties", ()))
    # A report of each phase of a test has the properties.
    rows = [Row(*row) for row in dict.fromkeys(tuple(value) for name, value in found if name == "bound")]
    if rows:
        terminalreporter.section("attacks")
        for line in table(rows):
            terminalreporter.write_line(line)
        held = sum(row.held for row in rows)
        terminalreporter.write_line(f"{held} of {len(rows)} bounds held")
