"""The table of docs/sites.md: each of its rows is shown by tests in the lab, and a run says how they ended."""

from pathlib import Path

import pytest

from tests.lab.sites_table import lines, rows

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(("trait", "file"), rows(), ids=[trait for trait, _ in rows()])
def test_each_row_is_run_in_the_lab(trait: str, file: str) -> None:
    assert file.startswith("tests/lab/test_")
    assert "def test_" in (ROOT / file).read_text()


@pytest.mark.parametrize(
    ("outcomes", "sign"),
    [
        (set(), "·"),
        ({"left out"}, "·"),
        ({"skipped"}, "·"),
        ({"passed", "left out"}, "·"),
        ({"passed", "skipped"}, "·"),
        ({"passed"}, "✓"),
        ({"passed", "failed"}, "✗"),
        ({"failed", "left out"}, "✗"),
    ],
)
def test_a_row_counts_as_shown_if_all_its_tests_were_run(outcomes: set[str], sign: str) -> None:
    trait, file = rows()[0]
    table = lines({file: outcomes})
    assert table[0] == f"{sign} {trait}: {file}"
    assert len(table) == len(rows()) + 1
