"""For all tests: timing has no part in whether a property holds, however busy the machine is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.postgresql import Cluster

settings.register_profile("passerelle", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("passerelle")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the checks; pytest takes options from here alone, wherever it is started."""
    group = parser.getgroup("acceptance checks")
    group.addoption(
        "--disruptive", action="store_true", help="also stop and kill what is checked, and set it right again"
    )
    group.addoption("--site", metavar="NAME", help="of several sites the one to check")
    group.addoption("--exhaustive", action="store_true", help="every fault of the long tables, not a sample")
    group.addoption("--evidence", metavar="FOLDER", help="write report.html and screenshots/ there")


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    """A PostgreSQL server, the same for all tests of a process."""
    from tests.postgresql import cluster  # the acceptance checks, which need none, are installed without it

    with cluster() as running:
        yield running


@pytest.fixture
def spool(request: pytest.FixtureRequest) -> str | None:
    """The address of a new database for a store; None, unless a test asks for `postgresql`: it is kept in a file."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    running: Cluster = request.getfixturevalue("server")
    return running.database()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Unless all are asked for, leave out what is marked `exhaustive`, and of what is `sampled` all but a few rows."""
    if config.getoption("exhaustive"):
        return
    rows: Counter[str] = Counter()

    def is_run(item: pytest.Item) -> bool:
        if item.get_closest_marker("exhaustive"):
            return False
        sample = item.get_closest_marker("sampled")
        if sample is None:
            return True
        test = item.nodeid.partition("[")[0]
        rows[test] += 1
        each: int = sample.args[0]
        return rows[test] % each == 1 % each

    runs = [(item, is_run(item)) for item in items]
    config.hook.pytest_deselected(items=[item for item, is_one in runs if not is_one])
    items[:] = [item for item, is_one in runs if is_one]
