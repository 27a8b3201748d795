"""For pytest: the table of drift at the end of a run. What a case proved comes with its report, also from xdist."""

from collections import defaultdict

import pytest

from tests.lab.faults import table
from tests.lab.faults.world import Fault

_PROPERTY = "drift"


class DriftTable:
    """Collects the outcomes of the cases of the table, and prints it."""

    def __init__(self) -> None:
        self._outcomes: dict[tuple[str, str], set[str]] = defaultdict(set)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Have the reports of a case say which cell it is of."""
        fault = getattr(item, "callspec", None) and item.callspec.params.get("fault")  # type: ignore[attr-defined]
        if isinstance(fault, Fault):
            item.user_properties.append((_PROPERTY, f"{fault.row}|{fault.kind}"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a case ended; what went wrong before or after it counts as well."""
        for name, value in report.user_properties:
            if name == _PROPERTY and (report.when == "call" or report.failed):
                row, _, kind = str(value).partition("|")
                self._outcomes[row, kind].add(report.outcome)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table if any of its cases ran."""
        if self._outcomes:
            terminalreporter.section("drift: named, repaired, gone")
            for line in table.lines(self._outcomes):
                terminalreporter.write_line(line)
