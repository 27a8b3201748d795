"""A bot account as the API shows it."""

from __future__ import annotations

from lab.standins.mattermost.state.store import Row


def to_json(user: Row) -> dict[str, object]:
    """A bot as the API shows it, without the texts that are empty."""
    texts = {"display_name": user["first_name"], "description": user["bot_description"]}
    return {
        "user_id": user["id"],
        "username": user["username"],
        **{key: text for key, text in texts.items() if text},
        "owner_id": user["bot_owner"],
        **{key: user[key] for key in ("create_at", "update_at", "delete_at")},
    }
