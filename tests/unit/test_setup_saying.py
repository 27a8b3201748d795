"""What setup says at a terminal: broken between words, whatever the width, and addresses whole."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADDRESS = "http://chat.example.org/team/pl/" + "x" * 60
TEXT = f"a first line that is said to people\n\n  GitLab:     {ADDRESS}, and more\n  + one thing and another"


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_lines_are_broken_between_words(width: int) -> None:
    ours, its = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from tasks.setup.asking import say; say(sys.argv[1])", TEXT],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": str(width)},
        stderr=its,
        check=False,
    )
    os.close(its)
    said = os.read(ours, 65536).decode().replace("\r\n", "\n")
    os.close(ours)
    assert done.returncode == 0, said
    assert said.split() == TEXT.split()
    assert all(len(line) <= width or ADDRESS in line for line in said.splitlines())
    assert said.startswith("a first line ")
    assert "\n\n  GitLab:" in said


def test_a_script_gets_them_as_they_are() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from tasks.setup.asking import say; say(sys.argv[1])", TEXT],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "20"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == f"{TEXT}\n"
