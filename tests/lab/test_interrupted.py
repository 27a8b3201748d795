"""A deploy that is killed at any of its operations: the next run completes it."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.people import Chat, Forge, marker
from tests.lab.runs import ROOT, deploy, environment, pyinfra
from tests.lab.test_outage import seen
from tests.waiting import wait_until


@pytest.fixture
def nothing_there() -> Iterator[None]:
    """A site before its first deploy, but for what people work in; whole again at the end."""
    deploy()
    assert pyinfra("-y", deploy="teardown.py").code == 0
    yield
    deploy()


def killed_at(number: int, delay: float) -> bool:
    """Start a deploy and kill it `delay` seconds into its operation of that number; False if it has fewer."""
    run = subprocess.Popen(
        [str(Path(sys.executable).with_name("pyinfra")), "-y", "inventory.py", "deploy.py"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert run.stderr is not None
    operations = 0
    for line in run.stderr:
        operations += b"Starting operation" in line
        if operations == number:
            time.sleep(delay)
            run.kill()
            run.communicate()
            return True
    assert run.wait() == 0
    return False


@pytest.mark.exhaustive
@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_the_next_run_completes_it(nothing_there: None, chat: Chat, forge: Forge, step: int) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    number = 1
    # What the run before has finished goes by at once, so each kill meets the next operation at its work.
    while killed_at(number, chance.uniform(0, 0.4)):
        number += step
    assert number > 15
    assert deploy().changed == 0
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
    wait_until("the event", lambda: seen(chat, "dev-notifications", mark) == ["0"])
