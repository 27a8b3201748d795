"""Faults of the bot account, of a site whose messages a bot posts."""

import secrets
from collections.abc import Callable
from typing import Any

from tests.lab.faults.world import World, of_site, on_host

BOT = {"mattermost__posting": "bot"}
TOKEN = "/etc/passerelle/mattermost-bot-token"
ACCESS = "600 root root"


def another_name() -> str:
    """One that no bot of an earlier run has: they are not deleted."""
    return f"relais-{secrets.token_hex(4)}"


def account(world: World) -> dict[str, Any]:
    """The site's bot, disabled or not, whatever it is called."""
    found = world.chat.api("GET", "/bots?include_deleted=true&per_page=200")
    ours = [bot for bot in found if bot["description"].endswith("(Passerelle)")]
    # Of an earlier case there may be one that was left disabled.
    chosen: dict[str, Any] = min(
        ours, key=lambda bot: (bot["delete_at"] > 0, bot["username"] != "passerelle")
    )
    return chosen


def tokens(world: World) -> list[dict[str, Any]]:
    """The bot's tokens, without their values."""
    found: list[dict[str, Any]] = world.chat.api(
        "GET", f"/users/{account(world)['user_id']}/tokens?per_page=200"
    )
    return found


def _patched(**texts: str) -> Callable[[World], object]:
    return lambda w: w.chat.api("PUT", f"/bots/{account(w)['user_id']}", texts)


def _roles(roles: str) -> Callable[[World], object]:
    return lambda w: w.chat.api("PUT", f"/users/{account(w)['user_id']}/roles", {"roles": roles})


def _out_of(world: World, path: str) -> object:
    return world.chat.api("DELETE", f"{path}/members/{account(world)['user_id']}")


def _team(world: World) -> str:
    return f"/teams/{world.chat.api('GET', f'/teams/name/{world.site.mattermost.team}')['id']}"


def _channel(world: World, name: str) -> str:
    return f"/channels/{world.chat.channel(name)['id']}"


def _rank(world: World) -> object:
    path = f"{_team(world)}/members/{account(world)['user_id']}/schemeRoles"
    return world.chat.api("PUT", path, {"scheme_admin": True, "scheme_user": True})


def _revoke(world: World) -> None:
    for token in tokens(world):
        world.chat.api("POST", "/users/tokens/revoke", {"token_id": token["id"]})


def _lose(world: World) -> None:
    identity = account(world)["user_id"]
    _revoke(world)
    world.chat.api("PUT", f"/bots/{identity}", {"username": another_name(), "description": "-"})
    world.chat.api("POST", f"/bots/{identity}/disable")


def _another_token(world: World) -> None:
    """One that looks like ours."""
    (ours,) = tokens(world)
    description = f"{ours['description'].rpartition(' ')[0]} 99"
    world.chat.api("POST", f"/users/{account(world)['user_id']}/tokens", {"description": description})


_fault = of_site(BOT)

FAULTS = [
    _fault(
        "bot",
        "missing",
        "under another name, and nothing says that it is ours",
        _lose,
        "bot passerelle",
        "is there",
        "is missing",
    ),
    _fault(
        "bot",
        "altered",
        "renamed",
        lambda w: _patched(username=another_name())(w),
        "bot passerelle: username",
        "'passerelle'",
    ),
    _fault(
        "bot",
        "altered",
        "shown under another name",
        _patched(display_name="Other"),
        "bot passerelle: display_name",
        "'Passerelle'",
        "'Other'",
    ),
    _fault(
        "bot",
        "altered",
        "with more rights than it needs",
        _roles("system_user system_admin"),
        "bot passerelle: roles",
        "'system_user'",
        "'system_user system_admin'",
    ),
    _fault(
        "bot",
        "disabled",
        "by hand",
        lambda w: w.chat.api("POST", f"/bots/{account(w)['user_id']}/disable"),
        "bot passerelle",
        "enabled",
        "disabled",
    ),
    _fault(
        "membership of the bot",
        "missing",
        "out of a channel",
        lambda w: _out_of(w, _channel(w, "rh-alerts")),
        "bot passerelle in channel rh-alerts",
        "is there",
        "is missing",
    ),
    _fault(
        "membership of the bot",
        "missing",
        "out of the team",
        lambda w: _out_of(w, _team(w)),
        "bot passerelle in team taaf",
        "is there",
        "is missing",
    ),
    _fault(
        "membership of the bot",
        "altered",
        "administers the team",
        _rank,
        "bot passerelle in team taaf",
        "member",
        "administrator",
    ),
    _fault(
        "token of the bot",
        "missing",
        "its file gone",
        on_host(f"rm {TOKEN}"),
        TOKEN,
        "is there",
        "is missing",
    ),
    _fault(
        "token of the bot",
        "altered",
        "revoked",
        _revoke,
        TOKEN,
        "a new token of the bot",
        "one that Mattermost refuses",
    ),
    _fault(
        "token of the bot",
        "altered",
        "overwritten",
        on_host(f"echo nonsense > {TOKEN}"),
        TOKEN,
        "a new token of the bot",
        "one that Mattermost refuses",
    ),
    _fault(
        "token of the bot",
        "duplicated",
        "another one",
        _another_token,
        TOKEN,
        "a new token of the bot",
        "one of several",
    ),
    _fault(
        "token of the bot",
        "owner",
        "given away",
        on_host(f"chown ops {TOKEN}"),
        TOKEN,
        ACCESS,
        "600 ops root",
    ),
    _fault(
        "token of the bot",
        "mode",
        "open to all",
        on_host(f"chmod 666 {TOKEN}"),
        TOKEN,
        ACCESS,
        "666 root root",
    ),
]
