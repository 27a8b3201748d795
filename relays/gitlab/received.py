"""Deliveries as GitLab made them: stored before they are answered, told after it.

A delivery waits in `received` to be told, and leaves it in the transaction that puts what is to be said into the
outbox. Its key stays in `known_delivery` and refuses the same delivery for as long as GitLab can send it again. What a
kill interrupts is told at the next start, or by another relay that shares the spool.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from relays.engine import Database
from relays.store import Store

# Two tables, for a row that loses its body goes on taking a whole page in SQLite.
SCHEMA = """
CREATE TABLE IF NOT EXISTS known_delivery (
    id           INTEGER PRIMARY KEY,
    delivery_key TEXT NOT NULL UNIQUE,
    received_at  DOUBLE PRECISION NOT NULL
);
CREATE TABLE IF NOT EXISTS received (
    id           INTEGER PRIMARY KEY,
    delivery_key TEXT NOT NULL,
    body         TEXT NOT NULL
);
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
            groups = range(0, len(deliveries), _MOST_AT_ONCE)
            return set().union(*(self._insert(db, deliveries[at : at + _MOST_AT_ONCE]) for at in groups))

        future = self._store.submit(work)
        future.add_done_callback(self._announce)
        return future

    def waiting(self, number: int) -> list[tuple[int, Delivery]]:
        """The oldest that wait to be told, with the numbers of their rows. StorageError."""
        rows = self._store.read("SELECT id, delivery_key, body FROM received ORDER BY id LIMIT ?", (number,))
        return [(row, Delivery(key, body)) for row, key, body in rows]

    def untold(self) -> int:
        """How many wait to be told. StorageError."""
        ((number,),) = self._store.read("SELECT count(*) FROM received")
        return int(number)

    def is_told(self, db: Database, row: int) -> bool:
        """Take a delivery away, in somebody else's transaction; False if another relay has done so already."""
        return db.execute("DELETE FROM received WHERE id = ?", (row,)).rowcount == 1

    def forget(self, db: Database, number: int) -> None:
        """Remove up to so many of the oldest keys if they are so old that GitLab cannot send them again."""
        db.execute(
            "DELETE FROM known_delivery WHERE received_at < ?"
            " AND id IN (SELECT id FROM known_delivery ORDER BY id LIMIT ?)",
            (self._store.now() - _KEEP_SECONDS, number),
        )

    def _insert(self, db: Database, deliveries: Sequence[Delivery]) -> set[str]:
        now = self._store.now()
        rows = db.execute(
            f"INSERT INTO known_delivery (delivery_key, received_at) VALUES {_rows(len(deliveries))}"  # noqa: S608
            " ON CONFLICT (delivery_key) DO NOTHING RETURNING delivery_key",
            [value for each in deliveries for value in (each.key, now)],
        )
        unknown = {key for (key,) in rows.fetchall()}
        if new := [each for each in deliveries if each.key in unknown]:
            db.execute(
                f"INSERT INTO received (delivery_key, body) VALUES {_rows(len(new))}",  # noqa: S608
                [value for each in new for value in (each.key, each.body)],
            )
        return unknown

    def _announce(self, done: Future[set[str]]) -> None:
        if done.exception() is None and done.result():
            self._on_new()


def _rows(number: int) -> str:
    """The placeholders of so many rows of two columns."""
    return ", ".join(["(?, ?)"] * number)
