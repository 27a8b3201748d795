"""Moments in the two notations that GitLab uses."""

from datetime import UTC, datetime


def now() -> str:
    """The current moment as the REST API writes it: `2026-11-20T08:30:00.000Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def hook_time(moment: str | None) -> str | None:
    """A moment of the REST API as webhook payloads write it: `2026-11-20 08:30:00 UTC`."""
    if moment is None:
        return None
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
