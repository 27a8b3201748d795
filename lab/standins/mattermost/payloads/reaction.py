"""A reaction as the API shows it."""

from __future__ import annotations

from lab.standins.mattermost.state.store import Row


def to_json(reaction: Row) -> dict[str, object]:
    """A reaction as the API shows it."""
    return {**reaction, "delete_at": 0, "remote_id": ""}
