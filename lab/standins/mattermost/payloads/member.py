"""A membership of a channel as the API shows it."""

from __future__ import annotations

from lab.standins.mattermost.state.store import Row

NOTIFY_PROPS = {
    "desktop": "default",
    "email": "default",
    "ignore_channel_mentions": "default",
    "mark_unread": "all",
    "push": "default",
}


def to_json(member: Row) -> dict[str, object]:
    """A membership as the API shows it; ``mention_count`` is the number on the channel's badge."""
    admin = bool(member["scheme_admin"])
    return {
        **member,
        "roles": "channel_user channel_admin" if admin else "channel_user",
        "mention_count_root": member["mention_count"],
        "msg_count_root": member["msg_count"],
        "notify_props": NOTIFY_PROPS,
        "scheme_guest": False,
        "scheme_user": True,
        "scheme_admin": admin,
        "explicit_roles": "",
    }
