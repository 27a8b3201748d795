"""Deliveries as GitLab made them: stored before they are answered, told after it.

A row is first a delivery that waits to be told, with its body. Telling takes the body away, in the transaction that
puts what is to be said into the outbox; the key stays and refuses the same delivery for as long as GitLab can send it
again. What a kill interrupts is told at the next start, or by another relay that shares the spool.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from relays.engine import Database
from relays.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS received (
    id           INTEGER PRIMARY KEY,
    delivery_key TEXT NOT NULL UNIQUE,
    body         TEXT,
    received_at  DOUBLE PRECISION NOT NULL
);
CREATE INDEX IF NOT EXISTS received_waiting ON received (id) WHERE body IS NOT NULL;
"""

# GitLab resends from its log of seven days at most.
_KEEP_SECONDS = 14 * 24 * 3600.0
# One statement for many rows: what it costs beside the rows themselves is paid once.
_MOST_AT_ONCE = 64


@dataclass(frozen=True)
class Delivery:
    """What GitLab sent, under the key that is the same whenever it sends it again."""

    key: str
    body: str


class Received:
    """The table."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._on_new: Callable[[], None] = lambda: None

    def subscribe(self, on_new: Callable[[], None]) -> None:
        """Have `on_new` called, in the store's thread, after each commit of new deliveries."""
        self._on_new = on_new

    def put(self, deliveries: Sequence[Delivery]) -> Future[set[str]]:
        """Store deliveries of different keys; the keys that were not known already, once they are durable."""

        def work(db: Database) -> set[str]:
            now = self._store.now()
            new: set[str] = set()
            for start in range(0, len(deliveries), _MOST_AT_ONCE):
                group = deliveries[start : start + _MOST_AT_ONCE]
                rows = db.execute(
                    f"INSERT INTO received (delivery_key, body, received_at)"  # noqa: S608
                    f" VALUES {', '.join(['(?, ?, ?)'] * len(group))}"
                    " ON CONFLICT (delivery_key) DO NOTHING RETURNING delivery_key",
                    [value for each in group for value in (each.key, each.body, now)],
                )
                new.update(key for (key,) in rows.fetchall())
            return new

        future = self._store.submit(work)
        future.add_done_callback(self._announce)
        return future

    def waiting(self, number: int) -> list[tuple[int, Delivery]]:
        """The oldest that wait to be told, with the numbers of their rows. StorageError."""
        rows = self._store.read(
            "SELECT id, delivery_key, body FROM received WHERE body IS NOT NULL ORDER BY id LIMIT ?",
            (number,),
        )
        return [(row, Delivery(key, body)) for row, key, body in rows]

    def untold(self) -> int:
        """How many wait to be told. StorageError."""
        ((number,),) = self._store.read("SELECT count(*) FROM received WHERE body IS NOT NULL")
        return int(number)

    def is_told(self, db: Database, row: int) -> bool:
        """Take the body away, in somebody else's transaction; False if another relay has done so already."""
        told = db.execute("UPDATE received SET body = NULL WHERE id = ? AND body IS NOT NULL", (row,))
        return told.rowcount == 1

    def forget(self, db: Database, number: int) -> None:
        """Remove up to so many of the oldest rows if they are so old that GitLab cannot send them again."""
        rows = db.execute(
            "SELECT id, received_at, body FROM received ORDER BY id LIMIT ?", (number,)
        ).fetchall()
        for row, received_at, body in rows:
            if body is None and received_at < self._store.now() - _KEEP_SECONDS:
                db.execute("DELETE FROM received WHERE id = ?", (row,))

    def _announce(self, done: Future[set[str]]) -> None:
        if done.exception() is None and done.result():
            self._on_new()
