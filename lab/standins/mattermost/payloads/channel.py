"""A channel as the API shows it."""

from __future__ import annotations

from lab.standins.mattermost.state.store import Row


def to_json(channel: Row) -> dict[str, object]:
    """A channel as the API shows it."""
    nothing = dict.fromkeys(("scheme_id", "props", "group_constrained", "shared", "policy_id"))
    return {**channel, "extra_update_at": 0, "total_msg_count_root": channel["total_msg_count"], **nothing}
