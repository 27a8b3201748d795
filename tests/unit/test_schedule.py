"""The units that deploy once an hour: systemd takes them, and the program takes the command that they run."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from passerelle.cli import cli

FILES = Path(__file__).parent.parent.parent / "files" / "schedule"
SERVICE, TIMER = FILES / "passerelle-deploy.service", FILES / "passerelle-deploy.timer"


def value(unit: Path, name: str) -> str:
    found = re.search(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_program_takes_the_command() -> None:
    program, name, *options = shlex.split(value(SERVICE, "ExecStart"))
    assert program == "%h/.local/bin/passerelle"  # where pipx puts it
    command = cli.commands[name]
    given = command.make_context(name, options, obj=Path("x"), parent=click.Context(cli)).params
    # Nobody is there to be asked.
    assert (name, given["yes"], given["dry"], given["site"]) == ("deploy", True, False, None)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in (SERVICE, TIMER):
        # The program is not installed here, and %h is the home of whoever runs it.
        text = unit.read_text().replace("%h/.local/bin/passerelle", "/usr/bin/true")
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run(
        [
            "systemd-analyze",
            "verify",
            "--user",
            "--man=no",
            *(str(tmp_path / unit.name) for unit in (SERVICE, TIMER)),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    assert [line for line in done.stderr.splitlines() if "passerelle" in line] == []
    when = ["systemd-analyze", "calendar", value(TIMER, "OnCalendar")]
    assert subprocess.run(when, capture_output=True, check=False).returncode == 0
