"""A conversation, and what its notifications do to it; its table's states are described in relays.delivery.roots."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from relays.mattermost.message import Message
from relays.storage.engine import Database

COLUMNS = "channel, name, wanted, wanted_key, summary, post_id, root_key, shown, pending_key, pending_at, touched_at"
"""The columns of the table that make a Conversation, in its order."""


@dataclass(frozen=True)
class Conversation:
    """A conversation as it is stored.

    `shown` is what its root shows, or while it has none, what a digest of its channel has said last; None if nothing
    is known of that.
    """

    channel: str
    name: str
    wanted: str
    wanted_key: str
    summary: str
    post_id: str | None
    root_key: str | None
    shown: str | None
    pending_key: str | None
    pending_at: float | None
    touched_at: float

    @property
    def message(self) -> dict[str, object]:
        """What the root has to show, as a webhook would take it."""
        return dict(json.loads(self.wanted))

    @property
    def shown_text(self) -> str | None:
        """The text that the root shows, beside its box; None if that is not known."""
        return str(json.loads(self.shown).get("text") or "") if self.shown else None

    @property
    def is_unseen(self) -> bool:
        """Whether nothing in the channel shows how it stands: no root, and no digest."""
        return self.post_id is None and self.shown != self.wanted

    @property
    def short(self) -> dict[str, object]:
        """The same in one line."""
        sender = {name: self.message.get(name) for name in ("username", "icon_emoji")}
        return {**sender, "text": self.summary}


def want(db: Database, channel: str, name: str, root: Message, key: str, now: float) -> None:
    """Store what a root has to show from now on, since the event of this key."""
    wanted = json.dumps(root.payload(), ensure_ascii=False, separators=(",", ":"))
    db.execute(
        "INSERT INTO conversation (channel, name, wanted, wanted_key, summary, touched_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (channel, name) DO UPDATE SET wanted = excluded.wanted, wanted_key = excluded.wanted_key,"
        " summary = excluded.summary, touched_at = excluded.touched_at,"
        # An edit that is due, or under way, stays so: who knows what it has made of the root.
        " due_at = CASE WHEN conversation.post_id IS NULL THEN NULL"
        " WHEN conversation.due_at IS NULL AND conversation.shown = excluded.wanted THEN NULL"
        " ELSE coalesce(conversation.due_at, excluded.touched_at) END",
        (channel, name, wanted, key, root.summary, now),
    )


def seen(db: Database, channel: str, threads: Collection[Conversation]) -> None:
    """A digest of the channel has said how these stand; of a root that is there by now that says nothing."""
    if threads:
        marks = ", ".join(["(?, ?)"] * len(threads))
        db.execute(
            "UPDATE conversation SET shown = wanted WHERE channel = ? AND post_id IS NULL"  # noqa: S608
            f" AND (name, wanted_key) IN (VALUES {marks})",
            (channel, *(value for thread in threads for value in (thread.name, thread.wanted_key))),
        )


def edit_anew(db: Database, channel: str, name: str, now: float) -> None:
    """Have a root edited that may show what is wanted: its buttons are signed anew by that."""
    db.execute(
        "UPDATE conversation SET due_at = coalesce(due_at, ?) WHERE channel = ? AND name = ? AND post_id IS NOT NULL",
        (now, channel, name),
    )


def find(db: Database, channel: str, name: str) -> Conversation | None:
    """The conversation of that name, None if nothing is known of it."""
    return next(iter(find_all(db, channel, [name])), None)


def find_all(db: Database, channel: str, names: Collection[str]) -> list[Conversation]:
    """Those of these conversations that are known, in any order."""
    if not names:
        return []
    rows = db.execute(
        f"SELECT {COLUMNS} FROM conversation WHERE channel = ?"  # noqa: S608
        f" AND name IN ({', '.join('?' * len(names))})",
        (channel, *names),
    )
    return [Conversation(*row) for row in rows]
