"""The containers of a Compose project, found by their labels as the host's Docker says.

Not by `docker compose ps`: it reads the project's files, which may be broken or warned of, and looks for a project of
the folder's name, while the one that runs may have been started under another.
"""

import json
import posixpath
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.operations import engine
from tasks.operations.remote import HostFact, run_quietly
from tasks.operations.resource import ResourceError

_LABEL = "com.docker.compose"
# {our name: Docker's}. Not all of the labels, nor of what `docker inspect` says: there are passwords in some.
_ASKED = {"id": ".Id", "state": ".State.Status", "image": ".Config.Image", "mounts": ".Mounts"} | {
    name: f'(index .Config.Labels "{_LABEL}.{label}")'
    for name, label in {
        "service": "service",
        "number": "container-number",
        "oneoff": "oneoff",
        "project": "project",
        "folder": "project.working_dir",
        "files": "project.config_files",
        "environment": "project.environment_file",
    }.items()
}
_FORMAT = "{" + ",".join(f'"{name}":{{{{json {value}}}}}' for name, value in _ASKED.items()) + "}"
# What Compose takes of a folder by itself.
_OWN_FILES = {
    f"{name}{part}.{ending}"
    for name in ("compose", "docker-compose")
    for part in ("", ".override")
    for ending in ("yaml", "yml")
}


@dataclass(frozen=True)
class Project:
    """A Compose project as it was started: its name and folder, its files, and the files with its variables."""

    name: str
    folder: str = ""
    files: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        """`docker compose` for this project, which no other of the same folder or files is taken for.

        Files are named where they are not those that Compose finds in the folder: then one that comes later counts too.
        """
        options = [("-p", self.name)]
        if any(path not in {f"{self.folder}/{name}" for name in _OWN_FILES} for path in self.files):
            options += [("-f", path) for path in self.files]
            if self.folder != posixpath.dirname(self.files[0]):
                options.append(("--project-directory", self.folder))
        options += [("--env-file", path) for path in self.environment]
        return ["docker", "compose", *[word for option in options for word in option]]


@dataclass(frozen=True)
class Container:
    """A container of a Compose service; `mounts` are Docker's own {Type, Source, Destination, …}.

    `here` says whether its project is the one of the folder that was asked for.
    """

    id: str
    mounts: list[dict[str, Any]] = field(default_factory=list)
    state: str = "running"
    image: str = ""
    service: str = ""
    number: int = 1
    project: Project = Project("")
    here: bool = True

    def host_path(self, path: str) -> str | None:
        """Where a path of the container lies on the host; None if it is not on a volume."""
        holding = [m for m in self.mounts if f"{path}/".startswith(m["Destination"].rstrip("/") + "/")]
        nearest = max(holding, key=lambda m: len(m["Destination"]), default=None)
        return (
            str(nearest["Source"]) + path.removeprefix(nearest["Destination"].rstrip("/"))
            if nearest
            else None
        )


ALL_IN_ONE = "nextcloud-aio-nextcloud"
"""The container of Nextcloud All-in-One, which starts its containers itself; it counts as a service of this name."""

# Number and folder of those that Compose has made and of the one of All-in-One, an empty line for any other.
_ROW = (
    f'{{{{if or (.Label "{_LABEL}.service") (eq .Names "{ALL_IN_ONE}")}}}}'
    f'{{{{.ID}}}} {{{{.Label "{_LABEL}.project.working_dir"}}}}{{{{end}}}}'
)

# In the place of a container, where Nextcloud is none: a real one comes first.
_SNAP = Container("", state="snap", service="nextcloud", number=1_000_000)


class ComposeContainers(HostFact[list[str]]):
    """`error WHY`; or a JSON object for each container of Compose, and `here ID` for those of `directory`.

    The container of Nextcloud All-in-One, which no Compose project has, is among them; `snap`: there is one of snap's.
    """

    default = list

    def command(self, directory: str) -> StringCommand:
        return StringCommand(
            "cd",
            QuoteString(directory),
            "2>/dev/null || { echo error folder; exit 0; };",
            engine.OTHERS,
            "command -v docker >/dev/null || { others;",
            f"test -e {engine.SNAP} && echo error snap || echo error missing; exit 0; }};",
            engine.SUPPORTED,
            f"rows=$(docker ps --all --no-trunc --format '{_ROW}' 2>/dev/null)",
            '|| { others; echo "error silent $(docker ps --quiet 2>&1 >/dev/null | tail -n 1)"; exit 0; };',
            f"test -e {engine.SNAP} && echo snap;",
            'test -n "$rows" || others;',
            # The folder may be reached by several names.
            'printf "%s\\n" "$rows" | while read -r id folder; do test "$folder" -ef . && echo "here $id"; done;',
            # One may be gone by now, which makes this fail and leaves the others.
            'test -z "$rows" || docker inspect --format',
            f"'{_FORMAT}'",
            '$(printf "%s\\n" "$rows" | cut -d " " -f 1) 2>/dev/null || true',
        )

    def process(self, output: list[str]) -> list[str]:
        """The lines."""
        return output


class DockerError(ResourceError):
    """Why it is not known which containers are meant.

    `reason`: there is no `folder`, Docker is `missing` or `silent`, another `engine`, Nextcloud's `snap` alone, several
    `projects`; `detail`: what Docker says.
    """

    def __init__(self, line: str, reason: str, detail: str = "") -> None:
        super().__init__(line)
        self.reason = reason
        self.detail = detail


def containers(directory: str) -> list[Container]:
    """Every container that Compose has made on the host, but for those of `compose run`.

    DockerError if the host has no folder `directory` or its Docker does not answer.
    """
    return read(host.get_fact(ComposeContainers, directory=directory), directory)


