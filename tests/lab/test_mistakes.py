"""First-time mistakes on the host and in the applications: one line each, from deploy, drift and doctor alike."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import state
from tasks.site import Site
from tests.acceptance.people import Chat
from tests.lab.mistakes import ASKS, MISTAKES, NOBODY, SUDO_PASSWORD, Mistake, World
from tests.lab.runs import ROOT, deploy, environment

COMMANDS = {
    "deploy": [str(Path(sys.executable).with_name("pyinfra")), "--dry", "inventory.py", "deploy.py"],
    "drift": [sys.executable, "-m", "passerelle", "drift"],
    "doctor": [sys.executable, "-m", "passerelle", "doctor"],
}
# A ninth of them, by one of the commands in turn; all of them by all of these with --exhaustive.
RUNS = [
    pytest.param(
        mistake,
        command,
        marks=[] if place % 9 == 0 and (place // 9 + turn) % 3 == 0 else [pytest.mark.exhaustive],
    )
    for place, mistake in enumerate(MISTAKES)
    for turn, command in enumerate(COMMANDS)
    # The doctor looks for what is broken, not for what the settings name wrongly.
    if not (command == "doctor" and mistake.doctor == "-")
]


@pytest.fixture(scope="module")
def world(site: Site, lab: state.Lab, chat: Chat, machine: Callable[[str], str]) -> Iterator[World]:
    """With two more accounts on the host."""
    for user in (ASKS, NOBODY):
        machine(
            f"id {user} >/dev/null 2>&1 || useradd -m -s /bin/bash {user};"
            f"install -d -m 700 -o {user} -g {user} /home/{user}/.ssh;"
            f"install -m 600 -o {user} -g {user} /root/.ssh/authorized_keys /home/{user}/.ssh/"
        )
    machine(f"echo {shlex.quote(f'{ASKS}:{SUDO_PASSWORD}')} | chpasswd")
    machine(f"echo '{ASKS} ALL=(ALL) ALL' > /etc/sudoers.d/{ASKS}; chmod 440 /etc/sudoers.d/{ASKS}")
    yield World(site, lab, chat, machine)
    machine(
        f"rm /etc/sudoers.d/{ASKS}; for u in {ASKS} {NOBODY}; do userdel -rf $u; done 2>/dev/null || true"
    )
    deploy()


@pytest.fixture
def made(world: World, mistake: Mistake) -> Iterator[dict[str, str]]:
    """The settings of the mistake, which is made; undone at the end."""
    settings = {name: value(world) if callable(value) else value for name, value in mistake.settings.items()}
    world.machine(mistake.make)
    yield settings
    world.machine(mistake.undo)


def run(command: str, variables: dict[str, str]) -> tuple[int, str]:
    """The exit code of a command, and all that it printed."""
    done = subprocess.run(
        COMMANDS[command],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=180,
    )
    return done.returncode, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)


@pytest.mark.parametrize(("mistake", "command"), RUNS, ids=str)
def test_one_line_names_the_setting_and_the_remedy(
    mistake: Mistake, command: str, made: dict[str, str]
) -> None:
    code, output = run(command, environment(**made) | mistake.environment)
    assert "Traceback" not in output, output
    for secret in ("s3cret", SUDO_PASSWORD):
        assert secret not in output
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if command == "doctor":
        assert code in (1, 2), output
        # The heading of the first broken link, what was found, the remedy; or the one line of what it could not do.
        assert (mistake.doctor or mistake.named) in "\n".join(lines[:3]), output
        return
    assert code == 1, output
    steps = r"-->|Loading: deploy.py|\[[^]]+\] +(Connected|[+~!-] )"
    said = [line for line in lines if not re.match(steps, line)]
    assert len(said) == 1, output
    assert mistake.named in said[0]
    assert re.search(r"[;:] [a-z]", said[0]), said
    assert ".py line" not in output


def test_there_are_many_and_each_has_its_name() -> None:
    names = [str(mistake) for mistake in MISTAKES]
    assert len(set(names)) == len(names) >= 30
