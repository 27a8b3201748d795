"""An account as the API shows it."""

from __future__ import annotations

from lab.standins.mattermost.state.store import Row

NOTIFY_PROPS = {
    "channel": "true",
    "comments": "never",
    "desktop": "mention",
    "desktop_sound": "true",
    "email": "true",
    "first_name": "false",
    "mention_keys": "",
    "push": "mention",
    "push_status": "away",
}
"""Everybody's notification settings. They cannot be changed here."""


def to_json(user: Row, *, private: bool) -> dict[str, object]:
    """An account as the API shows it; ``private`` is the account's own view."""
    shown: dict[str, object] = {
        key: user[key]
        for key in ("id", "create_at", "update_at", "delete_at", "username", "email", "nickname")
    }
    shown |= {"auth_data": "", "auth_service": ""}
    shown |= {key: user[key] for key in ("first_name", "last_name", "position", "roles")}
    if private:
        shown |= {"notify_props": NOTIFY_PROPS, "last_password_update": user["create_at"]}
        if user["failed_attempts"]:
            shown["failed_attempts"] = user["failed_attempts"]
    if user["bot_owner"] is not None:
        shown |= {"is_bot": True}
        shown |= {"bot_description": user["bot_description"]} if user["bot_description"] else {}
    timezone = {"automaticTimezone": "", "manualTimezone": "", "useAutomaticTimezone": "true"}
    return shown | {"locale": user["locale"], "timezone": timezone, "disable_welcome_email": False}
