"""Which container is a service's: the table of what Docker may have of it."""

from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import StringCommand

from tasks.operations.compose import ComposeContainers, Container, command_for, of_project, read, running
from tasks.operations.resource import ResourceError
from tests.unit import noisy
from tests.unit.noisy import Made

WARNINGS = {
    "obsolete": 'time="2025-12-01T10:00:00Z" level=warning msg="docker-compose.yml: `version` is obsolete"',
    "unset": 'time="2025-12-01T10:00:00Z" level=warning msg="The \\"DB\\" variable is not set."',
    "configuration": "WARNING: Error loading config file: /root/.docker/config.json: permission denied",
    "id": "a" * 64,
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    (tmp_path / "infrastructure").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "infrastructure")
    return tmp_path


def found(
    site: Path,
    made: list[dict[str, Any]],
    warning: str = "",
    *,
    gone: str = "",
    asked: str = "infrastructure",
    project: str | None = None,
) -> Container:
    """The container of `nextcloud` that is chosen of those."""
    folder = str(site / "infrastructure")
    noisy.docker(site / "tools", [Made(**{"folder": folder, **each}) for each in made], warning, gone=gone)
    return _choose(site, str(site / asked), project)


def _choose(site: Path, directory: str, project: str | None = None) -> Container:
    return running(_made(site, directory), directory, "nextcloud", "nextcloud", project)


def _made(site: Path, directory: str) -> list[Container]:
    command = ComposeContainers().command(directory)
    assert isinstance(command, StringCommand)
    done = noisy.run(command.get_raw_value(), tools=site / "tools")
    assert done.returncode == 0
    return read(ComposeContainers().process(done.stdout.decode().splitlines()), directory)


@pytest.mark.parametrize("warning", WARNINGS)
def test_warnings_are_no_containers(site: Path, warning: str) -> None:
    assert found(site, [{"id": "own"}], WARNINGS[warning]).id == "own"


