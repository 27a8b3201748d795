"""What has been announced a short while ago, so that what says the same again need not be.

    act, channel    an act (sources.gitlab.correlation), and a channel in which it was announced, or '' for whichever
    said            of a leader what its message says, in words between spaces; of an event ('event …') its digest
    announced_at    when, by the clock of the store

All of it is read and written in the transaction that takes the event, so that whoever shares the spool decides alike.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from relays.sources.gitlab.correlation import Follow, Lead
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.event_kind import gitlab_name
from relays.storage.engine import Database
from relays.storage.store import Store

# Acts are known by their commits, so what GitLab sends late is still known.
_KEEP_SECONDS = 3600.0
# Two hooks are called at the same time. Somebody who does the same twice in a row (a test of the hook) takes longer.
_ECHO_SECONDS = 60.0
# What an event is about, wherever it stands.
_SUBJECT = (
    *(("ref",), ("object_attributes", "id"), ("object_attributes", "iid"), ("object_attributes", "name")),
    *(("build_id",), ("deployment_id",), ("environment",), ("tag",), ("id",), ("user_id",), ("name",)),
)


@dataclass(frozen=True)
class Announced:
    """The table."""

    store: Store

    def is_echo(self, db: Database, event: Event, digest: str) -> bool:
        """Note that an event came, in a body of this digest; whether the one before it about the same thing was this.

        Just now, that is.
        """
        subject = [
            gitlab_name(event.payload),
            event.project,
            *(event.payload.text(*path) for path in _SUBJECT),
        ]
        about = repr(subject).encode("utf-8", "surrogatepass")
        now = self.store.now()
        noted = db.execute(
            "INSERT INTO announced (act, channel, said, announced_at) VALUES (?, '', ?, ?)"
            " ON CONFLICT (act, channel) DO UPDATE SET said = excluded.said, announced_at = excluded.announced_at"
            " WHERE announced.said <> excluded.said OR announced.announced_at < ?",
            (
                f"event {digest_of(about)}",
                f"{digest} {event.confidential}",
                now,
                now - _ECHO_SECONDS,
            ),
        )
        return noted.rowcount == 0

    def lead(self, db: Database, leads: Iterable[Lead], channels: Iterable[str]) -> None:
        """Note what the message about an event says, in the channels that get it."""
        now, addressed = self.store.now(), ["", *channels]
        rows = {(each.act, channel): " ".join(each.said) for each in leads for channel in addressed}
        if rows:
            marks = ", ".join(["(?, ?, ?, ?)"] * len(rows))
            db.execute(
                f"INSERT INTO announced (act, channel, said, announced_at) VALUES {marks}"  # noqa: S608
                " ON CONFLICT (act, channel) DO UPDATE SET said = excluded.said,"
                " announced_at = excluded.announced_at",
                [value for key, said in rows.items() for value in (*key, said, now)],
            )

    def covering(self, db: Database, follows: Follow) -> set[str] | None:
        """The channels in which the leader said what a follower says; None if the leader has not come."""
        rows = db.execute("SELECT channel, said FROM announced WHERE act = ?", (follows.act,)).fetchall()
        covered = {channel for channel, said in rows if channel and follows.says in said.split(" ")}
        return covered if rows else None

    def forget(self, db: Database) -> None:
        """Remove what was announced so long ago that nothing more will come of it."""
        db.execute("DELETE FROM announced WHERE announced_at < ?", (self.store.now() - _KEEP_SECONDS,))


def digest_of(content: bytes) -> str:
    """A short text that stands for a longer one in UTF-8."""
    return hashlib.sha256(content).hexdigest()
