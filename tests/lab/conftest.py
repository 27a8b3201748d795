"""The lab, deployed once; tests break something and deploy again."""

import threading
from collections.abc import Callable, Iterator

import docker
import pytest
from docker.models.containers import Container

from lab import engine, stack, state
from tests.acceptance.people import Chat, Forge, marker
from tests.lab import residue
from tests.lab.faults.summary import DriftTable
from tests.lab.installed import program
from tests.lab.removal.summary import RemovalTable
from tests.lab.runs import deploy
from tests.lab.sites_table import SitesTable
from tests.live import chat, cloud, copy, forge, host, infrastructure, proxy, site, ssh, tunnel
from tests.mistakes_table import MistakesTable

__all__ = [
    "chat",
    "cloud",
    "copy",
    "forge",
    "host",
    "infrastructure",
    "program",
    "proxy",
    "site",
    "ssh",
    "tunnel",
]


def pytest_configure(config: pytest.Config) -> None:
    """Have the run end with the tables of drift, of removals, of sites and of mistakes."""
    config.pluginmanager.register(DriftTable())
    config.pluginmanager.register(RemovalTable())
    config.pluginmanager.register(SitesTable())
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
