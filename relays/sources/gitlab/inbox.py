"""Deliveries as GitLab made them: stored before they are answered, processed after it.

A delivery waits in `received` to be announced, and leaves it in the transaction that puts what is to be said into the
outbox. Its key stays among the processed deliveries, so that the same delivery is announced once for as long as GitLab
can send it again. That is found when it is announced and not when it comes: keys come in no order, and to look for one
costs as much as to store a body. What a kill interrupts is announced at the next start, or by another relay that shares
the spool.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from relays.sources.gitlab.delayed import LONGEST_SECONDS
from relays.sources.gitlab.tables import PROCESSED, PROCESSED_AT
from relays.storage.engine import Database
from relays.storage.store import Store

# Far from the number of values that a statement may have in either database.
MOST_AT_ONCE = 256

_HEADS = (
    "SELECT r.id, r.delivery_key, length(r.body), s.attempts, coalesce(h.act, '') FROM received r"
    " LEFT JOIN suspect s ON s.delivery_key = r.delivery_key LEFT JOIN held h ON h.delivery_key = r.delivery_key"
)

# GitLab resends from its log of seven days at most.
_KEEP_SECONDS = 14 * 24 * 3600.0


class Delivery(NamedTuple):
    """What GitLab sent, a text in UTF-8, under the key that is the same whenever it sends it again.

    `event` is the one that its header names.
    """

    key: str
    body: bytes | bytearray
    event: str = ""


class Head(NamedTuple):
    """A delivery that waits to be announced: the number of its row, its key, how many characters its body has.

    `attempts` is how many processes have ended while they processed it alone; None if it was never under suspicion.
    `act` is what it was held back for (relays.sources.gitlab.delayed), empty if it was not.
    """

    row: int
    key: str
    characters: int
    attempts: int | None
    act: str


class Waiting(NamedTuple):
    """A delivery that waits to be announced, the event of its header, and what it was held back for.

    `body` is the text that GitLab sent, in UTF-8: as a `str` it could take four times the memory.
    """

    row: int
    key: str
    body: bytes
    event: str
    act: str


class Inbox:
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
                rows = ", ".join(["(?, CAST(? AS TEXT), ?)"] * len(deliveries))
                db.execute(
                    f"INSERT INTO received (delivery_key, body, event) VALUES {rows}",  # noqa: S608
                    [value for each in deliveries for value in each],
                )
                self.taken += len(deliveries)

        future = self._store.submit(work, one_statement=True, here=here)
        future.add_done_callback(self._announce)
        return future

    def heads(self, number: int) -> list[Head]:
        """So many of the oldest that wait to be announced and are not held back. StorageError."""
        now = self._store.now()
        rows = self._store.read(
            # A time that is further away was written before the clock was set back.
            f"{_HEADS} WHERE h.run_at IS NULL OR h.run_at <= ? OR h.run_at > ? ORDER BY r.id LIMIT ?",
            (now, now + LONGEST_SECONDS, number),
        )
        return [Head(*row) for row in rows]

    def held_seconds(self) -> float | None:
        """How long until the next of those that are held back is to be announced, None if none is. StorageError."""
        query = "SELECT min(run_at) FROM held WHERE delivery_key IN (SELECT delivery_key FROM received)"
        ((run_at,),) = self._store.read(query)
        return None if run_at is None else max(0.0, run_at - self._store.now())

    def heads_of(self, act: str) -> list[Head]:
        """All that is held back for an act. StorageError."""
        return [Head(*row) for row in self._store.read(f"{_HEADS} WHERE h.act = ? ORDER BY r.id", (act,))]

    def bodies(self, heads: Sequence[Head]) -> list[Waiting]:
        """With their bodies, those that still wait; MOST_AT_ONCE at most. StorageError."""
        marks = ", ".join("?" * len(heads))
        rows = self._store.read(
            f"SELECT id, delivery_key, body, event FROM received WHERE id IN ({marks}) ORDER BY id",  # noqa: S608
            [head.row for head in heads],
            utf8=True,
        )
        acts = {head.row: head.act for head in heads}
        return [Waiting(row, key.decode(), body, event.decode(), acts[row]) for row, key, body, event in rows]

    def suspect(self, keys: Sequence[str]) -> Future[None]:
        """Note that a process has ended while it processed the deliveries with these keys."""

        def work(db: Database) -> None:
            # They were among the oldest; those that were announced at the last moment are not there any more.
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

    def pending(self) -> int:
        """How many wait to be announced. StorageError."""
        ((number,),) = self._store.read("SELECT count(*) FROM received")
        return int(number)

    def last_processed(self) -> float | None:
        """When a delivery was processed last, by the clock of the store; None if none was. StorageError."""
        rows = self._store.read(f"SELECT {PROCESSED_AT} FROM {PROCESSED} ORDER BY id DESC LIMIT 1")  # noqa: S608
        return rows[0][0] if rows else None

    def take(self, db: Database, row: int) -> bool:
        """Take a delivery away, in somebody else's transaction; False if another relay has done so already."""
        return db.execute("DELETE FROM received WHERE id = ?", (row,)).rowcount == 1

    def held_for(self, db: Database, act: str) -> dict[str, bool]:
        """The keys of what is held back for an act, each with whether it was announced all the same."""
        rows = db.execute(
            f"SELECT r.delivery_key, r.delivery_key IN (SELECT delivery_key FROM {PROCESSED}) FROM received r"  # noqa: S608
            " JOIN held h ON h.delivery_key = r.delivery_key WHERE act = ?",
            (act,),
        ).fetchall()
        return {key: bool(processed) for key, processed in rows}

    def is_processed(self, db: Database, key: str) -> bool:
        """Whether a delivery was announced before."""
        return bool(db.execute(f"SELECT 1 FROM {PROCESSED} WHERE delivery_key = ?", (key,)).fetchall())  # noqa: S608

    def acquit(self, db: Database, key: str) -> None:
        """A delivery is announced, in the same transaction: no suspicion is left."""
        db.execute("DELETE FROM suspect WHERE delivery_key = ?", (key,))

    def is_new(self, db: Database, key: str) -> bool:
        """Note that a delivery is announced, in the same transaction; False if it was announced before."""
        noted = db.execute(
            f"INSERT INTO {PROCESSED} (delivery_key, {PROCESSED_AT}) VALUES (?, ?)"  # noqa: S608
            " ON CONFLICT (delivery_key) DO NOTHING",
            (key, self._store.now()),
        )
        return noted.rowcount == 1

    def forget(self, db: Database, number: int) -> None:
        """Remove up to so many of the oldest keys if they are so old that GitLab cannot send them again."""
        db.execute(
            f"DELETE FROM {PROCESSED} WHERE {PROCESSED_AT} < ?"  # noqa: S608
            f" AND id IN (SELECT id FROM {PROCESSED} ORDER BY id LIMIT ?)",
            (self._store.now() - _KEEP_SECONDS, number),
        )

    def _announce(self, done: Future[None]) -> None:
        if done.exception() is None:
            self._on_new()
