"""Spools as relays of earlier commits left them when they were killed, and what they hold."""

import os
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from _pytest.mark import ParameterSet

from tests.relays.process import PROJECT

FOLDER = PROJECT / "tests" / "fixtures" / "spools"
RELEASE_BEFORE = PROJECT / "tests" / "fixtures" / "releases" / "da8537e.zip"
"""The package of the relays as it was when tables had no versions yet; Python runs it from there."""

Query = Callable[[str], Sequence[Any]]

# What lies in the past of the day on which a spool was written lies as far back on the day of the test.
_TIMES = {
    "outbox": ("run_at", "lease_until", "created_at", "finished_at"),
    "received": ("received_at",),
    "known_delivery": ("received_at",),
    "told_delivery": ("told_at",),
    "missed_delivery": ("logged_at",),
    "hook_log_read": ("up_to",),
}


def names(kind: str) -> list[str]:
    """The spools of a kind: gitlab, nextcloud, postgresql."""
    return sorted(path.stem for path in FOLDER.glob(f"{kind}-*.sql"))


def sample(kind: str) -> list[ParameterSet]:
    """The same as parameters of a test: the first and the last, the others marked as `exhaustive`."""
    every = names(kind)
    return [
        pytest.param(name, marks=[] if name in (every[0], every[-1]) else [pytest.mark.exhaustive])
        for name in every
    ]


@dataclass(frozen=True)
class Content:
    """What a spool held: keys of what is to arrive, in its order, of what has arrived and what is parked."""

    waiting: Sequence[str]
    claimed: int
    unprocessed: Sequence[str]
    done: Sequence[str]
    parked: Sequence[str]

    @property
    def due(self) -> list[str]:
        """The keys of all that has to arrive, once each."""
        return [*self.waiting, *self.unprocessed]

    @property
    def known(self) -> list[str]:
        """All keys: what is sent with one of them again must not make a message."""
        return [*self.due, *self.done, *self.parked]


def _content(query: Query, name: str) -> Content:
    rows = query("SELECT delivery_key, state, claim_id FROM outbox ORDER BY id")
    in_outbox = {key for key, _, _ in rows}
    # The first releases processed an event before they stored it.
    stores = re.search(r"CREATE TABLE (passerelle\.)?received", _script(name)) is not None
    stored = query("SELECT delivery_key FROM received WHERE body IS NOT NULL ORDER BY id") if stores else ()
    return Content(
        [key for key, state, _ in rows if state == "ready"],
        sum(claim is not None for *_, claim in rows),
        list(dict.fromkeys(key for (key,) in stored if key not in in_outbox)),
        [key for key, state, _ in rows if state == "done"],
        [key for key, state, _ in rows if state == "parked"],
    )


def write_file(name: str, file: Path) -> Content:
    """Make the file of a relay what a fixture holds, and the relay the one that had it."""
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(_script(name))
        for table, column in _times(lambda query: db.execute(query).fetchall(), "PRAGMA table_info({})", 1):
            db.execute(f"UPDATE {table} SET {column} = {column} + ?", (_age(name),))  # noqa: S608
        db.commit()
        for (claim,) in db.execute("SELECT claim_id FROM outbox WHERE claim_id IS NOT NULL").fetchall():
            # Until there was such a name, a claim went by that of the host.
            file.with_name("lock").write_text(claim.partition("/")[0])
        return _content(lambda query: db.execute(query).fetchall(), name)


def fill_database(name: str, address: str) -> Content:
    """Make an empty database what a fixture holds."""
    with psycopg.connect(address) as connection:
        connection.execute(_script(name).encode())
        connection.execute("SET search_path = passerelle")
        columns = "SELECT column_name FROM information_schema.columns WHERE table_name = '{}'"
        for table, column in _times(lambda query: connection.execute(query.encode()).fetchall(), columns, 0):
            change = f"UPDATE {table} SET {column} = {column} + %s"  # noqa: S608
            connection.execute(change.encode(), (_age(name),))
        return _content(lambda query: connection.execute(query.encode()).fetchall(), name)


def plant(file: Path, tree: Path) -> None:
    """Have the documents that the Nextcloud relay knows on the disk, as it knows them."""
    with closing(sqlite3.connect(file)) as db:
        for (path,) in db.execute("SELECT path FROM documents").fetchall():
            document = tree / os.fsdecode(path)
            document.parent.mkdir(parents=True, exist_ok=True)
            document.write_bytes(b"known for long")
            seen = document.stat()
            db.execute(
                "UPDATE documents SET inode = ?, size = ?, mtime_ns = ?, ctime_ns = ? WHERE path = ?",
                (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, path),
            )
        db.execute("UPDATE documents SET tree = ?", (str(tree),))
        db.execute("UPDATE trees SET tree = ?", (str(tree),))
        db.commit()


def _script(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def _age(name: str) -> float:
    written = re.match(r"-- Written at (\d+)\.", _script(name))
    assert written is not None
    return time.time() - int(written[1])


def _times(query: Query, columns: str, place: int) -> list[tuple[str, str]]:
    return [
        (table, column)
        for table, times in _TIMES.items()
        for column in times
        if column in [row[place] for row in query(columns.format(table))]
    ]
