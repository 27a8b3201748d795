"""Slash commands of a team: what is kept of them, and where their answers may still be sent to."""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lab.standins.mattermost.state.errors import ApiError
from lab.standins.mattermost.state.store import Row, Store, new_id

BUILT_IN = frozenset(
    (
        *("away", "code", "collapse", "dnd", "echo", "expand", "header", "help", "invite", "invite_people"),
        *("join", "kick", "leave", "logout", "me", "msg", "mute", "offline", "online", "open", "purpose"),
        *("remove", "rename", "search", "settings", "shortcuts", "shrug", "status"),
    )
)
"""Words that the server keeps for itself."""

_LONGEST_TRIGGER = 128
_USES = 5
_MILLISECONDS = 30 * 60 * 1000


def find(store: Store, id: str) -> Row:
    """The command with this id, or 404."""
    found = store.one("SELECT * FROM commands WHERE id = ? AND delete_at = 0", id)
    if found is None:
        raise ApiError("store.sql_command.save.get.app_error", 404)
    return found


def of_team(store: Store, team_id: str) -> list[Row]:
    """Those of a team, the eldest first."""
    return store.all(
        "SELECT * FROM commands WHERE team_id = ? AND delete_at = 0 ORDER BY create_at, id", team_id
    )


def check(store: Store, wanted: Row, *, plain: bool) -> None:
    """Refuse what the server refuses of a command; `plain`: its word may only have letters, digits and `._-/`."""
    trigger = wanted["trigger"]
    if not 0 < len(trigger) <= _LONGEST_TRIGGER or trigger.startswith("/") or " " in trigger:
        raise ApiError("model.command.is_valid.trigger.app_error", 400)
    if plain and not re.fullmatch(r"[A-Za-z0-9_./-]+", trigger):
        raise ApiError("model.command.is_valid.trigger.app_error", 400)
    if not wanted["url"].startswith(("http://", "https://")):
        raise ApiError("model.command.is_valid.url_http.app_error", 400)
    same = [
        each
        for each in of_team(store, wanted["team_id"])
        if each["trigger"] == trigger and each["id"] != wanted["id"]
    ]
    if same or trigger in BUILT_IN:
        raise ApiError("api.command.duplicate_trigger.app_error", 400)


def may_be_reached(url: str, allowed: str) -> bool:
    """Whether the server goes to an address: to reserved ones only if `allowed` lists the host or its network."""
    name = urlsplit(url).hostname or ""
    entries = re.split(r"[\s,]+", allowed.strip()) if allowed.strip() else []
    if name in entries:
        return True
    try:
        found = {ipaddress.ip_address(info[4][0]) for info in socket.getaddrinfo(name, None)}
    except OSError:
        return False
    networks = [network for entry in entries if (network := _network(entry))]
    return all(
        not (each.is_private or each.is_loopback or each.is_link_local) or any(each in n for n in networks)
        for each in found
    )


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None


def open_response(store: Store, command: Row, user: Row, channel: Row, root_id: str) -> str:
    """The id under which the integration may answer later."""
    id = new_id()
    row = {"id": id, "command_id": command["id"], "user_id": user["id"], "channel_id": channel["id"]}
    store.insert("command_responses", row | {"root_id": root_id, "uses": 0, "create_at": store.now()})
    return id


def response(store: Store, id: str) -> Row:
    """The one with this id, or 404: none is older than half an hour."""
    found = store.one(
        "SELECT * FROM command_responses WHERE id = ? AND create_at >= ?", id, store.now() - _MILLISECONDS
    )
    if found is None:
        raise ApiError("app.command_webhook.get.missing", 404)
    return found


def use(store: Store, response: Row) -> None:
    """One more answer; 400 when it was used up."""
    if response["uses"] >= _USES:
        raise ApiError("app.command_webhook.try_use.invalid", 400)
    store.update("command_responses", response["id"], {"uses": response["uses"] + 1})


def show(store: Store, user_id: str, channel_id: str, name: str, text: str, props: Mapping[str, Any]) -> None:
    """Keep for the pages what the real server sends to one person's program and keeps nowhere."""
    values = {"id": new_id(), "create_at": store.now(), "user_id": user_id, "channel_id": channel_id}
    store.insert(
        "ephemeral_posts", values | {"name": name, "message": text, "props": json.dumps(dict(props))}
    )
