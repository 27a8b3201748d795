"""Messages that Mattermost refused for what they are, for an operator to decide on."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from relays.storage.engine import Database, Readable

_RETRY = (
    "UPDATE outbox SET state = 'ready', run_at = ?, attempts = 0, finished_at = NULL"
    " WHERE id = ? AND state = 'parked'"
)
_DROP = (
    "UPDATE outbox SET state = 'done', message = '{}', summary = '', finished_at = ?"
    " WHERE id = ? AND state = 'parked'"
)


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
    for number in numbers:
        db.execute(_RETRY, (now, number))


def drop(db: Database, numbers: Sequence[int], now: float) -> None:
    """Give them up; their delivery keys stay known."""
    for number in numbers:
        db.execute(_DROP, (now, number))
