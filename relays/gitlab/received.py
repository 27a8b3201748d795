"""Deliveries as GitLab made them: stored before they are answered, told after it.

A delivery waits in `received` to be told, and leaves it in the transaction that puts what is to be said into the
outbox. Its key stays in `told_delivery`, so that the same delivery is told once for as long as GitLab can send it
again. That is found when it is told and not when it comes: keys come in no order, and to look for one costs as much as
to store a body. What a kill interrupts is told at the next start, or by another relay that shares the spool.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import accumulate, takewhile
from typing import Any, NamedTuple

from relays.engine import Database
from relays.gitlab.holding import LONGEST_SECONDS
from relays.store import Store

# Far from the number of values that a statement may have in either database.
MOST_AT_ONCE = 256

# Those that are not held back; a time that is further away was written before the clock was set back.
_DUE = "delivery_key NOT IN (SELECT delivery_key FROM held WHERE run_at > ? AND run_at <= ?)"

# GitLab resends from its log of seven days at most.
_KEEP_SECONDS = 14 * 24 * 3600.0


class Delivery(NamedTuple):
    """What GitLab sent, a text in UTF-8, under the key that is the same whenever it sends it again.

    `event` is the one that its header names.
    """

    key: str
    body: bytes | bytearray
    event: str = ""


class Waiting(NamedTuple):
    """A delivery that waits to be told: the number of its row, its key, its body, the event of its header.

    `act` is what it was held back for (relays.gitlab.holding), empty if it was not.
    """

    row: int
    key: str
    body: str
    event: str
    act: str


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
                rows = ", ".join(["(?, CAST(? AS TEXT), ?)"] * len(deliveries))
                db.execute(
                    f"INSERT INTO received (delivery_key, body, event) VALUES {rows}",  # noqa: S608
                    [value for each in deliveries for value in each],
                )
                self.taken += len(deliveries)

        future = self._store.submit(work, one_statement=True, here=here)
        future.add_done_callback(self._announce)
        return future

    def waiting(self, number: int, characters: int) -> list[Waiting]:
        """The oldest that wait to be told: so many, of so many characters together, at most; but one. StorageError."""
        until = (now := self._store.now()), now + LONGEST_SECONDS
        # The lengths first, for bodies that come together may be more than the memory takes.
        rows = self._store.read(
            f"SELECT id, length(body) FROM received WHERE {_DUE} ORDER BY id LIMIT ?",  # noqa: S608
            (*until, number),
        )
        if not rows:
            return []
        lengths = accumulate(length for _, length in rows)
        fitting = sum(1 for _ in takewhile(lambda total: total <= characters, lengths))
        return self._read(
            f"id IN (SELECT id FROM received WHERE {_DUE} AND id <= ? ORDER BY id LIMIT ?)",  # noqa: S608
            (*until, rows[max(0, fitting - 1)][0], max(1, fitting)),
        )

    def of_act(self, act: str) -> list[Waiting]:
        """All that is held back for an act. StorageError."""
        return self._read("act = ?", (act,))

    def _read(self, which: str, parameters: Sequence[Any]) -> list[Waiting]:
        rows = self._store.read(
            "SELECT id, r.delivery_key, body, event, coalesce(act, '')"  # noqa: S608
            f" FROM received r LEFT JOIN held h ON h.delivery_key = r.delivery_key WHERE {which} ORDER BY id",
            parameters,
        )
        return [Waiting(*row) for row in rows]

    def untold(self) -> int:
        """How many wait to be told. StorageError."""
        ((number,),) = self._store.read("SELECT count(*) FROM received")
        return int(number)

    def take(self, db: Database, row: int) -> bool:
        """Take a delivery away, in somebody else's transaction; False if another relay has done so already."""
        return db.execute("DELETE FROM received WHERE id = ?", (row,)).rowcount == 1

    def held_for(self, db: Database, act: str) -> dict[str, bool]:
        """The keys of what is held back for an act, each with whether it was told all the same."""
        rows = db.execute(
            "SELECT r.delivery_key, r.delivery_key IN (SELECT delivery_key FROM told_delivery) FROM received r"
            " JOIN held h ON h.delivery_key = r.delivery_key WHERE act = ?",
            (act,),
        ).fetchall()
        return {key: bool(told) for key, told in rows}

    def is_told(self, db: Database, key: str) -> bool:
        """Whether a delivery was told before."""
        return bool(db.execute("SELECT 1 FROM told_delivery WHERE delivery_key = ?", (key,)).fetchall())

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
