"""Messages that Mattermost refused for what they are, for an operator to decide on."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from relays.storage.engine import Database, Readable

_RETRY = "UPDATE outbox SET state = 'ready', run_at = ?, attempts = 0, finished_at = NULL"
_DROP = "UPDATE outbox SET state = 'done', message = '{}', summary = '', finished_at = ?"
# Fewer than either database takes as values of one statement.
_PORTION = 500


class ParkedMessage(NamedTuple):
    """One of them, without what would be posted: there may be very many."""

    id: int
    created_at: float
    channel: str
    reason: str


def listed(store: Readable) -> list[ParkedMessage]:
    """All of them, the oldest first. StorageError."""
    rows = store.read(
        "SELECT id, created_at, channel, last_error FROM outbox WHERE state = 'parked' ORDER BY id"
    )
    return [ParkedMessage(*row) for row in rows]


def message_of(store: Readable, number: int) -> Any:
    """What would be posted of one of them, {} for one that is put aside no more. StorageError."""
    rows = store.read("SELECT message FROM outbox WHERE id = ? AND state = 'parked'", (number,))
    return json.loads(rows[0][0]) if rows else {}


def retry(db: Database, numbers: Sequence[int], now: float) -> None:
    """Have them sent again, in their old places in the lines of their channels."""
    _update(db, _RETRY, numbers, now)


def drop(db: Database, numbers: Sequence[int], now: float) -> None:
    """Give them up; their delivery keys stay known."""
    _update(db, _DROP, numbers, now)


def portions(numbers: Sequence[int]) -> Iterator[tuple[str, Sequence[int]]]:
    """Numbers of rows for statements that are about many of them at once, each time with so many marks in a row."""
    for start in range(0, len(numbers), _PORTION):
        some = numbers[start : start + _PORTION]
        yield ", ".join("?" * len(some)), some


def _update(db: Database, change: str, numbers: Sequence[int], now: float) -> None:
    for marks, some in portions(numbers):
        db.execute(f"{change} WHERE state = 'parked' AND id IN ({marks})", (now, *some))
