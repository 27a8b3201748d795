"""A post as the API shows it."""

from __future__ import annotations

import json
from typing import Any

from lab.standins.mattermost.payloads import reaction
from lab.standins.mattermost.state import custom_emoji, posts, references
from lab.standins.mattermost.state.emoji import image_path
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row


def to_json(instance: Instance, post: Row, *, alone: bool = False) -> dict[str, object]:
    """A post as the API shows it; read `alone`, it does not say how many replies its thread has (recorded)."""
    props: dict[str, Any] = json.loads(post["props"])
    metadata: dict[str, Any] = json.loads(post["metadata"])
    if "attachments" in props:
        metadata["embeds"] = [{"type": "message_attachment"}]
        props["attachments"] = _without_integrations(props["attachments"])
    name = str(props.get("override_icon_emoji", "")).strip(":")
    icon = image_path(name) or custom_emoji.path_of(instance, name)
    if icon and instance.config.service("EnablePostIconOverride"):
        props["override_icon_url"] = icon
    reactions = instance.store.all("SELECT * FROM reactions WHERE post_id = ? ORDER BY create_at", post["id"])
    if reactions:
        metadata["reactions"] = [reaction.to_json(row) for row in reactions]
    root_id = post["root_id"]
    return {
        **post,
        **({"parent_id": root_id} if instance.release.parent_id else {}),
        **({"has_reactions": True} if reactions else {}),
        "is_pinned": bool(post["is_pinned"]),
        "original_id": "",
        "props": props,
        "metadata": metadata,
        "hashtags": references.hashtags(post["message"]),
        "pending_post_id": "",
        "reply_count": 0 if alone else len(posts.thread(instance.store, root_id or post["id"])),
        "last_reply_at": 0,
        "participants": None,
    }


def _without_integrations(boxes: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Where buttons lead, and with what, nobody is shown, not even the author (recorded)."""
    return boxes and [
        {
            **box,
            **(
                {
                    "actions": [
                        {k: v for k, v in each.items() if k != "integration"} for each in box["actions"]
                    ]
                }
                if box.get("actions")
                else {}
            ),
        }
        for box in boxes
    ]
