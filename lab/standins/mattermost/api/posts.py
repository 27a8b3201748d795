"""Posts: how they are stored and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api import channels, custom_emoji, members, users
from lab.standins.mattermost.api.call import Call, Server
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.state import mentions, references
from lab.standins.mattermost.state.emoji import image_path
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.store import Row, new_id

MAX_RUNES = 16_383
"""Longest message of one post."""

_SINCE_LIMIT = 1000
_UNCOUNTED = {
    "system_join_channel",
    "system_leave_channel",
    "system_add_to_channel",
    "system_remove_from_channel",
    "system_join_team",
    "system_leave_team",
}
"""Comings and goings do not count as messages of the channel."""


def to_json(server: Server, post: Row) -> dict[str, object]:
    """A post as the API shows it."""
    props: dict[str, Any] = json.loads(post["props"])
    metadata: dict[str, Any] = json.loads(post["metadata"])
    if "attachments" in props:
        metadata["embeds"] = [{"type": "message_attachment"}]
    name = str(props.get("override_icon_emoji", "")).strip(":")
    icon = image_path(name) or custom_emoji.path_of(server, name)
    if icon and server.config.service("EnablePostIconOverride"):
        props["override_icon_url"] = icon
    return {
        **post,
        "edit_at": 0,
        "is_pinned": False,
        "original_id": "",
        "props": props,
        "metadata": metadata,
        "hashtags": references.hashtags(post["message"]),
        "pending_post_id": "",
        "reply_count": 0,
        "last_reply_at": 0,
        "participants": None,
    }


def insert(
    server: Server,
    channel: Row,
    user: Row,
    message: str,
    *,
    type: str = "",
    props: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    root_id: str = "",
) -> Row:
    """Store a post, move the channel's counters, notify whom it mentions."""
    store = server.store
    props = dict(props or {})
    if user["bot_owner"] is not None:
        props["from_bot"] = "true"
    if linked := references.channels(server, channel, message, props):
        props["channel_mentions"] = linked
    now = store.now()
    post: Row = {
        "id": new_id(),
        "create_at": now,
        "update_at": now,
        "delete_at": 0,
        "user_id": user["id"],
        "channel_id": channel["id"],
        "root_id": root_id,
        "message": message,
        "type": type,
        "props": json.dumps(props),
        "metadata": json.dumps(metadata or {}),
    }
    store.insert("posts", post)
    store.execute(
        "UPDATE channels SET last_post_at = ?, total_msg_count = total_msg_count + ? WHERE id = ?",
        now,
        type not in _UNCOUNTED,
        channel["id"],
    )
    mentions.count(server, channel, user, message, type, props)
    return post


def system(
    server: Server, channel: Row, user: Row, kind: str, text: str, props: Mapping[str, Any] | None = None
) -> None:
    """Announce in the channel what somebody did to it."""
    named = {"username": user["username"]} | dict(props or {})
    insert(server, channel, user, text, type=f"system_{kind}", props=named)


def create(call: Call) -> Response:
    """A person's post. They have read the channel then."""
    kinds = {"channel_id": str, "message": str, "root_id": str, "props": dict}
    wanted = call.fields("post", kinds)
    if not wanted["channel_id"]:
        raise invalid_body("channel_id")
    channel = call.store.get("channels", wanted["channel_id"])
    if channel is None or not channels.may_read(call, channel):
        raise forbidden()
    if len(wanted["message"]) > MAX_RUNES:
        raise ApiError("model.post.is_valid.message_length.app_error", 400)
    post = insert(
        call.server,
        channel,
        call.user,
        wanted["message"],
        props=wanted["props"],
        root_id=wanted["root_id"],
    )
    members.mark_read(call.store, channel["id"], call.user["id"])
    return JSONResponse(to_json(call.server, post), 201)


def _readable(call: Call) -> Row:
    post = call.store.get("posts", call.id("post_id"))
    if post is None or post["delete_at"]:
        raise ApiError("app.post.get.app_error", 404)
    if not channels.may_read(call, channels.find(call.store, post["channel_id"])):
        raise forbidden()
    return post


def get(call: Call) -> Response:
    return JSONResponse(to_json(call.server, _readable(call)))


def delete(call: Call) -> Response:
    post = _readable(call)
    if post["user_id"] != call.user["id"] and not call.is_admin:
        raise forbidden()
    now = call.store.now()
    call.store.update("posts", post["id"], {"delete_at": now, "update_at": now})
    return JSONResponse(users.OK)


def list_of_channel(call: Call) -> Response:
    """The channel's posts, newest first; with ``since`` all that changed after it, deleted ones included."""
    channel = channels.by_id(call)
    if not channels.may_read(call, channel):
        raise forbidden()
    since = call.number("since", 0)
    if since:
        rows = call.store.all(
            "SELECT * FROM posts WHERE channel_id = ? AND update_at > ? ORDER BY create_at DESC LIMIT ?",
            channel["id"],
            since,
            _SINCE_LIMIT,
        )
    else:
        rows = call.store.all(
            "SELECT * FROM posts WHERE channel_id = ? AND delete_at = 0 "
            "ORDER BY create_at DESC LIMIT ? OFFSET ?",
            channel["id"],
            *call.page(),
        )
    found = {row["id"]: to_json(call.server, row) for row in rows}
    order = list(found)
    return JSONResponse({"order": order, "posts": found, "next_post_id": "", "prev_post_id": ""})


routes = [
    endpoint("POST", "/posts", create),
    endpoint("GET", "/posts/{post_id}", get),
    endpoint("DELETE", "/posts/{post_id}", delete),
    endpoint("GET", "/channels/{channel_id}/posts", list_of_channel),
]
