"""The containers of a Compose project, as the host's Docker tells."""

import json
from dataclasses import dataclass
from typing import Any

from pyinfra import host
from pyinfra.api import FactBase, QuoteString, StringCommand

from tasks.operations.remote import run_quietly
from tasks.operations.resource import ResourceError


@dataclass(frozen=True)
class Container:
    """A running container: its id, and `mounts`, Docker's own {Type, Source, Destination, …}."""

    id: str
    mounts: list[dict[str, Any]]

    def host_path(self, path: str) -> str | None:
        """Where a path of the container lies on the host; None if it is not on a volume."""
        holding = [m for m in self.mounts if f"{path}/".startswith(m["Destination"].rstrip("/") + "/")]
        nearest = max(holding, key=lambda m: len(m["Destination"]), default=None)
        return (
            str(nearest["Source"]) + path.removeprefix(nearest["Destination"].rstrip("/"))
            if nearest
            else None
        )


class ComposeService(FactBase[str]):
    """`STATUS ID MOUNTS-AS-JSON` of a service's container, or `error WHY`.

    Not the whole of `docker inspect`: the container's environment holds passwords.
    """

    def command(self, directory: str, service: str) -> StringCommand:
        return StringCommand(
            "cd",
            QuoteString(directory),
            "2>/dev/null || { echo error no-folder; exit 0; };",
            "command -v docker >/dev/null || { echo error no-docker; exit 0; };",
            "id=$(docker compose ps --all --quiet",
            QuoteString(service),
            '2>&1) || { echo error compose $(printf %s "$id" | tail -n 1); exit 0; };',
            'test -n "$id" || { echo error absent; exit 0; };',
            "docker inspect --format '{{.State.Status}} {{.Id}} {{json .Mounts}}' \"$id\"",
        )


def running_container(directory: str, service: str, section: str) -> Container:
    """The service's container; ResourceError if it does not run, naming the setting to look at."""
    answer = host.get_fact(ComposeService, directory=directory, service=service) or "error no answer"
    status, _, rest = answer.partition(" ")
    if status == "running":
        identity, _, mounts = rest.partition(" ")
        return Container(identity, json.loads(mounts))
    remedies = {
        "no-folder": f"there is no folder {directory} on the host; check host.infrastructure",
        "no-docker": "the host has no docker command; install Docker with its compose plugin",
        "absent": f"the service {service} has no container; run: cd {directory} && docker compose up -d {service}",
    }
    if status == "error":
        told = remedies.get(
            rest,
            f"docker compose in {directory}: {rest.removeprefix('compose ')}; "
            f"check host.infrastructure and {section}.service",
        )
        raise ResourceError(f"{section}: {told}")
    raise ResourceError(
        f"{section}: the container of the service {service} is {status}; "
        f"run: cd {directory} && docker compose up -d {service}"
    )


def run_in(directory: str, service: str, *command: str, user: str | None = None) -> tuple[bool, str]:
    """Run a command in the service's container; whether it ended with 0, and all that it printed."""
    as_user = ("-u", QuoteString(user)) if user else ()
    return run_quietly(
        StringCommand(
            "cd",
            QuoteString(directory),
            "&& docker compose exec -T",
            *as_user,
            QuoteString(service),
            *[QuoteString(word) for word in command],
        )
    )
