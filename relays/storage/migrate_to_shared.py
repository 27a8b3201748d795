"""The way of a store from the file on a host into a spool that hosts share, when a relay is first given one."""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from relays.storage.engine import Database, Engine
from relays.storage.schema import Tables, moved

log = logging.getLogger(__name__)


def move_outbox(file: Path, engine: Engine, parts: Sequence[Tables]) -> None:
    """Take the outbox and what comes before it out of the SQLite file, if there is one, into `engine`; then it is gone.

    Both have the tables of this release. Whatever waits goes on waiting in its order, parked messages stay parked, and
    keys go on refusing duplicates. What was moved when a kill came is moved once. StorageError, sqlite3.Error or one
    of `engine.errors` leaves the file as it was.
    """
    if not file.is_file():
        return
    with closing(sqlite3.connect(file)) as old:
        there = {name for (name,) in old.execute("SELECT name FROM sqlite_master")}
        db = engine.begin()
        count = sum(_move(old, db, table) for table in moved(parts) if table in there)
        engine.commit()
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    log.info("moved file=%s rows=%d: they are in the shared spool now", file, count)


def _move(old: sqlite3.Connection, new: Database, table: str) -> int:
    described = old.execute(f"PRAGMA table_info({table})").fetchall()
    # The numbers of the rows are given anew.
    columns = {name: declared for _, name, declared, _, _, is_key in described if not is_key}
    names = ", ".join(columns)
    insert = f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))}) ON CONFLICT DO NOTHING"  # noqa: S608
    count = 0
    for row in old.execute(f"SELECT {names} FROM {table} ORDER BY id"):  # noqa: S608
        # SQLite has no truth values of its own.
        values = [
            bool(v) if declared == "BOOLEAN" else v for v, declared in zip(row, columns.values(), strict=True)
        ]
        count += new.execute(insert, values).rowcount
    return count