def read(lines: list[str], directory: str) -> list[Container]:
    """The same, of the lines of the fact."""
    error = next((line.removeprefix("error ") for line in lines if line.startswith("error ")), "")
    reason, _, detail = error.partition(" ")
    if reason == "folder":
        raise DockerError(
            f"host: there is no folder {directory} on the host; check host.infrastructure", reason
        )
    if reason == "missing":
        raise DockerError(
            "host: the host has no docker command; install Docker with its compose plugin", reason
        )
    if reason == "engine":
        raise DockerError(engine.REFUSED.format(engine=detail), reason, detail)
    if reason == "snap":
        raise DockerError(engine.SNAP_REFUSED, reason)
    if reason:
        detail = detail or "it says nothing"
        raise DockerError(
            f"host: Docker does not answer there: {detail}; run: systemctl start docker", reason, detail
        )
    here = {line.removeprefix("here ") for line in lines if line.startswith("here ")}
    documents = [json.loads(line) for line in lines if line.startswith("{")]
    found = [_container(each, here) for each in documents if str(each["oneoff"]).lower() != "true"]
    return [*found, *([_SNAP] if "snap" in lines else [])]


def _container(said: dict[str, Any], here: set[str]) -> Container:
    number = str(said["number"])
    return Container(
        id=said["id"],
        mounts=said["mounts"] or [],
        state=said["state"],
        image=said["image"],
        service=said["service"] or ALL_IN_ONE,
        number=int(number) if number.isdecimal() else 1,
        # A file may have come from standard input, which nobody can read again.
        project=Project(
            said["project"],
            said["folder"] or "",
            tuple(path for path in (said["files"] or "").split(",") if posixpath.isabs(path)),
            tuple(path for path in (said["environment"] or "").split(",") if posixpath.isabs(path)),
        ),
        here=said["id"] in here,
    )


def of_project(found: Iterable[Container], directory: str, name: str | None = None) -> list[Container]:
    """The containers of the project called `name`, without one of the project in `directory`.

    If several were started there, it is the one that runs; DockerError, naming them, if that says nothing.
    """
    snap = [container for container in found if container is _SNAP]
    if name:
        return [*(container for container in found if container.project.name == name), *snap]
    here = [container for container in found if container.here and container is not _SNAP]
    named = sorted({container.project.name for container in here})
    alive = sorted({container.project.name for container in here if container.state == "running"})
    if len(named) > 1 and len(alive) != 1:
        several = ", ".join(alive or named)
        raise DockerError(
            f"host.compose_project: in {directory} there are several Compose projects ({several}); set it to the one "
            "that is meant, or remove the other one: docker compose -p NAME down",
            "projects",
            several,
        )
    return [*(container for container in here if container.project.name in (alive or named)), *snap]


def of_service(found: Iterable[Container], service: str) -> Container | None:
    """The container of a service among those of one project: of several the first one that runs, if one does."""
    same = [container for container in found if container.service == service]
    return min(same, key=lambda container: (container.state != "running", container.number), default=None)


def command_for(found: list[Container]) -> str:
    """`docker compose` as it is to be typed for the project of these containers, the newest first."""
    project = next((each.project for each in found if each.project.name), None)
    return shlex.join(project.command if project else ["docker", "compose"])


def running_container(directory: str, service: str, section: str, project: str | None = None) -> Container:
    """The service's container; ResourceError if it does not run, naming the setting to look at."""
    return running(containers(directory), directory, service, section, project)


def running(
    found: list[Container], directory: str, service: str, section: str, project: str | None = None
) -> Container:
    """The same, of all that Compose has made on the host."""
    if service == ALL_IN_ONE:
        return _all_in_one(found, section)
    ours = of_project(found, directory, project)
    chosen = of_service(ours, service)
    start = f"run: cd {directory} && {command_for(ours)} up -d {service}"
    if chosen is None:
        elsewhere = of_service(found, service)
        if elsewhere:
            raise ResourceError(f"{section}: {_elsewhere(elsewhere, directory, project)}")
        others = ", ".join(sorted({container.service for container in ours}))
        raise ResourceError(
            f"{section}: the service {service} has no container in {directory} (there are: {others or 'none'}); "
            f"check {section}.service, or {start}"
        )
    if chosen is _SNAP:
        raise ResourceError(engine.SNAP_REFUSED)
    if chosen.state != "running":
        raise ResourceError(f"{section}: the container of the service {service} is {chosen.state}; {start}")
    return chosen


def _all_in_one(found: list[Container], section: str) -> Container:
    chosen = of_service(found, ALL_IN_ONE)
    if chosen is None:
        raise ResourceError(
            f"{section}: there is no container {ALL_IN_ONE}; have Nextcloud All-in-One start its containers, or "
            f"correct {section}.service"
        )
    if chosen.state != "running":
        raise ResourceError(
            f"{section}: the container {ALL_IN_ONE} is {chosen.state}; start it in the interface of All-in-One"
        )
    return chosen


def _elsewhere(found: Container, directory: str, project: str | None) -> str:
    ours = f"called {project}" if project else f"of {directory}"
    return (
        f"the service {found.service} is in the Compose project {found.project.name} of "
        f"{found.project.folder or 'an unknown folder'}, not in the one {ours}; set host.infrastructure to that "
        f"folder, or host.compose_project to {found.project.name}"
    )


def run_in(container: str, *command: str, user: str | None = None) -> tuple[bool, str]:
    """Run a command in a container, given by its id; whether it ended with 0, and what it printed."""
    as_user = ("-u", QuoteString(user)) if user else ()
    return run_quietly(
        StringCommand("docker exec", *as_user, container, *[QuoteString(word) for word in command])
    )
