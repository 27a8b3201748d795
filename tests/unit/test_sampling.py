"""Of a long table a run takes a sample, and all of it where that is asked for."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.mark.sampled(3)
@pytest.mark.parametrize("row", "abcdefg")
def test_long(row): pass

@pytest.mark.sampled(2)
@pytest.mark.parametrize("row", ["a", pytest.param("b", marks=pytest.mark.exhaustive), "c", "d"])
def test_both(row): pass

@pytest.mark.exhaustive
def test_seldom(): pass

def test_always(): pass
"""
ALL = [*(f"test_long[{row}]" for row in "abcdefg"), *(f"test_both[{row}]" for row in "abcd"), "test_seldom"]


@pytest.mark.parametrize(
    ("row", "options", "expected"),
    [
        (
            "",
            [],
            ["test_long[a]", "test_long[d]", "test_long[g]", "test_both[a]", "test_both[d]", "test_always"],
        ),
        ("", ["--exhaustive"], [*ALL, "test_always"]),
        ("::test_long[b]", [], ["test_long[b]"]),
    ],
    ids=["a run", "an exhaustive run", "a row that is named"],
)
def test_rows_that_are_run(tmp_path: Path, row: str, options: list[str], expected: list[str]) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    file = tmp_path / "test_table.py"
    file.write_text(TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--co",
        "-q",
        f"--rootdir={tmp_path}",
        f"-c{ROOT}/pyproject.toml",
    ]
    done = subprocess.run(
        [*command, *options, f"{file}{row}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert re.findall(r"::(.+)", done.stdout) == expected, done.stdout + done.stderr
