"""Posts: a person's own, and what is read back of all."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api import access
from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.payloads import post as payload
from lab.standins.mattermost.payloads.ok import OK
from lab.standins.mattermost.state import channels, members, posts
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.store import Row

_SINCE_LIMIT = 1000


def create(call: Call) -> Response:
    """A person's post. They have read the channel then."""
    kinds = {"channel_id": str, "message": str, "root_id": str, "props": dict}
    wanted = call.fields("post", kinds)
    if not wanted["channel_id"]:
        raise invalid_body("channel_id")
    channel = call.store.get("channels", wanted["channel_id"])
    if channel is None or not access.may_post(call, channel):
        raise forbidden()
    if len(wanted["message"]) > posts.MAX_RUNES:
        raise ApiError("model.post.is_valid.message_length.app_error", 400)
    post = posts.insert(
        call.instance,
        channel,
        call.user,
        wanted["message"],
        props=wanted["props"],
        root_id=wanted["root_id"],
    )
    members.mark_read(call.store, channel["id"], call.user["id"])
    return JSONResponse(payload.to_json(call.instance, post), 201)


def _readable(call: Call) -> Row:
    post = call.store.get("posts", call.id("post_id"))
    if post is None or post["delete_at"]:
        raise ApiError("app.post.get.app_error", 404)
    if not access.may_read(call, channels.find(call.store, post["channel_id"])):
        raise forbidden()
    return post


def get(call: Call) -> Response:
    return JSONResponse(payload.to_json(call.instance, _readable(call)))


def delete(call: Call) -> Response:
    post = _readable(call)
    if post["user_id"] != call.user["id"] and not call.is_admin:
        raise forbidden()
    now = call.store.now()
    call.store.update("posts", post["id"], {"delete_at": now, "update_at": now})
    return JSONResponse(OK)


def list_of_channel(call: Call) -> Response:
    """The channel's posts, newest first; with ``since`` all that changed after it, deleted ones included."""
    channel = access.channel(call)
    if not access.may_read_posts(call, channel):
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
    found = {row["id"]: payload.to_json(call.instance, row) for row in rows}
    order = list(found)
    return JSONResponse({"order": order, "posts": found, "next_post_id": "", "prev_post_id": ""})


routes = [
    endpoint("POST", "/posts", create),
    endpoint("GET", "/posts/{post_id}", get),
    endpoint("DELETE", "/posts/{post_id}", delete),
    endpoint("GET", "/channels/{channel_id}/posts", list_of_channel),
]
