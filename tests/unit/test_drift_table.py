"""The table of drift is whole, and says what the cases of a run have shown."""

import importlib
import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest

import tasks.operations
from tests.lab.faults import table
from tests.lab.faults.summary import DriftTable
from tests.lab.faults.world import KINDS

OPERATIONS = Path(next(iter(tasks.operations.__path__)))


def resources() -> set[str]:
    """MODULE.NAME of every operation."""
    found = set()
    for path in OPERATIONS.glob("*.py"):
        module = importlib.import_module(f"tasks.operations.{path.stem}")
        found |= {
            f"{path.stem}.{name}"
            for name, value in vars(module).items()
            if hasattr(value, "is_idempotent") and inspect.getmodule(value._inner) is module
        }
    return found


def test_every_resource_has_a_row() -> None:
    """A new operation gets its faults, or the name of the test that it has instead."""
    assert {operation for operation, _ in table.ROWS.values()} | set(table.ACTS) == resources()
    tests = {path.stem for path in (Path(__file__).parents[1] / "lab").glob("test_*.py")}
    assert set(table.ACTS.values()) <= tests


def test_every_kind_of_drift_of_a_resource_has_a_case_or_a_reason() -> None:
    covered = {(fault.row, fault.kind) for fault in table.FAULTS}
    impossible = {(row, kind) for row, (_, reasons) in table.ROWS.items() for kind in reasons}
    assert covered & impossible == set()
    assert covered | impossible == {(row, kind) for row in table.ROWS for kind in KINDS}


def test_names_of_cases_are_unique() -> None:
    names = [str(fault) for fault in table.FAULTS]
    assert len(set(names)) == len(names)


def report(
    fault: int,
    outcome: Literal["passed", "failed"],
    when: Literal["setup", "call", "teardown"] = "call",
) -> pytest.TestReport:
    chosen = table.FAULTS[fault]
    return pytest.TestReport(
        "test", ("", 0, ""), {}, outcome, None, when, [], 0, 0, 0, [("drift", f"{chosen.row}|{chosen.kind}")]
    )


def test_table_says_what_the_run_has_shown() -> None:
    """Nothing that did not run is called proven, and one case that failed is enough."""
    plugin, written = DriftTable(), list[str]()
    plugin.pytest_terminal_summary(SimpleNamespace(section=written.append, write_line=written.append))  # type: ignore[arg-type]
    assert written == []
    first = table.FAULTS[0]
    others = [n for n, fault in enumerate(table.FAULTS) if (fault.row, fault.kind) != (first.row, first.kind)]
    plugin.pytest_runtest_logreport(report(0, "passed", "setup"))
    plugin.pytest_runtest_logreport(report(0, "passed"))
    plugin.pytest_runtest_logreport(report(others[0], "passed"))
    plugin.pytest_runtest_logreport(report(others[0], "failed"))
    plugin.pytest_runtest_logreport(report(others[-1], "failed", "teardown"))
    plugin.pytest_terminal_summary(SimpleNamespace(section=written.append, write_line=written.append))  # type: ignore[arg-type]
    assert "".join(written[1:-2]).count("✓") == 1
    assert "".join(written[1:-2]).count("✗") == 2
    row = next(line for line in written if line.startswith(first.row))
    assert "✓" in row
    assert row.count("–") == len(table.ROWS[first.row][1])
