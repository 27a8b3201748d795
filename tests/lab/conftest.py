"""The lab, deployed once; tests break something and deploy again."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from _pytest.mark import ParameterSet
from docker.models.containers import Container

from lab import engine, stack, state
from tests.acceptance.people import Chat, Forge, marker
from tests.lab import residue
from tests.lab.faults.summary import DriftTable
from tests.live import chat, cloud, copy, forge, host, infrastructure, proxy, site, ssh, tunnel
from tests.mistakes_table import MistakesTable

__all__ = ["chat", "cloud", "copy", "forge", "host", "infrastructure", "proxy", "site", "ssh", "tunnel"]

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Run:
    """A finished deploy: its exit code, all that it printed, and how many operations changed or failed."""

    code: int
    output: str
    changed: int = 0
    failed: int = 0


def environment(**settings: str) -> dict[str, str]:
    """Variables for a command that is to find the lab's site, with `settings` (gitlab__token="…") on top."""
    variables = {f"PASSERELLE_{name}".upper(): value for name, value in settings.items()}
    return {**os.environ, "PASSERELLE_SETTINGS": str(state.SETTINGS), **variables}


def pyinfra(*options: str, deploy: str = "deploy.py", **settings: str) -> Run:
    """Run a deploy as typed, with `settings` on top of the lab's."""
    command = [
        str(Path(sys.executable).with_name("pyinfra")),
        "--json",
        *options,
        "inventory.py",
        deploy,
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(**settings), capture_output=True, text=True, check=False
    )
    try:
        told = json.loads(done.stdout)
    except ValueError:
        return Run(done.returncode, done.stderr + done.stdout)
    totals = (told.get("results") or {}).get("totals") or {}
    return Run(done.returncode, done.stderr, totals.get("success", 0), totals.get("error", 0))


def deploy(**settings: str) -> Run:
    """A deploy that must succeed."""
    run = pyinfra("-y", **settings)
    assert run.code == 0, run.output
    return run


def dry(**settings: str) -> Run:
    """What a deploy would change; nothing is touched."""
    run = pyinfra("--dry", **settings)
    assert run.code == 0, run.output
    return run


def sampled(cases: Iterable[object], each: int) -> list[ParameterSet]:
    """The parameters of a long table, all but one in so many marked as `exhaustive`."""
    return [
        pytest.param(case, marks=[pytest.mark.exhaustive] if place % each else [])
        for place, case in enumerate(cases)
    ]


def pytest_configure(config: pytest.Config) -> None:
    """Have the run end with the tables of drift, of removals and of mistakes."""
    # Here, for these read the conftest themselves.
    from tests.lab.removal.summary import RemovalTable

    config.pluginmanager.register(DriftTable())
    config.pluginmanager.register(RemovalTable())
    config.pluginmanager.register(MistakesTable())


@pytest.fixture(scope="session", autouse=True)
def lab() -> state.Lab:
    """The lab of this checkout, up and deployed."""
    lab = stack.up()
    deploy()
    return lab


@pytest.fixture(scope="session")
def engine_client() -> docker.DockerClient:
    return engine.connect()


@pytest.fixture(scope="session")
def machine(engine_client: docker.DockerClient) -> Callable[[str], str]:
    """Runs a shell command on the host as root and answers what it printed."""
    container = stack.host_container(engine_client)
    return lambda command: stack.run(container, "sh", "-c", command)


@pytest.fixture(scope="session", autouse=True)
def as_found(lab: state.Lab, chat: Chat, forge: Forge, machine: Callable[[str], str]) -> Iterator[None]:
    """The tests leave the lab as they found it."""
    before = residue.seen(chat, forge, machine)
    yield
    deploy()
    assert residue.left(before, residue.seen(chat, forge, machine)) == []


@pytest.fixture
def mattermost_container(engine_client: docker.DockerClient) -> Iterator[Container]:
    """The chat server, to be stopped or paused; it runs again at the end."""
    container = engine_client.containers.get("taaf-infrastructure-mattermost-1")
    yield container
    container.reload()
    if container.status == "paused":
        container.unpause()
    container.start()


@pytest.fixture
def events(forge: Forge) -> Iterator[Callable[[], tuple[str, int]]]:
    """Issues opened one after the other while the test runs; called, it ends that: their mark and number."""
    mark, count, over = marker(), [0], threading.Event()

    def open_issues() -> None:
        # No more than what the checks read of a channel.
        while not over.wait(0.3):
            forge.api("POST", "PROJECT/issues", {"title": f"{mark}-{count[0]}"})
            count[0] += 1

    def end() -> tuple[str, int]:
        over.set()
        worker.join()
        return mark, count[0]

    worker = threading.Thread(target=open_issues)
    worker.start()
    yield end
    end()
