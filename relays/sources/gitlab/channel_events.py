"""What became of events in the channels that they were for: announced, or left out and by what.

It is kept for who asks in a channel why something did not arrive (relays.sources.gitlab.commands.why), so it holds
nothing that the channel could not see: not the text of an event, and no event that no rule leads there. Whether a
message has arrived is the outbox's to say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from relays.mattermost.bot import by_id
from relays.sources.gitlab.evaluation import Outcome
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.storable import storable
from relays.storage.engine import Database
from relays.storage.store import Store

# As long as the outbox knows what it has delivered.
_KEEP_SECONDS = 14 * 24 * 3600.0
_MOST = 100_000
# The oldest are looked at in portions, a few of them in one transaction at most: what has come to be too much at once
# goes over some of them, and costs little where there is nothing to do.
_PORTION = 500
_PORTIONS = 20
_LONGEST = 255
_NUMBERED = (
    ("!", ("merge_request", "iid")),
    ("#", ("issue", "iid")),
)
SIGNS = {"merge_request": "!", "issue": "#"}
"""How what has a number in a project is marked, by its kind."""

FAILED = "failed"
"""The rule of an event that has become a dead letter."""
REVIEWS = "reviews"
SILENCE = "silence"
"""The rule of an event that the channel did not want to hear of (relays.sources.gitlab.silences)."""
CONVERSATION = "conversation"
"""The rule of an event after which the thread shows nothing else than before."""


class ChannelEvent(NamedTuple):
    """One event in one channel. `rule` is what left it out, empty if it was announced.

    What was announced is in the `state` of its row in the outbox, after so many `attempts` the last of which failed for
    a reason (`error`); None if the outbox has forgotten it. `silent`: only the root of its conversation shows it.
    `subscription` is what the channel has subscribed to, if that and no route of the site brings the event.
    """

    number: int
    key: str
    kind: str
    subject: str
    project: str
    rule: str
    subscription: str
    noted_at: float
    state: str | None
    silent: bool | None
    attempts: int | None
    error: str | None


@dataclass(frozen=True)
class ChannelEvents:
    """The table, of a site whose events are led to channels by this router."""

    store: Store
    router: Router

    def note(self, db: Database, one: Outcome) -> None:
        """Note what deliveries came to, in the transaction that takes them."""
        rows = [row for each in self._judged(one) for row in [(*each, self.store.now())]]
        if rows:
            marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * len(rows))
            db.execute(
                "INSERT INTO channel_events (channel, delivery_key, kind, subject, project, rule, subscription,"  # noqa: S608
                f" noted_at) VALUES {marks} ON CONFLICT (channel, delivery_key) DO UPDATE SET rule = excluded.rule,"
                " noted_at = excluded.noted_at",
                [value for row in rows for value in row],
            )

    def _judged(self, one: Outcome) -> Iterator[tuple[str, str, str, str, str, str, str]]:
        if one.cause is not None:
            # It may be what it says of itself that cannot be read, so nothing of it is said.
            for notice in one.notifications:
                yield notice.channel, one.deliveries[0].key, "", "", "", FAILED, ""
            return
        said = {(each.channel, each.key.partition(" ")[0]) for each in one.notifications}
        channels = {each.channel for each in one.notifications}
        for delivery, event in zip(one.deliveries, one.events, strict=True):
            for channel, rule in self.router.audience(event).items():
                if channel in one.silenced:
                    rule = SILENCE
                elif channel in channels:
                    rule = "" if len(one.events) == 1 or (channel, delivery.key) in said else REVIEWS
                else:
                    rule = (
                        rule or one.reason or (one.part.follows.setting if one.part.follows else CONVERSATION)
                    )
                about = (event.name, subject_of(event), storable(event.project, _LONGEST))
                subscribed = self.router.subscribed
                by = subscribed.target(channel, event) if subscribed else ""
                yield channel, delivery.key, *about, rule, by

    def forget(self, db: Database) -> None:
        """Remove what is so old that nobody asks for it, and what is beyond the most there may be."""
        for _ in range(_PORTIONS):
            removed = db.execute(
                "DELETE FROM channel_events WHERE id IN (SELECT id FROM channel_events ORDER BY id LIMIT ?)"
                " AND (noted_at < ? OR id <= (SELECT max(id) FROM channel_events) - ?)",
                (_PORTION, self.store.now() - _KEEP_SECONDS, _MOST),
            ).rowcount
            if removed < _PORTION:
                return

    def latest(self, channel: str, number: int, channel_id: str = "") -> Sequence[ChannelEvent]:
        """The last so many of a channel, by its name and by its number, the newest first. StorageError."""
        both = channel, by_id(channel_id)
        return [
            ChannelEvent(*row) for row in self.store.read(*_selected("e.channel IN (?, ?)", number, *both))
        ]

    def find(self, channel: str, number: int, channel_id: str = "") -> ChannelEvent | None:
        """The one of that number, if it is of that channel. StorageError."""
        both = channel, by_id(channel_id)
        rows = self.store.read(*_selected("e.channel IN (?, ?) AND e.id = ?", 1, *both, number))
        return ChannelEvent(*rows[0]) if rows else None


def _selected(condition: str, number: int, *values: Any) -> tuple[str, Sequence[Any]]:
    return (
        "SELECT e.id, e.delivery_key, e.kind, e.subject, e.project, e.rule, e.subscription, e.noted_at, o.state,"  # noqa: S608
        " o.silent, o.attempts, o.last_error FROM channel_events e LEFT JOIN outbox o"
        " ON o.channel = e.channel AND o.delivery_key = e.delivery_key AND e.rule = ''"
        # What was noted when another channel bore the name is not this one's.
        " LEFT JOIN channel_ids c ON c.channel = e.channel"
        f" WHERE {condition} AND e.noted_at >= coalesce(c.since, 0) ORDER BY e.id DESC LIMIT ?",
        (*values, number),
    )


def numbered(event: Event) -> str:
    """The merge request or issue that an event is about, by its number, such as `!12`; nothing for anything else."""
    payload: Payload = event.payload
    paths = [
        *_NUMBERED,
        *([(SIGNS[event.name], ("object_attributes", "iid"))] if event.name in SIGNS else []),
    ]
    found = (f"{sign}{number}" for sign, path in paths if (number := payload.text(*path)))
    return storable(next(found, ""), _LONGEST)


def subject_of(event: Event) -> str:
    """What an event is about, by its number or its branch; never by a title."""
    pipeline = event.payload.text("object_attributes", "id") if event.name == "pipeline" else ""
    return numbered(event) or storable(f"#{pipeline}" if pipeline else event.branch, _LONGEST)
