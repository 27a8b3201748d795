"""For all tests: timing has no part in whether a property holds, however busy the machine is."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("passerelle", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("passerelle")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the checks; pytest takes options from here alone, wherever it is started."""
    group = parser.getgroup("acceptance checks")
    group.addoption(
        "--disruptive", action="store_true", help="also stop and kill what is checked, and set it right again"
    )
    group.addoption("--exhaustive", action="store_true", help="every fault of the long tables, not a sample")
    group.addoption("--evidence", metavar="FOLDER", help="write report.html and screenshots/ there")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `exhaustive` unless it is asked for."""
    if config.getoption("exhaustive"):
        return
    left_out = [item for item in items if item.get_closest_marker("exhaustive")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
