"""Deliveries that were taken and cannot be announced, kept with the reason for an operator (relays.dead_letters).

They are those that ended the process that processed them, again and again; those that would take too much memory;
and those that an error of the relay is in the way of, until a release that has it mended. Their number and size are
limited, so that they cannot fill the disk: the newest are kept.
"""

from collections.abc import Sequence
from typing import NamedTuple

from relays.delivery.parked import portions
from relays.sources.gitlab.tables import PROCESSED
from relays.storage.engine import Database, Engine, Readable
from relays.storage.store import Store

MOST = 1000
MOST_CHARACTERS = 256 * 1024 * 1024
_SHOWN = 60


class DeadLetter(NamedTuple):
    """One of them, without its body, of which the `beginning` is known."""

    id: int
    key: str
    characters: int
    reason: str
    died_at: float
    beginning: str


class DeadLetters:
    """The table."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, db: Database, row: int, reason: str) -> None:
        """Copy a delivery that waits, by the number of its row, in somebody else's transaction that takes it away.

        Not one whose key was announced or dead-lettered before.
        """
        db.execute(
            "INSERT INTO dead_letter (delivery_key, body, event, characters, reason, died_at)"  # noqa: S608
            " SELECT delivery_key, body, event, length(body), ?, ? FROM received r WHERE id = ?"
            f" AND NOT EXISTS (SELECT 1 FROM {PROCESSED} p WHERE p.delivery_key = r.delivery_key)"
            " ON CONFLICT (delivery_key) DO NOTHING",
            (reason, self._store.now(), row),
        )
        db.execute(
            "DELETE FROM dead_letter WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER newest AS place,"
            " sum(characters) OVER newest AS total FROM dead_letter WINDOW newest AS (ORDER BY id DESC)) AS kept"
            " WHERE place > 1 AND (place > ? OR total > ?))",
            (MOST, MOST_CHARACTERS),
        )

    def count(self) -> int:
        """How many there are. StorageError."""
        ((number,),) = self._store.read("SELECT count(*) FROM dead_letter")
        return int(number)


def listed(store: Readable) -> list[DeadLetter]:
    """All of them, the oldest first. StorageError."""
    rows = store.read(
        "SELECT id, delivery_key, characters, reason, died_at, substr(body, 1, ?) FROM dead_letter ORDER BY id",
        (_SHOWN,),
    )
    return [DeadLetter(*row) for row in rows]


def body_of(engine: Engine, number: int) -> str:
    """The body of one of them, which has to be there. StorageError."""
    ((body,),) = engine.read("SELECT body FROM dead_letter WHERE id = ?", (number,))
    return str(body)


def retry(db: Database, numbers: Sequence[int]) -> None:
    """Have them processed as if they had come just now, and as if nothing had been found against them."""
    for marks, some in portions(numbers):
        for table in (PROCESSED, "suspect"):
            db.execute(
                f"DELETE FROM {table} WHERE delivery_key IN"  # noqa: S608
                f" (SELECT delivery_key FROM dead_letter WHERE id IN ({marks}))",
                some,
            )
        db.execute(
            "INSERT INTO received (delivery_key, body, event)"  # noqa: S608
            f" SELECT delivery_key, body, event FROM dead_letter WHERE id IN ({marks}) ORDER BY id",
            some,
        )
    drop(db, numbers)


def drop(db: Database, numbers: Sequence[int]) -> None:
    """Give them up; their keys stay known, so that GitLab cannot bring them back."""
    for marks, some in portions(numbers):
        db.execute(f"DELETE FROM dead_letter WHERE id IN ({marks})", some)  # noqa: S608
