"""Channels: lookup, creation, archive and restore."""

from __future__ import annotations

import re

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api import access
from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.payloads import channel as payload
from lab.standins.mattermost.payloads.gojson import loads
from lab.standins.mattermost.payloads.ok import OK
from lab.standins.mattermost.state import channels, members, posts
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body, invalid_url
from lab.standins.mattermost.state.store import Row

_NAME = re.compile(r"[a-z0-9]+([a-z0-9_-]*[a-z0-9]+)?")
_COLUMN = 64
"""Characters the name's database column holds; the API does not check (500 in 5.37)."""


def create(call: Call) -> Response:
    """The creator becomes its first member. The name of an archived channel is still taken."""
    keys = ("team_id", "type", "name", "display_name", "purpose", "header")
    wanted = call.fields("channel", dict.fromkeys(keys, str))
    release = call.instance.release
    if wanted["type"] not in {"O", "P"}:
        raise ApiError("model.channel.is_valid.type.app_error", 400)
    if not access.is_team_member(call, wanted["team_id"]):
        raise forbidden()
    if call.store.get("teams", wanted["team_id"]) is None:
        raise ApiError("app.channel.get_channels.not_found.app_error", 404)
    if not _NAME.fullmatch(wanted["name"]) or len(wanted["name"]) < release.channel_name_min:
        raise ApiError(f"model.channel.is_valid.{release.channel_name_min}_or_more.app_error", 400)
    missing_display_name = release.channel_display_name_required and not wanted["display_name"]
    if missing_display_name or len(wanted["display_name"]) > 64:
        raise ApiError("model.channel.is_valid.display_name.app_error", 400)
    _check_texts(wanted)
    if len(wanted["name"]) > _COLUMN:
        raise ApiError("app.channel.create_channel.internal_error", 500)
    if _named(call, wanted["team_id"], wanted["name"], include_deleted=True):
        raise ApiError("store.sql_channel.save_channel.exists.app_error", 400)
    channel = channels.insert(call.store, wanted | {"creator_id": call.user["id"]})
    members.insert(call.store, channel["id"], call.user["id"], admin=True)
    name = call.user["username"]
    posts.system(call.instance, channel, call.user, "join_channel", f"{name} joined the channel.")
    return JSONResponse(payload.to_json(channel), 201)


def create_direct(call: Call) -> Response:
    """The channel of two people, of whom the caller is one; the same again if it is there."""
    ids = loads(call.body)
    if not isinstance(ids, list) or len(ids) != 2:
        raise invalid_body("user_ids")
    people = [call.store.get("users", str(id)) for id in ids]
    if call.user["id"] not in ids and not call.is_admin:
        raise forbidden()
    if people[0] is None or people[1] is None:
        raise ApiError("api.channel.create_direct_channel.invalid_user.app_error", 400)
    is_restricted = call.instance.config.get("TeamSettings", "RestrictDirectMessage") == "team"
    is_there = channels.find_direct(call.store, people[0], people[1]) is not None
    if is_restricted and not (is_there or call.is_admin or _share_a_team(call, *ids)):
        raise ApiError("api.channel.create_channel.direct_channel.team_restricted_error", 403)
    return JSONResponse(payload.to_json(channels.direct(call.store, people[0], people[1])), 201)


def _share_a_team(call: Call, one: str, other: str) -> bool:
    query = (
        "SELECT 1 FROM team_members AS one JOIN team_members AS other USING (team_id) "
        "WHERE one.user_id = ? AND other.user_id = ? AND one.delete_at = 0 AND other.delete_at = 0"
    )
    return call.store.one(query, one, other) is not None


def _check_texts(wanted: dict[str, str]) -> None:
    if len(wanted.get("header", "")) > 1024:
        raise ApiError("model.channel.is_valid.header.app_error", 400)
    if len(wanted.get("purpose", "")) > 250:
        raise ApiError("model.channel.is_valid.purpose.app_error", 400)


def _named(call: Call, team_id: str, name: str, *, include_deleted: bool) -> Row | None:
    return call.store.one(
        "SELECT * FROM channels WHERE team_id = ? AND name = ? AND (delete_at = 0 OR ?)",
        team_id,
        name,
        include_deleted,
    )


def get(call: Call) -> Response:
    channel = access.channel(call)
    if not access.may_read(call, channel):
        raise forbidden()
    return JSONResponse(payload.to_json(channel))


def get_by_name(call: Call) -> Response:
    """Lookup ignores case. A private channel the caller is not in looks missing."""
    team_id = call.id("team_id") if "team_id" in call.request.path_params else None
    name = call.path("channel_name").lower()
    if not _NAME.fullmatch(name) or not call.instance.release.channel_name_min <= len(name) <= 64:
        raise invalid_url("channel_name")
    if team_id is None:
        team_id = access.team_named(call, call.path("team_name"))["id"]
    channel = _named(call, team_id, name, include_deleted=call.flag("include_deleted"))
    if channel is None:
        raise ApiError("app.channel.get_by_name.missing.app_error", 404)
    if not access.may_read(call, channel):
        if channel["type"] == "O":
            raise forbidden()
        raise ApiError("app.channel.get_by_name.missing.app_error", 404)
    return JSONResponse(payload.to_json(channel))


