"""Pages for people: the channels as chat, the hooks, the integration settings.

They need no login, which only a lab can afford, and load nothing from anywhere else.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from lab.standins.mattermost.api.endpoint import instance_of, route
from lab.standins.mattermost.api.receive import NOT_FOUND
from lab.standins.mattermost.pages import render
from lab.standins.mattermost.state import commands, custom_emoji
from lab.standins.mattermost.state.emoji import EMOJI
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row

_SHOWN = 100
"""Posts on a channel's page."""
_LINE = 80
"""Characters of a root above a reply."""
_POSTS = "SELECT posts.*, username FROM posts JOIN users ON users.id = user_id WHERE posts.delete_at = 0 AND"
_EPHEMERAL = (
    "SELECT e.id, e.create_at, e.message, e.props, e.name AS username,"
    " coalesce(users.username, 'personne') AS seen_by, '' AS root_id, '' AS type, 0 AS edit_at, 0 AS is_pinned"
    " FROM ephemeral_posts AS e LEFT JOIN users ON users.id = user_id WHERE channel_id = ? AND e.create_at <= ?"
    " ORDER BY e.create_at DESC LIMIT ?"
)
_NEWEST = 2**62
"""A moment after that of every post."""

_COLOR = re.compile(r"#[0-9A-Fa-f]{3}(?:[0-9A-Fa-f]{3})?")
_NAMED_COLORS = {"good": "#339970", "warning": "#cc8f00", "danger": "#d24b4e"}

_SETTINGS = {
    "EnableIncomingWebhooks": "Activer les webhooks entrants",
    "EnableOutgoingWebhooks": "Activer les webhooks sortants",
    "EnableCommands": "Activer les commandes slash personnalisées",
    "EnableOAuthServiceProvider": "Activer le fournisseur de service OAuth 2.0",
    "EnablePostUsernameOverride": "Autoriser les intégrations à changer le nom affiché",
    "EnablePostIconOverride": "Autoriser les intégrations à changer l'icône affichée",
    "EnableUserAccessTokens": "Activer les jetons d'accès personnels",
    "EnableBotAccountCreation": "Activer la création de comptes de bots",
}

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True, trim_blocks=True
)
_templates.filters |= {"markdown": render.block, "inline": render.inline}


def _page(instance: Instance, template: str, team: Row | None, **values: object) -> Response:
    store = instance.store
    channels = store.all(
        "SELECT * FROM channels WHERE team_id = ? AND delete_at = 0 ORDER BY type, name",
        team["id"] if team else "",
    )
    direct = [
        {"name": row["name"], "people": _people(instance, row)}
        for row in store.all("SELECT * FROM channels WHERE type = 'D' ORDER BY create_at")
    ]
    html = _templates.get_template(template).render(
        team=team, channels=channels, direct=direct, version=instance.release.version, **values
    )
    return HTMLResponse(html)


def _team(instance: Instance, name: str | None = None) -> Row | None:
    return instance.store.one(
        "SELECT * FROM teams WHERE delete_at = 0 AND ? IN ('', name) ORDER BY create_at LIMIT 1", name or ""
    )


async def home(request: Request) -> Response:
    """The channel of the first team with the newest post of an integration, else its first channel."""
    instance = instance_of(request)
    team = _team(instance)
    if team is None:
        return _page(instance, "empty.html", None)
    channel = instance.store.one(
        "SELECT channels.name FROM channels LEFT JOIN posts ON posts.channel_id = channels.id "
        "AND posts.props LIKE '%\"from_webhook\"%' WHERE team_id = ? AND channels.delete_at = 0 "
        "ORDER BY posts.create_at DESC, channels.create_at LIMIT 1",
        team["id"],
    )
    assert channel is not None
    return RedirectResponse(f"/{team['name']}/channels/{channel['name']}", 302)


async def channel_page(request: Request) -> Response:
    """One channel, oldest post first."""
    instance = instance_of(request)
    team = _team(instance, request.path_params["team"])
    channel = team and instance.store.one(
        "SELECT * FROM channels WHERE team_id = ? AND name = ?", team["id"], request.path_params["channel"]
    )
    return _channel(instance, team, channel, _NEWEST)


async def direct_page(request: Request) -> Response:
    """The messages of two people, oldest first."""
    instance = instance_of(request)
    team = _team(instance, request.path_params["team"])
    channel = instance.store.one(
        "SELECT * FROM channels WHERE type = 'D' AND name = ?", request.path_params["channel"]
    )
    return _channel(instance, team, channel, _NEWEST)


async def permalink(request: Request) -> Response:
    """The channel of a post up to that post, which is marked, as Mattermost opens the link of a post."""
    instance = instance_of(request)
    team = _team(instance, request.path_params["team"])
    post = instance.store.one(
        "SELECT * FROM posts WHERE id = ? AND delete_at = 0", request.path_params["post"]
    )
    channel = (
        team
        and post
        and instance.store.one(
            "SELECT * FROM channels WHERE team_id IN (?, '') AND id = ?", team["id"], post["channel_id"]
        )
    )
    if post is None:
        return _channel(instance, team, None, _NEWEST)
    collapsed = instance.release.collapsed_threads and post["root_id"]
    place = instance.store.get("posts", post["root_id"]) if collapsed else post
    return _channel(instance, team, channel, place["create_at"] if place else _NEWEST, linked=post["id"])


