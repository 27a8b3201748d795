"""For pytest: the table of docs/sites.md at the end of a run, each row with how the tests that show it have ended."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent.parent / "docs" / "sites.md"
_HEAD = "| a site with | | shown by |\n| --- | --- | --- |\n"


def rows() -> list[tuple[str, str]]:
    """What a site may have, and the file of the tests that show it."""
    table = PAGE.read_text(encoding="utf-8").partition(_HEAD)[2].partition("\n\n")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines()]
    return [(first, re.sub("^`(.*?)`.*", r"\1", last)) for first, *_, last in cells]


class SitesTable:
    """Collects the outcomes of those files, and prints the table."""

    def __init__(self) -> None:
        self._shown = {file for _, file in rows()}
        self._outcomes: dict[str, set[str]] = defaultdict(set)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note whose tests are not in this run."""
        for item in items:
            self._note(item.nodeid, "left out")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a test ended; what went wrong before or after it counts as well."""
        if report.when == "call" or not report.passed:
            self._note(report.nodeid, report.outcome)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table if any of its tests ran."""
        if any(found - {"left out"} for found in self._outcomes.values()):
            terminalreporter.section("sites as they are: deployed in the lab, or refused by name")
            for line in lines(self._outcomes):
                terminalreporter.write_line(line)

    def _note(self, test: str, outcome: str) -> None:
        file = test.partition("::")[0]
        if file in self._shown:
            self._outcomes[file].add(outcome)


def lines(outcomes: dict[str, set[str]]) -> list[str]:
    """The table of a run, as text."""
    table = []
    for trait, file in rows():
        found = outcomes.get(file, set())
        sign = "✗" if "failed" in found else "✓" if found == {"passed"} else "·"
        table.append(f"{sign} {trait.replace('`', '')}: {file}")
    return [
        *table,
        "✓ shown by all tests of the file   ✗ not so   · not all of them in this run (--exhaustive)",
    ]