def list_public(call: Call) -> Response:
    return _listed(call, "delete_at = 0 AND type = 'O'")


def list_archived(call: Call) -> Response:
    return _listed(call, "delete_at > 0 AND type = 'O'")


def _listed(call: Call, condition: str) -> Response:
    team = access.team(call)
    if not access.is_team_member(call, team["id"]):
        raise forbidden()
    rows = call.store.all(
        f"SELECT * FROM channels WHERE team_id = ? AND {condition} "  # noqa: S608 - a literal of ours
        "ORDER BY display_name LIMIT ? OFFSET ?",
        team["id"],
        *call.page(),
    )
    return JSONResponse([payload.to_json(row) for row in rows])


def patch(call: Call) -> Response:
    """Change the texts. Each change is announced in the channel after the answer is made."""
    channel = access.channel(call)
    if not access.may_read(call, channel):
        raise forbidden()
    if channel["delete_at"]:
        raise ApiError("app.channel.update.bad_id", 400)
    given = call.json_object("channel")
    keys = ("display_name", "header", "purpose")
    changes = {key: given[key] for key in keys if isinstance(given.get(key), str)}
    _check_texts(changes)
    call.store.update("channels", channel["id"], changes | {"update_at": call.store.now()})
    changed = access.channel(call)
    for key, kind in zip(keys, ("displayname_change", "header_change", "purpose_change"), strict=True):
        if changed[key] != channel[key]:
            noun = key.replace("_", " ")
            text = (
                f"{call.user['username']} updated the channel {noun} from: {channel[key]} to: {changed[key]}"
            )
            posts.system(call.instance, changed, call.user, kind, text)
    return JSONResponse(payload.to_json(changed))


def set_privacy(call: Call) -> Response:
    privacy = call.fields("privacy", {"privacy": str})["privacy"]
    channel = access.channel(call)
    if privacy not in {"O", "P"}:
        raise invalid_body("privacy")
    if not access.is_team_manager(call, channel["team_id"]):
        raise forbidden()
    call.store.update("channels", channel["id"], {"type": privacy, "update_at": call.store.now()})
    changed = access.channel(call)
    kind = "public" if privacy == "O" else "private"
    posts.system(call.instance, changed, call.user, "change_chan_privacy", f"This channel is now {kind}.")
    return JSONResponse(payload.to_json(changed))


def archive(call: Call) -> Response:
    """DELETE archives the channel and deletes its hooks, which a restore does not bring back."""
    channel = access.channel(call)
    if not access.may_read(call, channel):
        raise forbidden()
    if channel["name"] == "town-square":
        raise ApiError("api.channel.delete_channel.cannot.app_error", 400, channel=channel["name"])
    text = f"{call.user['username']} archived the channel."
    posts.system(call.instance, channel, call.user, "channel_deleted", text)
    now = call.store.now()
    call.store.execute("UPDATE hooks SET delete_at = ? WHERE channel_id = ?", now, channel["id"])
    call.store.update("channels", channel["id"], {"delete_at": now, "update_at": now})
    return JSONResponse(OK)


def restore(call: Call) -> Response:
    channel = access.channel(call)
    if not access.is_team_manager(call, channel["team_id"]):
        raise forbidden()
    if not channel["delete_at"]:
        raise ApiError("api.channel.restore_channel.restored.app_error", 400)
    call.store.update("channels", channel["id"], {"delete_at": 0})
    restored = access.channel(call)
    text = f"{call.user['username']} unarchived the channel."
    posts.system(call.instance, restored, call.user, "channel_restored", text)
    return JSONResponse(payload.to_json(restored))


routes = [
    endpoint("POST", "/channels", create),
    endpoint("POST", "/channels/direct", create_direct),
    endpoint("GET", "/channels/{channel_id}", get),
    endpoint("GET", "/teams/{team_id}/channels/name/{channel_name}", get_by_name),
    endpoint("GET", "/teams/name/{team_name}/channels/name/{channel_name}", get_by_name),
    endpoint("GET", "/teams/{team_id}/channels", list_public),
    endpoint("GET", "/teams/{team_id}/channels/deleted", list_archived),
    endpoint("PUT", "/channels/{channel_id}/patch", patch),
    endpoint("PUT", "/channels/{channel_id}/privacy", set_privacy),
    endpoint("DELETE", "/channels/{channel_id}", archive),
    endpoint("POST", "/channels/{channel_id}/restore", restore),
]
