"""Whatever runs containers on a host: Docker of root's works, anything else is named in one line by all who look."""

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import StringCommand

from tasks.commands import _compose
from tasks.context import DeployContext
from tasks.operations import engine
from tasks.operations.compose import (
    ALL_IN_ONE,
    ComposeContainers,
    Container,
    DockerError,
    Project,
    command_for,
    of_project,
    read,
    running,
)
from tasks.operations.resource import ResourceError
from tasks.setup import discovery
from tests.unit import noisy
from tests.unit.noisy import Made
from tests.unit.site_data import taaf
from tests.unit.test_elsewhere import CLOUD, api_of_nobody

PODMAN = 'case "$1" in --version) echo podman version 4.3.1 ;; *) echo "Error: unknown" >&2; exit 125 ;; esac'
DEAD = 'case "$1" in --version) echo Docker version 27.0 ;; *) echo "Cannot connect" >&2; exit 1 ;; esac'
NOTHING = 'case "$1" in --version) echo Docker version 27.0 ;; esac'
COMPONENTS = 'case "$1" in --version) echo Docker version 27.0 ;; version) echo "{}" ;; esac'


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with programs, and one in the place of /run and /snap."""
    for name in ("tools", "root/run/user/1000/podman", "root/run/podman", "root/snap/bin"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)  # a socket takes a short path only
    return tmp_path


def look(machine: Path, *, without_docker: bool = False) -> list[Container]:
    """What is found in the folder of a project."""
    command = ComposeContainers().command(str(machine))
    assert isinstance(command, StringCommand)
    text = command.get_raw_value()
    for place in ("/run/user/", "/run/podman/", "/snap/bin/"):
        text = text.replace(f" {place}", f" {machine}/root{place}")
    if without_docker:
        text = f"PATH={machine}/tools:{machine}/few; {text}"
        (machine / "few").mkdir()
        for program in ("echo", "head", "test", "tail", "cut"):
            with suppress(FileExistsError):
                (machine / "few" / program).symlink_to(f"/usr/bin/{program}")
    done = noisy.run(text, tools=machine / "tools")
    assert done.returncode == 0, done.stderr
    return read(ComposeContainers().process(done.stdout.decode().splitlines()), str(machine))


def listen(machine: Path, path: str) -> None:
    """Have a socket there, where long paths cannot be bound."""
    place = machine / "root" / path
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(place))


# {what is there: (the program `docker`, sockets, the programs beside it, what is named)}
ENGINES: dict[str, tuple[str | None, list[str], list[str], str]] = {
    "podman-docker": (PODMAN, [], [], "podman version 4.3.1"),
    "podman-docker, rootless too": (PODMAN, ["run/user/1000/podman/podman.sock"], [], "podman version 4.3.1"),
    "podman behind Docker's command": (
        COMPONENTS.format("Podman Engine 5.0;Conmon 2;"),
        [],
        [],
        "Podman behind",
    ),
    "Docker without root, which root's command leads to": (
        COMPONENTS.format("Engine 27.0;containerd 1;rootlesskit 2.3;"),
        [],
        [],
        "rootless Docker",
    ),
    "Docker without root, and root's does not run": (
        DEAD,
        ["run/user/1000/docker.sock"],
        [],
        "rootless Docker (/",
    ),
    "Docker without root, and root's has nothing": (
        NOTHING,
        ["run/user/1000/docker.sock"],
        [],
        "rootless Docker (/",
    ),
    "Docker without root alone": (None, ["run/user/1000/docker.sock"], [], "rootless Docker (/"),
    "podman alone, with podman-compose": (None, [], ["podman"], "podman version 5.2"),
    "podman's service for root": (None, ["run/podman/podman.sock"], [], "Podman (/"),
    "podman's service for a user": (DEAD, ["run/user/1000/podman/podman.sock"], [], "Podman (/"),
}


@pytest.mark.parametrize("there", ENGINES)
def test_another_engine_is_named(machine: Path, there: str) -> None:
    docker, sockets, beside, named = ENGINES[there]
    if docker is not None:
        noisy.program(machine / "tools", "docker", docker)
    for program in beside:
        noisy.program(machine / "tools", program, "echo podman version 5.2")
    for path in sockets:
        listen(machine, path)
    with pytest.raises(DockerError) as caught:
        look(machine, without_docker=docker is None)
    line = str(caught.value)
    assert (caught.value.reason, "\n" in line) == ("engine", False)
    assert line.startswith(f"host: what runs containers there is {named}"), line
    assert "supported is Docker that root runs" in line


def test_docker_of_root_s_is_taken_beside_another_engine(machine: Path) -> None:
    noisy.docker(machine / "tools", [Made("own", folder=str(machine))])
    noisy.program(machine / "tools", "podman", "echo podman version 5.2")
    listen(machine, "run/user/1000/docker.sock")
    listen(machine, "run/podman/podman.sock")
    assert [each.id for each in look(machine)] == ["own"]


@pytest.mark.parametrize(
    ("script", "reason"), [(DEAD, "silent"), (None, "missing")], ids=["that is dead", "that is not there"]
)
def test_no_engine_at_all_is_docker(machine: Path, script: str | None, reason: str) -> None:
    if script:
        noisy.program(machine / "tools", "docker", script)
    with pytest.raises(DockerError) as caught:
        look(machine, without_docker=script is None)
    assert caught.value.reason == reason


@pytest.mark.parametrize("services", [("gitlab", ""), ("", "nextcloud"), ("", "")])
def test_the_commands_are_not_made_for_another_engine(
    monkeypatch: pytest.MonkeyPatch, services: tuple[str, str]
) -> None:
    def refused(_: str) -> list[Container]:
        raise DockerError("refused", "engine", "podman")

    monkeypatch.setattr("tasks.context.containers", refused)
    asked = api_of_nobody()
    site = taaf({"gitlab": {"service": services[0]}, "nextcloud": {**CLOUD, "service": services[1]}})
    context = DeployContext("/srv", "192.0.2.1:8090", asked, asked, gitlab_signs=True)
    if any(services):
        with pytest.raises(DockerError, match="refused"):
            _compose(site, context)
    else:
        assert _compose(site, context) == ""


# Nextcloud All-in-One, whose containers no Compose project has.


def all_in_one(machine: Path, state: str = "running") -> None:
    """A Docker that has GitLab by Compose, and the container of All-in-One."""
    noisy.docker(
        machine / "tools",
        [
            Made("git", service="gitlab", folder=str(machine)),
            Made("aio", service="", project="", state=state),
        ],
    )


def test_the_container_of_all_in_one_is_found(machine: Path) -> None:
    all_in_one(machine)
    found = look(machine)
    chosen = running(found, str(machine), ALL_IN_ONE, "nextcloud")
    assert (chosen.id, chosen.host_path("/data/admin")) == ("aio", "/srv/admin")
    # It is of no project, and its absence from one is no fault.
    ours = of_project(found, str(machine))
    assert [each.id for each in ours] == ["git"]
    assert command_for(ours) == "docker compose -p infrastructure"


@pytest.mark.parametrize("state", ["exited", "paused"])
def test_one_that_does_not_run_is_named(machine: Path, state: str) -> None:
    all_in_one(machine, state)
    with pytest.raises(
        ResourceError, match=f"the container nextcloud-aio-nextcloud is {state}; start it in the"
    ):
        running(look(machine), str(machine), ALL_IN_ONE, "nextcloud")


def test_none_at_all_is_named() -> None:
    with pytest.raises(
        ResourceError, match="there is no container nextcloud-aio-nextcloud; have Nextcloud All-in"
    ):
        running([], "/srv", ALL_IN_ONE, "nextcloud")


GIT = Container("git", image="gitlab/gitlab-ce", service="gitlab", project=Project("site", "/srv/site"))
AIO = Container("aio", image="nextcloud/all-in-one-nextcloud", service=ALL_IN_ONE, project=Project(""))
OWN = Container("own", image="nextcloud", service="nextcloud", project=Project("site", "/srv/site"))


@pytest.mark.parametrize(
    ("containers", "elsewhere", "folder", "chosen"),
    [
        ([GIT, AIO], set(), "/srv/site", {"gitlab": "git", "nextcloud": "aio"}),
        ([GIT, OWN, AIO], set(), "/srv/site", {"gitlab": "git", "nextcloud": "own"}),
        ([AIO], {"gitlab"}, discovery.WITHOUT_PROJECT, {"nextcloud": "aio"}),
    ],
)
def test_setup_finds_it(
    containers: list[Container], elsewhere: set[str], folder: str, chosen: dict[str, str]
) -> None:
    (found,) = discovery.among(containers, elsewhere)
    assert {what: each.id for what, each in found.containers.items()} == chosen
    assert found.folder == folder


# The snap.


def snap(machine: Path) -> None:
    noisy.program(machine / "root" / "snap" / "bin", "nextcloud.occ", "true")


def test_a_snap_without_docker_is_named(machine: Path) -> None:
    snap(machine)
    with pytest.raises(DockerError) as caught:
        look(machine, without_docker=True)
    assert (caught.value.reason, str(caught.value)) == ("snap", engine.SNAP_REFUSED)


@pytest.mark.parametrize("project", [None, "infrastructure"])
@pytest.mark.parametrize("state", ["running", "exited"])
def test_a_snap_beside_containers_is_named(machine: Path, project: str | None, state: str) -> None:
    snap(machine)
    noisy.docker(machine / "tools", [Made("git", service="gitlab", folder=str(machine), state=state)])
    found = look(machine)
    with pytest.raises(ResourceError) as caught:
        running(found, str(machine), "nextcloud", "nextcloud", project)
    assert str(caught.value) == engine.SNAP_REFUSED
    assert command_for(of_project(found, str(machine), project)) == "docker compose -p infrastructure"


def test_a_container_comes_before_a_snap(machine: Path) -> None:
    snap(machine)
    noisy.docker(machine / "tools", [Made("own", folder=str(machine), state="running")])
    assert running(look(machine), str(machine), "nextcloud", "nextcloud").id == "own"


def test_setup_names_a_snap() -> None:
    pretended: list[Any] = [GIT, Container("", state="snap", service="nextcloud")]
    with pytest.raises(ResourceError, match=r"installed as a snap.*WebDAV"):
        discovery.among(pretended)
