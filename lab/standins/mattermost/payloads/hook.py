"""An incoming webhook as the API shows it."""

from __future__ import annotations

from lab.standins.mattermost.state.store import Row


def to_json(hook: Row) -> dict[str, object]:
    """A hook as the API shows it."""
    return {**hook, "channel_locked": bool(hook["channel_locked"])}
