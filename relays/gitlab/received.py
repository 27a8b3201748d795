"""Deliveries as GitLab made them: stored before they are answered, told after it.

A delivery waits in `received` to be told, and leaves it in the transaction that puts what is to be said into the
outbox. Its key stays in `told_delivery`, so that the same delivery is told once for as long as GitLab can send it
again. That is found when it is told and not when it comes: keys come in no order, and to look for one costs as much as
to store a body. What a kill interrupts is told at the next start, or by another relay that shares the spool.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from relays.engine import Database
from relays.store import Store

# Far from the number of values that a statement may have in either database.
MOST_AT_ONCE = 256

# GitLab resends from its log of seven days at most.
_KEEP_SECONDS = 14 * 24 * 3600.0


class Delivery(NamedTuple):
    """What GitLab sent, a text in UTF-8, under the key that is the same whenever it sends it again."""

    key: str
    body: bytes | bytearray


class Head(NamedTuple):
    """A delivery that waits to be told: the number of its row, its key, how many characters its body has.

    `attempts` is how many processes have ended while they looked into it alone; None if it was never under suspicion.
    """

    row: int
    key: str
    characters: int
    attempts: int | None


class Waiting(NamedTuple):
    """A delivery that waits to be told, with its body."""

    row: int
    key: str
    body: str


class Received:
    """The table; `taken` is how many deliveries this process has put into it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._on_new: Callable[[], None] = lambda: None
        self.taken = 0

    def subscribe(self, on_new: Callable[[], None]) -> None:
        """Have `on_new` called, in the store's thread, after each commit of new deliveries."""
        self._on_new = on_new

    def put(self, take: Callable[[], Sequence[Delivery]], here: bool = False) -> Future[None]:
        """Store what `take` brings when its turn has come, MOST_AT_ONCE at most.

        The future resolves once it is durable, at once if that may be `here`, in the calling thread.
        """

        def work(db: Database) -> None:
            if deliveries := take():
                # One statement for many rows: what it costs beside the rows themselves is paid once.
                # Bytes are bound as they are, for a text would be a copy, up to four times as large.
                rows = ", ".join(["(?, CAST(? AS TEXT))"] * len(deliveries))
                db.execute(
                    f"INSERT INTO received (delivery_key, body) VALUES {rows}",  # noqa: S608
                    [value for each in deliveries for value in each],
                )
                self.taken += len(deliveries)

        future = self._store.submit(work, one_statement=True, here=here)
        future.add_done_callback(self._announce)
        return future

    def heads(self, number: int) -> list[Head]:
        """So many of the oldest that wait to be told. StorageError."""
        rows = self._store.read(
            "SELECT r.id, r.delivery_key, length(r.body), s.attempts"
            " FROM received r LEFT JOIN suspect s ON s.delivery_key = r.delivery_key ORDER BY r.id LIMIT ?",
            (number,),
        )
        return [Head(*row) for row in rows]

    def bodies(self, heads: Sequence[Head]) -> list[Waiting]:
        """With their bodies, those that still wait; they have to follow each other. StorageError."""
        rows = self._store.read(
            "SELECT id, delivery_key, body FROM received WHERE id >= ? AND id <= ? ORDER BY id",
            (heads[0].row, heads[-1].row),
        )
        wanted = {head.row for head in heads}
        return [Waiting(*row) for row in rows if row[0] in wanted]

    def suspect(self, keys: Sequence[str]) -> Future[None]:
        """Note that a process has ended while it looked into the deliveries with these keys."""

        def work(db: Database) -> None:
            # They were among the oldest; those that were told at the last moment are not there any more.
            rows = db.execute("SELECT delivery_key FROM received ORDER BY id LIMIT ?", (2 * MOST_AT_ONCE,))
            waiting = {key for (key,) in rows}
            for key in waiting.intersection(keys):
                db.execute(
                    "INSERT INTO suspect (delivery_key, attempts) VALUES (?, ?) ON CONFLICT (delivery_key)"
                    " DO UPDATE SET attempts = suspect.attempts + excluded.attempts",
                    # One of several: it may have been another one.
                    (key, int(len(keys) == 1)),
                )

        return self._store.submit(work)

    def untold(self) -> int:
        """How many wait to be told. StorageError."""
        ((number,),) = self._store.read("SELECT count(*) FROM received")
        return int(number)

    def take(self, db: Database, row: int) -> bool:
        """Take a delivery away, in somebody else's transaction; False if another relay has done so already."""
        return db.execute("DELETE FROM received WHERE id = ?", (row,)).rowcount == 1

    def acquit(self, db: Database, key: str) -> None:
        """A delivery is told, in the same transaction: no suspicion is left."""
        db.execute("DELETE FROM suspect WHERE delivery_key = ?", (key,))

    def is_new(self, db: Database, key: str) -> bool:
        """Note that a delivery is told, in the same transaction; False if it was told before."""
        noted = db.execute(
            "INSERT INTO told_delivery (delivery_key, told_at) VALUES (?, ?) ON CONFLICT (delivery_key) DO NOTHING",
            (key, self._store.now()),
        )
        return noted.rowcount == 1

    def forget(self, db: Database, number: int) -> None:
        """Remove up to so many of the oldest keys if they are so old that GitLab cannot send them again."""
        db.execute(
            "DELETE FROM told_delivery WHERE told_at < ?"
            " AND id IN (SELECT id FROM told_delivery ORDER BY id LIMIT ?)",
            (self._store.now() - _KEEP_SECONDS, number),
        )

    def _announce(self, done: Future[None]) -> None:
        if done.exception() is None:
            self._on_new()
