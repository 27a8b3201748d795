"""Faults of the slash commands, of a site that has one."""

from collections.abc import Callable
from typing import Any

from tests.lab.faults.world import World, of_site, on_host

COMMANDS = {"mattermost__commands": '["passerelle"]'}
TOKENS = "/etc/passerelle/mattermost-command-token"
ACCESS = "600 root root"
SETTING = "AllowedUntrustedInternalConnections"


def command(world: World) -> dict[str, Any]:
    """The site's command, with its token."""
    team = world.chat.api("GET", f"/teams/name/{world.site.mattermost.team}")["id"]
    found = world.chat.api("GET", f"/commands?team_id={team}&custom_only=true")
    return next(each for each in found if each["trigger"] == "passerelle")


def _altered(**values: Any) -> Callable[[World], object]:
    def act(world: World) -> None:
        found = command(world)
        world.chat.api("PUT", f"/commands/{found['id']}", {**found, **values})

    return act


def _allow(text: str) -> Callable[[World], object]:
    return lambda w: w.chat.api("PUT", "/config/patch", {"ServiceSettings": {SETTING: text}})


_fault = of_site(COMMANDS)

FAULTS = [
    _fault(
        "internal address",
        "missing",
        "taken out of the list",
        _allow(""),
        f"ServiceSettings.{SETTING} entry",
        "is there",
        "is missing",
    ),
    _fault(
        "slash command",
        "missing",
        "deleted",
        lambda w: w.chat.api("DELETE", f"/commands/{command(w)['id']}"),
        "slash command /passerelle in team taaf",
        "is there",
        "is missing",
    ),
    _fault(
        "slash command",
        "altered",
        "led elsewhere",
        _altered(url="http://192.0.2.9/x"),
        "slash command /passerelle: url",
        "'http://",
        "'http://192.0.2.9/x'",
    ),
    _fault(
        "slash command",
        "altered",
        "not offered to who types",
        _altered(auto_complete=False),
        "slash command /passerelle: auto_complete",
        "True",
        "False",
    ),
    _fault(
        "tokens of the commands",
        "missing",
        "their file gone",
        on_host(f"rm {TOKENS}"),
        TOKENS,
        "is there",
        "is missing",
    ),
    _fault(
        "tokens of the commands",
        "altered",
        "another one made by hand",
        lambda w: w.chat.api("PUT", f"/commands/{command(w)['id']}/regen_token"),
        TOKENS,
        "as described",
        "other content",
    ),
    _fault(
        "tokens of the commands",
        "owner",
        "given away",
        on_host(f"chown ops {TOKENS}"),
        TOKENS,
        ACCESS,
        "600 ops root",
    ),
    _fault(
        "tokens of the commands",
        "mode",
        "open to all",
        on_host(f"chmod 666 {TOKENS}"),
        TOKENS,
        ACCESS,
        "666 root root",
    ),
]
