"""What is known of the deliveries that failed: which still have to come in, and how far the log was read.

A delivery is first noted with its body, then dealt with, which takes the body away. Its number stays for as long as
the log may list it again. How far a hook's log was read is set once it was read down to where the last reading had
begun, so that a reading that broke off leaves no gap.
"""

import time
from collections.abc import Sequence

from relays.sources.gitlab.delivery_log import LogEntry
from relays.storage.engine import Database
from relays.storage.store import Store

# GitLab lists the deliveries of seven days, counted from midnight.
_LISTED_SECONDS = 9 * 24 * 3600.0


class BackfillState:
    """The tables. Every method raises StorageError if the store fails."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read_up_to(self, hook: int) -> float:
        """The time of the newest entry that a whole reading has come to, 0 before the first one."""
        rows = self._store.read("SELECT up_to FROM hook_log_read WHERE hook = ?", (hook,))
        return float(rows[0][0]) if rows else 0.0

    def note(self, hook: int, entries: Sequence[LogEntry]) -> int:
        """Keep entries until they are dealt with; how many of them were not known."""
        rows = [(hook, entry.id, entry.logged_at, entry.key, entry.body) for entry in entries]

        def work(db: Database) -> int:
            insert = (
                "INSERT INTO missed_delivery (hook, entry, logged_at, delivery_key, body) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (hook, entry) DO NOTHING"
            )
            event = (
                "INSERT INTO missed_event (hook, entry, event) VALUES (?, ?, ?)"
                " ON CONFLICT (hook, entry) DO NOTHING"
            )
            for entry in entries:
                db.execute(event, (hook, entry.id, entry.event))
            return sum(db.execute(insert, row).rowcount for row in rows)

        return self._store.submit(work).result()

    def was_read(self, hook: int, up_to: float) -> None:
        """The log is known up to this time."""

        def work(db: Database) -> None:
            db.execute(
                "INSERT INTO hook_log_read (hook, up_to) VALUES (?, ?)"
                " ON CONFLICT (hook) DO UPDATE SET up_to = excluded.up_to"
                # Another relay that reads the same log may have come further.
                " WHERE excluded.up_to > hook_log_read.up_to",
                (hook, up_to),
            )
            db.execute(
                "DELETE FROM missed_delivery WHERE body IS NULL AND logged_at < ?",
                (time.time() - _LISTED_SECONDS,),
            )
            db.execute(
                "DELETE FROM missed_event WHERE NOT EXISTS (SELECT 1 FROM missed_delivery m"
                " WHERE m.hook = missed_event.hook AND m.entry = missed_event.entry)"
            )

        self._store.submit(work).result()

    def oldest(self, whole: bool) -> tuple[int, LogEntry] | None:
        """The oldest delivery that is not dealt with, and its hook.

        Unless `whole`, what a reading has noted that broke off is left out, for older ones may be missing before it.
        """
        rows = self._store.read(
            "SELECT m.hook, m.entry, logged_at, delivery_key, body, coalesce(event, '')"
            " FROM missed_delivery m LEFT JOIN missed_event e ON e.hook = m.hook AND e.entry = m.entry"
            " WHERE body IS NOT NULL"
            " AND (? OR logged_at <= (SELECT up_to FROM hook_log_read r WHERE r.hook = m.hook))"
            " ORDER BY logged_at, m.entry LIMIT 1",
            (whole,),
        )
        return (rows[0][0], LogEntry(*rows[0][1:])) if rows else None

    def dealt_with(self, hook: int, entry: LogEntry) -> None:
        """The delivery is in, or was judged."""

        def work(db: Database) -> None:
            db.execute(
                "UPDATE missed_delivery SET body = NULL WHERE hook = ? AND entry = ?", (hook, entry.id)
            )

        self._store.submit(work).result()
