"""The way of a store from the file on a host into a spool that hosts share, when a relay is first given one."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from relays.engine import Engine

log = logging.getLogger(__name__)

_SELECT = (
    "SELECT channel, delivery_key, message, summary, state, run_at, attempts, last_error, created_at,"
    " finished_at, alone FROM outbox ORDER BY id"
)
_INSERT = (
    "INSERT INTO outbox (channel, delivery_key, message, summary, state, run_at, attempts, last_error, created_at,"
    " finished_at, alone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (channel, delivery_key) DO NOTHING"
)


def move_outbox(file: Path, engine: Engine) -> None:
    """Take the outbox out of the SQLite file, if there is one, and put it into `engine`; then the file is gone.

    Whatever waits goes on waiting in its order, parked messages stay parked, and keys go on refusing duplicates. What
    was moved when a kill came is moved once. StorageError, sqlite3.Error or one of `engine.errors` leaves the file
    as it was.
    """
    if not file.is_file():
        return
    with closing(sqlite3.connect(file)) as old:
        has_outbox = old.execute("SELECT 1 FROM sqlite_master WHERE name = 'outbox'").fetchone()
        rows = old.execute(_SELECT) if has_outbox else ()
        db = engine.begin()
        count = 0
        for *columns, alone in rows:
            count += db.execute(_INSERT, (*columns, bool(alone))).rowcount
        engine.commit()
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    log.info("moved file=%s rows=%d: they are in the shared spool now", file, count)
