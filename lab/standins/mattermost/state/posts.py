"""Posts: how they are stored, counted and announced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lab.standins.mattermost.state import mentions, references
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row, new_id

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
) -> Row:
    """Store a post, move the channel's counters, notify whom it mentions."""
    store = instance.store
    props = dict(props or {})
    if user["bot_owner"] is not None:
        props["from_bot"] = "true"
    if linked := references.channels(instance, channel, message, props):
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
    mentions.count(instance, channel, user, message, type, props)
    return post


def system(
    instance: Instance, channel: Row, user: Row, kind: str, text: str, props: Mapping[str, Any] | None = None
) -> None:
    """Announce in the channel what somebody did to it."""
    named = {"username": user["username"]} | dict(props or {})
    insert(instance, channel, user, text, type=f"system_{kind}", props=named)
