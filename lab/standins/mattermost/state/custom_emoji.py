"""Custom emoji: found by name, and their pictures."""

from __future__ import annotations

from lab.standins.mattermost.state.instance import Instance

_KINDS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF87a": "gif", b"GIF89a": "gif"}


def path_of(instance: Instance, name: str) -> str | None:
    """Where a custom emoji's picture is served; None if there is none of the name."""
    found = instance.store.one("SELECT id FROM emoji WHERE name = ? AND delete_at = 0", name)
    return f"/api/v4/emoji/{found['id']}/image" if found else None


def picture(instance: Instance, name: str) -> tuple[str, bytes] | None:
    """The kind and the content of a custom emoji's picture."""
    found = instance.store.one("SELECT image FROM emoji WHERE name = ? AND delete_at = 0", name)
    return (kind(found["image"]) or "", found["image"]) if found else None


def kind(content: bytes) -> str | None:
    """What picture this is; None for what is none."""
    return next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)
