"""The installed package does what the checkout does: the same commands, the same host, nothing to change."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import state
from tests.lab.installed import add_extra, clean
from tests.lab.runs import deploy


@pytest.fixture
def typed(program: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the program in an empty folder, on the lab."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(program), *arguments],
            cwd=tmp_path,
            env=clean(tmp_path, PASSERELLE_SETTINGS=str(state.SETTINGS)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


Typed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.sampled(11)
@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--help"], 0, "Commands:"),
        (["--version"], 0, "passerelle, version 1"),
        (["drift"], 0, "0 difference(s)"),
        (["doctor"], 0, "✅"),
        (["status"], 0, "passerelle"),
        (["sites"], 0, "127.0.0.1 "),
        (["deploy", "--dry"], 0, "Relays | Package of the relays"),
        (["teardown", "--dry"], 0, "- incoming webhook"),
        (["rotate", "--dry"], 0, "Relays"),
        (["lab"], 1, "-m pip install docker"),
        (["check"], 1, "-m pip install pytest"),
    ],
)
def test_commands_of_the_installed_program(
    arguments: list[str], code: int, expected: str, typed: Typed
) -> None:
    if arguments == ["status"]:
        expected = "http://git.taaf.internal"
    done = typed(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert expected in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.exhaustive
def test_it_deploys_from_scratch_what_the_checkout_would(typed: Typed, machine: Callable[[str], str]) -> None:
    """Its own wheels reach the host, and the checkout then finds nothing to change."""
    machine("systemctl stop 'passerelle-*'; rm -rf /opt/passerelle")
    done = typed("deploy", "-y")
    assert done.returncode == 0, done.stdout + done.stderr
    assert machine("ls /opt/passerelle/current/lib/python3*/site-packages/relays/service.py")
    assert "tasks" not in machine("ls /opt/passerelle/current/lib/python3*/site-packages")
    assert deploy().changed == 0


@pytest.mark.exhaustive
def test_it_checks_the_site(program: Path, typed: Typed, tmp_path: Path) -> None:
    add_extra(program, "pytest", "pytest-testinfra", "hypothesis", "requests[socks]")
    done = typed("check", "-k", "test_commands", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert (tmp_path / "evidence/report.html").exists()
