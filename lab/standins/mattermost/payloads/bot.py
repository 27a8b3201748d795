"""A bot account as the API shows it."""

from __future__ import annotations

from lab.standins.mattermost.state.store import Row


def to_json(user: Row) -> dict[str, object]:
    return {
        "user_id": user["id"],
        "username": user["username"],
        "display_name": user["first_name"],
        "description": user["bot_description"],
        "owner_id": user["bot_owner"],
        **{key: user[key] for key in ("create_at", "update_at", "delete_at")},
    }
