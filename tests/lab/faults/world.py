"""What a fault is made of: the resource, the kind of drift, how to break it, what `drift` must say of it."""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tasks.site import Site
from tests.acceptance.people import Chat, Forge
from tests.lab.runs import deploy

INFRASTRUCTURE = "/root/taaf-infrastructure"
TREE = "/var/lib/docker/volumes/taaf-infrastructure_nextcloud_data/_data/data/admin/files/Documents_RH"

KINDS = ("missing", "altered", "duplicated", "disabled", "owner", "mode")


@dataclass
class World:
    """What a fault needs to be made."""

    site: Site
    chat: Chat
    forge: Forge
    machine: Callable[[str], str]

    def incoming(self, name: str) -> dict[str, Any]:
        """The webhook of that name in the site's team."""
        team = self.chat.api("GET", f"/teams/name/{self.site.mattermost.team}")["id"]
        found = self.chat.api("GET", f"/hooks/incoming?team_id={team}&per_page=200")
        return next(hook for hook in found if hook["display_name"] == name)

    def hook(self) -> dict[str, Any]:
        """GitLab's hook to the relay."""
        return next(hook for hook in self.forge.hooks() if hook["name"] == "Passerelle")

    def alter_incoming(self, name: str, **values: Any) -> None:
        """Change a webhook of Mattermost."""
        hook = self.incoming(name)
        self.chat.api("PUT", f"/hooks/incoming/{hook['id']}", {**hook, **values})

    def alter_hook(self, **values: Any) -> None:
        """Change GitLab's hook."""
        hook = self.hook()
        self.forge.api("PUT", f"PROJECT/hooks/{hook['id']}", {"url": hook["url"], **values})

    def switch(self, setting: str, value: bool) -> None:
        """Change a switch of Mattermost."""
        self.chat.api("PUT", "/config/patch", {"ServiceSettings": {setting: value}})


def nothing(world: World) -> None:
    """For what is missing because the site's settings ask for something new, and leaves nothing behind."""


@dataclass(frozen=True)
class Fault:
    """A drift of `kind` of the resource of the row `row`.

    `what`, `expected` and `actual` are how the difference that `drift` prints begins. `settings`: the site wants
    something else, which is not there yet. `undo` takes away what was made besides.
    """

    row: str
    kind: str
    name: str
    make: Callable[[World], object]
    what: str
    expected: str = ""
    actual: str = ""
    settings: Callable[[World], dict[str, str]] = lambda world: {}
    undo: Callable[[World], object] = nothing

    def __str__(self) -> str:
        return f"{self.row}: {self.name}"


def of_site(settings: dict[str, str]) -> Callable[..., Fault]:
    """What makes faults of a site that has been deployed with these settings before; as Fault, from its `row` on."""

    def fault(
        row: str,
        kind: str,
        name: str,
        act: Callable[[World], object],
        what: str,
        expected: str = "",
        actual: str = "",
    ) -> Fault:
        def make(world: World) -> None:
            deploy(**settings)
            act(world)

        return Fault(row, kind, name, make, what, expected, actual, settings=lambda world: settings)

    return fault


def on_host(command: str) -> Callable[[World], object]:
    """A fault made by a shell command on the host."""
    return lambda world: world.machine(command)


def files(row: str, path: str, mode: str) -> list[Fault]:
    """The faults of a file that root owns and that the deploy writes with this mode."""
    name, access = posixpath.basename(path), f"{mode} root root"
    return [
        Fault(row, "missing", f"{name} gone", on_host(f"rm {path}"), path, "is there", "is missing"),
        Fault(
            row,
            "altered",
            f"{name} edited",
            on_host(f"echo '# mine' >> {path}"),
            path,
            "as described",
            "other content",
        ),
        Fault(
            row,
            "owner",
            f"{name} given away",
            on_host(f"chown ops {path}"),
            path,
            access,
            f"{mode} ops root",
        ),
        Fault(
            row, "mode", f"{name} open to all", on_host(f"chmod 666 {path}"), path, access, "666 root root"
        ),
    ]
