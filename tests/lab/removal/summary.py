"""For pytest: the table of removals at the end of a run. What a case proved comes with its report."""

from collections import defaultdict

import pytest

from tests.lab.removal.cases import CHANGES, ELSEWHERE, NOTHING, Change

_PROPERTY = "removal"


class RemovalTable:
    """Collects the outcomes of the changes, and prints them."""

    def __init__(self) -> None:
        self._outcomes: dict[str, set[str]] = defaultdict(set)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Have the reports of a case say which change it is of."""
        change = getattr(item, "callspec", None) and item.callspec.params.get("change")  # type: ignore[attr-defined]
        if isinstance(change, Change):
            item.user_properties.append((_PROPERTY, str(change)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a case ended; what went wrong before or after it counts as well."""
        for name, value in report.user_properties:
            if name == _PROPERTY and (report.when == "call" or report.failed):
                self._outcomes[str(value)].add(report.outcome)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table if any of its cases ran."""
        if self._outcomes:
            terminalreporter.section("what leaves the settings: named, removed, gone")
            for line in lines(self._outcomes):
                terminalreporter.write_line(line)


def lines(outcomes: dict[str, set[str]]) -> list[str]:
    """The table of a run, as text."""
    table = []
    for change in CHANGES:
        found = outcomes.get(str(change), set())
        sign = "✗" if found - {"passed", "skipped"} else "✓" if "passed" in found else "·"
        table.append(f"{sign} {change}")
    return [
        *table,
        *(f"  {setting}: see {test}" for setting, test in ELSEWHERE.items()),
        *(f"– {setting}: {reason}" for setting, reason in NOTHING.items()),
        "✓ named by drift, removed by the next run, nothing left of it in the applications and on the host   ✗ not so",
        "· not in this run (--exhaustive runs all)   – nothing can be left",
    ]
