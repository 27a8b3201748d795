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
    group.addoption("--evidence", metavar="FOLDER", help="write report.html and screenshots/ there")