def _channel(
    instance: Instance, team: Row | None, channel: Row | None, until: int, *, linked: str = ""
) -> Response:
    """The posts of a channel up to a moment: with collapsed threads its roots, each with its replies below it."""
    if not team or not channel:
        return PlainTextResponse(*NOT_FOUND)
    rows = instance.store.all(
        f"{_POSTS} channel_id = ? AND posts.create_at <= ? AND (root_id = '' OR NOT ?)"
        " ORDER BY posts.create_at DESC LIMIT ?",
        channel["id"],
        until,
        instance.release.collapsed_threads,
        _SHOWN,
    )
    rows += instance.store.all(_EPHEMERAL, channel["id"], until, _SHOWN)
    return _page(
        instance,
        "channel.html",
        team,
        channel=channel,
        people=_people(instance, channel),
        posts=list(_shown(instance, sorted(rows, key=lambda row: int(row["create_at"]))[-_SHOWN:])),
        linked=linked,
        commands=commands.of_team(instance.store, team["id"]),
    )


def _people(instance: Instance, channel: Row) -> str:
    """Whose direct messages these are."""
    rows = instance.store.all(
        "SELECT username FROM channel_members JOIN users ON users.id = user_id WHERE channel_id = ?"
        " ORDER BY bot_owner IS NULL, username",
        channel["id"],
    )
    return " ↔ ".join(row["username"] for row in rows) if channel["type"] == "D" else ""


def _shown(instance: Instance, rows: list[Row]) -> Iterator[dict[str, Any]]:
    """What the page needs of each post. Pictures from elsewhere are not loaded."""
    day = ""
    store, collapsed = instance.store, instance.release.collapsed_threads
    for row in rows:
        props = json.loads(row["props"])
        at = datetime.fromtimestamp(row["create_at"] / 1000, UTC)
        name = str(props.get("override_username") or row["username"])
        attachments = props.get("attachments")
        emoji = str(props.get("override_icon_emoji", "")).strip(":")
        picture = custom_emoji.picture(instance, emoji)
        yield {
            "id": row["id"],
            "name": name,
            "bot": "from_webhook" in props or "from_bot" in props,
            "system": row["type"].startswith("system_"),
            "icon": "⚙️" if row["type"].startswith("system_") else EMOJI.get(emoji),
            "picture": picture and f"data:image/{picture[0]};base64,{b64encode(picture[1]).decode()}",
            "hue": sum(map(ord, name)) * 37 % 360,
            "at": at,
            "new_day": f"{at:%d/%m/%Y}" if f"{at:%d/%m/%Y}" != day else "",
            "message": row["message"],
            "edited": row["edit_at"] > 0,
            "seen_by": row.get("seen_by"),
            "pinned": row["is_pinned"],
            "reactions": [
                (EMOJI.get(each["emoji_name"], f":{each['emoji_name']}:"), each["count"])
                for each in store.all(
                    "SELECT emoji_name, count(*) AS count FROM reactions WHERE post_id = ?"
                    " GROUP BY emoji_name ORDER BY min(create_at)",
                    row["id"],
                )
            ],
            "root": None
            if collapsed or not row["root_id"]
            else _beginning(store.get("posts", row["root_id"])),
            "replies": list(
                _shown(instance, store.all(f"{_POSTS} root_id = ? ORDER BY posts.create_at", row["id"]))
            )
            if collapsed
            else [],
            "attachments": [
                item | {"bar": _bar(item.get("color", ""))}
                for item in (attachments if isinstance(attachments, list) else ())
            ],
        }
        day = f"{at:%d/%m/%Y}"


def _beginning(root: Row | None) -> str:
    """What a reply is about, in a line."""
    if root is None:
        return ""
    boxes = json.loads(root["props"]).get("attachments") or [{}]
    line = root["message"] or boxes[0].get("fallback") or boxes[0].get("title") or ""
    return line if len(line) <= _LINE else f"{line[: _LINE - 1]}…"


def _bar(color: str) -> str:
    return color if _COLOR.fullmatch(color) else _NAMED_COLORS.get(color, "#c4c7d1")


async def hooks_page(request: Request) -> Response:
    """The incoming webhooks of a team, with their URLs as Mattermost shows them to its administrators."""
    instance = instance_of(request)
    team = _team(instance, request.path_params["team"])
    if team is None:
        return PlainTextResponse(*NOT_FOUND)
    hooks = instance.store.all(
        "SELECT hooks.*, users.username AS owner, channels.name AS channel, channels.delete_at AS archived "
        "FROM hooks JOIN users ON users.id = hooks.user_id JOIN channels ON channels.id = channel_id "
        "WHERE hooks.team_id = ? AND hooks.delete_at = 0 ORDER BY hooks.display_name, hooks.create_at",
        team["id"],
    )
    site = instance.config.service("SiteURL") or str(request.base_url)
    return _page(instance, "hooks.html", team, hooks=hooks, site=site.rstrip("/"))


async def settings_page(request: Request) -> Response:
    """The integration settings, and which of them the environment decides."""
    instance = instance_of(request)
    overridden = instance.config.overrides.get("ServiceSettings", {})
    rows = [
        {"key": key, "label": label, "on": instance.config.service(key), "fixed": key in overridden}
        for key, label in _SETTINGS.items()
    ]
    return _page(instance, "settings.html", _team(instance), settings=rows)


routes = [
    route("GET", "/", home),
    route("GET", "/admin_console/integrations/integration_management", settings_page),
    route("GET", "/{team}/channels/{channel}", channel_page),
    route("GET", "/{team}/messages/{channel}", direct_page),
    route("GET", "/{team}/pl/{post}", permalink),
    route("GET", "/{team}/integrations/incoming_webhooks", hooks_page),
]
