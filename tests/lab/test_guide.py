"""The operators' guides: every block of commands is run as it stands, on the machine that it is meant for.

Both hold the same blocks (tests/unit/test_documents.py), so those of one are run.
"""

import shlex
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.people import Forge
from tests.guide import FRENCH, blocks
from tests.lab.doctor import open_issue, wait_until_sound
from tests.lab.runs import ROOT, deploy, environment

BLOCKS = blocks(FRENCH)


@pytest.fixture(scope="module", autouse=True)
def deployed(forge: Forge, machine: Callable[[str], str]) -> Iterator[None]:
    """Sound before, and as described after, without what the guide has operators save."""
    open_issue(forge)
    yield
    deploy()
    machine("rm -rf /root/passerelle-backup")


def test_each_block_names_its_machine() -> None:
    assert len(BLOCKS) == FRENCH.read_text(encoding="utf-8").count("```bash") > 10


@pytest.mark.sampled(4)
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
