"""Posts: how they are stored, counted and announced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lab.standins.mattermost.state import mentions, references
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row, Store, new_id

MAX_RUNES = 16_383
"""Longest message of one post."""

_UNCOUNTED = {
    "system_join_channel",
    "system_leave_channel",
    "system_add_to_channel",
    "system_remove_from_channel",
    "system_join_team",
    "system_leave_team",
}
"""Comings and goings do not count as messages of the channel."""


def insert(
    instance: Instance,
    channel: Row,
    user: Row,
    message: str,
    *,
    type: str = "",
    props: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    root_id: str = "",
    at: int = 0,
) -> Row:
    """Store a post, move the channel's counters, notify whom it mentions; `at` is when it was made, if not now."""
    store = instance.store
    props = dict(props or {})
    if user["bot_owner"] is not None:
        props["from_bot"] = "true"
    if linked := references.channels(instance, channel, message, props):
        props["channel_mentions"] = linked
    now = at or store.now()
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
        "edit_at": 0,
        "is_pinned": False,
    }
    store.insert("posts", post)
    if root_id:
        store.update("posts", root_id, {"update_at": now})
    store.execute(
        "UPDATE channels SET last_post_at = ?, total_msg_count = total_msg_count + ? WHERE id = ?",
        now,
        type not in _UNCOUNTED,
        channel["id"],
    )
    mentions.count(instance, channel, user, message, type, props)
    return post


def edit(instance: Instance, channel: Row, post: Row, changes: Mapping[str, Any]) -> Row:
    """Change message, props (as a whole) and whether it is pinned. It notifies nobody.

    Only another message or other attachments make it an edited post.
    """
    store, now = instance.store, instance.store.now()
    message = changes.get("message", post["message"])
    before = json.loads(post["props"])
    props = dict(changes.get("props", before))
    if linked := references.channels(instance, channel, message, props):
        props["channel_mentions"] = linked
    is_other = message != post["message"] or props.get("attachments") != before.get("attachments")
    written = {
        "message": message,
        "props": json.dumps(props),
        "is_pinned": changes.get("is_pinned", post["is_pinned"]),
        "update_at": now,
        "edit_at": now if is_other else post["edit_at"],
    }
    store.update("posts", post["id"], written)
    return post | written


def delete(store: Store, post: Row) -> None:
    """Delete a post, and with a root its thread."""
    now = store.now()
    for each in (post, *thread(store, post["id"])):
        store.update("posts", each["id"], {"delete_at": now, "update_at": now})


def thread(store: Store, root_id: str) -> list[Row]:
    """The replies of a root, the oldest first."""
    return store.all("SELECT * FROM posts WHERE root_id = ? AND delete_at = 0 ORDER BY create_at", root_id)


def system(
    instance: Instance, channel: Row, user: Row, kind: str, text: str, props: Mapping[str, Any] | None = None
) -> None:
    """Announce in the channel what somebody did to it."""
    named = {"username": user["username"]} | dict(props or {})
    insert(instance, channel, user, text, type=f"system_{kind}", props=named)
