"""Posts read by the channel and by the thread."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api import access
from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.api.posts import readable
from lab.standins.mattermost.payloads import post as payload
from lab.standins.mattermost.state import posts
from lab.standins.mattermost.state.errors import forbidden
from lab.standins.mattermost.state.store import Row

_SINCE_LIMIT = 1000


def of_channel(call: Call) -> Response:
    """The channel's posts, newest first; with ``since`` all that changed after it, deleted ones included.

    ``after`` and ``before`` name a post; with ``collapsedThreads`` there are roots alone.
    """
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
        return _answer(call, rows)
    bounds = {
        name: call.store.get("posts", call.request.query_params.get(name, "")) for name in ("after", "before")
    }
    # Of what comes after a post, the oldest are answered.
    order = "ASC" if bounds["after"] else "DESC"
    rows = call.store.all(
        "SELECT * FROM posts WHERE channel_id = ? AND delete_at = 0 AND create_at > ? AND create_at < ?"  # noqa: S608
        f" AND (root_id = '' OR NOT ?) ORDER BY create_at {order} LIMIT ? OFFSET ?",
        channel["id"],
        bounds["after"]["create_at"] if bounds["after"] else 0,
        bounds["before"]["create_at"] if bounds["before"] else 2**62,
        call.flag("collapsedThreads"),
        *call.page(),
    )
    rows = rows[::-1] if bounds["after"] else rows
    newest, oldest = (rows[0], rows[-1]) if rows else (bounds["before"], bounds["after"])
    return _answer(
        call,
        rows,
        newer=_next_to(call, newest, "ASC"),
        older=_next_to(call, oldest, "DESC") if rows else oldest,
    )


def _next_to(call: Call, post: Row | None, order: str) -> Row | None:
    """The next newer (ASC) or older (DESC) post of the same channel."""
    if post is None:
        return None
    return call.store.one(
        "SELECT id FROM posts WHERE channel_id = ? AND delete_at = 0"  # noqa: S608
        f" AND create_at {'>' if order == 'ASC' else '<'} ? ORDER BY create_at {order} LIMIT 1",
        post["channel_id"],
        post["create_at"],
    )


def of_thread(call: Call) -> Response:
    """A root and its replies, by the id of any of them."""
    post = readable(call, call.id("post_id"))
    root = readable(call, post["root_id"] or post["id"])
    return _answer(call, [root, *posts.thread(call.store, root["id"])])


def _answer(call: Call, rows: list[Row], newer: Row | None = None, older: Row | None = None) -> Response:
    found = {row["id"]: payload.to_json(call.instance, row) for row in rows}
    return JSONResponse(
        {
            "order": list(found),
            "posts": found,
            "next_post_id": newer["id"] if newer else "",
            "prev_post_id": older["id"] if older else "",
        }
    )


routes = [
    endpoint("GET", "/channels/{channel_id}/posts", of_channel),
    endpoint("GET", "/posts/{post_id}/thread", of_thread),
]
