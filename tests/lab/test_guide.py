"""docs/exploitation.fr.md: every block of commands is run as it stands, on the machine that it is meant for."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.people import Forge
from tests.lab.conftest import ROOT, deploy, environment
from tests.lab.doctor import open_issue, wait_until_sound

GUIDE = Path(ROOT, "docs", "exploitation.fr.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```bash (poste|hôte)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module", autouse=True)
def deployed(forge: Forge, machine: Callable[[str], str]) -> Iterator[None]:
    """As described before and after, without what the guide has operators save."""
    deploy()
    open_issue(forge)
    yield
    deploy()
    machine("rm -rf /root/passerelle-backup")


def test_each_block_names_its_machine() -> None:
    assert len(BLOCKS) == GUIDE.count("```bash") > 10


@pytest.mark.parametrize(
    ("where", "commands"), BLOCKS, ids=[commands.splitlines()[0] for _, commands in BLOCKS]
)
def test_commands_of_the_guide_succeed(where: str, commands: str, machine: Callable[[str], str]) -> None:
    wait_until_sound()  # the block before may have restarted applications
    if where == "hôte":
        machine(f"cd /root/taaf-infrastructure && bash -euo pipefail -c {shlex.quote(commands)} 2>&1")
        return
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