CASES: dict[str, list[dict[str, Any]]] = {
    "alone": [{"id": "own"}],
    "beside a one-off of compose run": [{"id": "run", "oneoff": "True"}, {"id": "own"}],
    "beside a one-off of Compose 1": [{"id": "run", "oneoff": "true", "number": "2"}, {"id": "own"}],
    "replicas": [{"id": "second", "number": "2"}, {"id": "own", "number": "1"}],
    "replicas of which the first is stopped": [
        {"id": "first", "number": "1", "state": "exited"},
        {"id": "own", "number": "2"},
    ],
    "ten replicas": [{"id": "tenth", "number": "10"}, {"id": "own", "number": "9"}],
    "beside a project of another folder": [{"id": "other", "folder": "/", "project": "x"}, {"id": "own"}],
    "beside other services": [{"id": "other", "service": "gitlab"}, {"id": "own"}],
    "without a number": [{"id": "own", "number": None}],
    "under another name": [{"id": "own", "project": "taaf"}],
    "beside a stopped stack of the same folder": [
        {"id": "other", "project": "a", "state": "exited"},
        {"id": "own", "project": "b"},
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_container_is_found(site: Path, case: str) -> None:
    container = found(site, CASES[case])
    assert (container.id, container.host_path("/data/x")) == ("own", "/srv/x")


def test_one_that_is_just_removed_does_no_harm(site: Path) -> None:
    assert found(site, [{"id": "own"}], gone="old").id == "own"


def test_the_folder_may_have_several_names(site: Path) -> None:
    assert found(site, [{"id": "own"}], asked="link").id == "own"


@pytest.mark.parametrize(
    ("made", "reported"),
    [
        (
            [],
            r"has no container in .*infrastructure \(there are: none\); check nextcloud.service, or run: cd ",
        ),
        ([{"id": "x", "service": "cloud"}], r"\(there are: cloud\); check nextcloud.service"),
        ([{"id": "x", "oneoff": "True"}], "there are: none"),
        (
            [{"id": "x", "folder": "/", "project": "taaf"}],
            "is in the Compose project taaf of /, not in .*; set host.infra.* to taaf",
        ),
        (
            [{"id": "x", "state": "exited"}],
            "is exited; run: cd .* && docker compose -p infrastructure up -d nextcloud",
        ),
        ([{"id": "x", "state": "paused"}, {"id": "y", "state": "exited", "number": "2"}], "is paused; run: "),
    ],
)
def test_what_is_missing_is_named(site: Path, made: list[dict[str, Any]], reported: str) -> None:
    with pytest.raises(ResourceError, match=f"nextcloud: the .*{reported}"):
        found(site, made)


@pytest.mark.parametrize(
    ("script", "reported"),
    [
        (
            "echo 'Cannot connect to the Docker daemon' >&2; exit 1",
            "host: Docker does not answer there: Cannot c",
        ),
        (
            "echo warning >&2; echo permission denied >&2; exit 1",
            "there: permission denied; run: systemctl s",
        ),
        ("exit 1", "there: it says nothing"),
    ],
)
def test_trouble_of_docker_is_reported(site: Path, script: str, reported: str) -> None:
    noisy.program(site / "tools", "docker", script)
    with pytest.raises(ResourceError, match=reported):
        _choose(site, str(site / "infrastructure"))


def test_a_folder_that_is_not_there_is_reported(site: Path) -> None:
    with pytest.raises(ResourceError, match=r"host: there is no folder /nowhere .*; check host\.inf"):
        _choose(site, "/nowhere")


TWO = [{"id": "own", "project": "a"}, {"id": "other", "project": "b"}]


@pytest.mark.parametrize("state", ["running", "exited"])
def test_two_projects_of_a_folder_are_distinguished_by_the_setting(site: Path, state: str) -> None:
    made = [{**each, "state": state} for each in TWO]
    with pytest.raises(
        ResourceError, match=r"host\.compose_project: in .* several Compose projects \(a, b\); set it"
    ):
        found(site, made)
    if state == "running":
        assert found(site, made, project="a").id == "own"


@pytest.mark.parametrize("folder", ["/", "", None])
def test_a_project_of_another_folder_is_found_by_its_name(site: Path, folder: str | None) -> None:
    """Compose before 1.25 noted no folder."""
    made: list[dict[str, Any]] = [{"id": "own", "project": "taaf", "folder": folder}, {"id": "other"}]
    assert found(site, made, project="taaf").id == "own"


def test_a_name_that_no_project_has_is_reported(site: Path) -> None:
    with pytest.raises(
        ResourceError, match=r"not in the one called other; set .* host\.compose_project to infra"
    ):
        found(site, [{"id": "own"}], project="other")


# What a project was made of, and what its commands are then typed as, in its folder.
COMMANDS: list[tuple[dict[str, Any], str]] = [
    ({}, "docker compose -p taaf"),
    ({"files": "{}/docker-compose.yml"}, "docker compose -p taaf"),
    ({"files": "{}/compose.yaml,{}/compose.override.yaml"}, "docker compose -p taaf"),
    ({"files": "-"}, "docker compose -p taaf"),
    (
        {"files": "{}/docker-compose.yml,{}/site.yml"},
        "docker compose -p taaf -f {}/docker-compose.yml -f {}/site.yml",
    ),
    ({"files": "{}/other.yml"}, "docker compose -p taaf -f {}/other.yml"),
    ({"files": "/srv/a b.yml"}, "docker compose -p taaf -f '/srv/a b.yml' --project-directory {}"),
    ({"environment": "/srv/site.env"}, "docker compose -p taaf --env-file /srv/site.env"),
]


@pytest.mark.parametrize(("made", "command"), COMMANDS)
def test_commands_are_for_the_project_as_it_was_started(
    site: Path, made: dict[str, Any], command: str
) -> None:
    folder = str(site / "infrastructure")
    reported = {key: value.format(folder, folder) for key, value in made.items()}
    noisy.docker(site / "tools", [Made("own", folder=folder, project="taaf", **reported)])
    ours = of_project(_made(site, folder), folder)
    assert command_for(ours) == command.replace("{}", folder)


def test_without_a_container_there_is_nothing_to_be_named() -> None:
    assert command_for([]) == "docker compose"
