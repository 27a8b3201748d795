"""Reactions: anybody's own, to posts that are there; whether there is such an emoji is not looked at (recorded)."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.api.posts import readable
from lab.standins.mattermost.payloads import reaction as payload
from lab.standins.mattermost.payloads.ok import OK
from lab.standins.mattermost.state import channels
from lab.standins.mattermost.state.errors import ApiError, forbidden


def save(call: Call) -> Response:
    """The same one again is the one that is there."""
    wanted = call.fields("reaction", dict.fromkeys(("user_id", "post_id", "emoji_name"), str))
    if wanted["user_id"] != call.user["id"]:
        raise ApiError("api.reaction.save_reaction.user_id.app_error", 403)
    post = readable(call, wanted["post_id"])
    if channels.find(call.store, post["channel_id"])["delete_at"]:
        raise ApiError("api.reaction.save.archived_channel.app_error", 403)
    now = call.store.now()
    call.store.execute(
        "INSERT INTO reactions (user_id, post_id, emoji_name, create_at, update_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET update_at = excluded.update_at",
        *wanted.values(),
        now,
        now,
    )
    return JSONResponse(payload.to_json({**wanted, "create_at": now, "update_at": now}))


def of_post(call: Call) -> Response:
    """All reactions to a post, the first one first."""
    post = readable(call, call.id("post_id"))
    rows = call.store.all("SELECT * FROM reactions WHERE post_id = ? ORDER BY create_at", post["id"])
    return JSONResponse([payload.to_json(row) for row in rows])


def remove(call: Call) -> Response:
    """Take one's own back, whether it is there or not."""
    if call.id("user_id") != call.user["id"]:
        raise forbidden()
    call.store.execute(
        "DELETE FROM reactions WHERE user_id = ? AND post_id = ? AND emoji_name = ?",
        call.user["id"],
        call.id("post_id"),
        call.path("emoji_name"),
    )
    return JSONResponse(OK)


routes = [
    endpoint("POST", "/reactions", save),
    endpoint("GET", "/posts/{post_id}/reactions", of_post),
    endpoint("DELETE", "/users/{user_id}/posts/{post_id}/reactions/{emoji_name}", remove),
]
