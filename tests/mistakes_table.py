"""For pytest: the table of first-time mistakes at the end of a run, by mistake and command."""

from collections import defaultdict

import pytest

_PROPERTY = "mistake"
COMMANDS = ("deploy", "drift", "doctor")


class MistakesTable:
    """Collects the outcomes, and prints them. A test is of the table if its parameters are `mistake` and `command`."""

    def __init__(self) -> None:
        self._outcomes: dict[str, dict[str, str]] = defaultdict(dict)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Have the reports of a test say which cell of the table it is."""
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if "mistake" in parameters:
            command = parameters.get("command", "settings")
            item.user_properties.append((_PROPERTY, f"{command}|{parameters['mistake']}"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a case ended; what went wrong before or after it counts as well."""
        for name, value in report.user_properties:
            if name == _PROPERTY and (report.when == "call" or report.failed):
                command, _, mistake = str(value).partition("|")
                held = report.outcome == "passed" and self._outcomes[mistake].get(command) != "✗"
                self._outcomes[mistake][command] = "✓" if held else "✗"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table if any of its cases ran."""
        if not self._outcomes:
            return
        terminalreporter.section("mistakes: one line each, with the setting and the remedy")
        terminalreporter.write_line("  ".join(("settings", *COMMANDS)))
        for mistake, ended in self._outcomes.items():
            signs = [ended.get(each, "·").center(len(each)) for each in ("settings", *COMMANDS)]
            terminalreporter.write_line(f"{'  '.join(signs)}  {mistake}")
        held = sum(set(ended.values()) == {"✓"} for ended in self._outcomes.values())
        terminalreporter.write_line(
            f"{held} of {len(self._outcomes)} held   · not in this run (--exhaustive runs all)"
        )
