"""A post as the API shows it."""

from __future__ import annotations

import json
from typing import Any

from lab.standins.mattermost.state import custom_emoji, references
from lab.standins.mattermost.state.emoji import image_path
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row


def to_json(instance: Instance, post: Row) -> dict[str, object]:
    """A post as the API shows it."""
    props: dict[str, Any] = json.loads(post["props"])
    metadata: dict[str, Any] = json.loads(post["metadata"])
    if "attachments" in props:
        metadata["embeds"] = [{"type": "message_attachment"}]
    name = str(props.get("override_icon_emoji", "")).strip(":")
    icon = image_path(name) or custom_emoji.path_of(instance, name)
    if icon and instance.config.service("EnablePostIconOverride"):
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
