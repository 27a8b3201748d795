"""A spool file that is damaged: set aside, what can be read of it put into a new one, and said where people see it.

    relay.db                     in use
    relay.db.damaged-<UTC time>  what was damaged, as it was, with its -wal; for nobody but an operator
    relay.db.making              a new one that is not complete yet
    relay.db.rescued-<UTC time>  a new one that is, on its way to its place, which the next start finishes after a kill
    relay.db.suspect             a process has met damage, or died of what it read

All of a file is looked at only if there is a reason to: it is small, or its last process did not end in order. In
between, damage ends the process as soon as it is met (relays.storage.sqlite), and the next start looks.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from relays.base import systemd
from relays.storage import wal
from relays.storage.engine import Database
from relays.storage.introspection import SQLITE
from relays.storage.migrations import upgrade
from relays.storage.recovery import UNREADABLE, Rescue, rescue
from relays.storage.schema import Tables

log = logging.getLogger(__name__)

# So much is looked at within a tenth of a second.
_SMALL_BYTES = 32 * 1024 * 1024
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

Announce = Callable[[Database, Rescue], None]


def is_damage(error: Exception) -> bool:
    """Whether SQLite says that the file itself is wrong, not the disk, its room, or the statement."""
    code = getattr(error, "sqlite_errorcode", None)
    # The upper bits of a code say more than is needed here.
    return code & 0xFF in _DAMAGE if code is not None else "decode to UTF-8" in str(error)


def suspect(file: Path) -> Path:
    """The file whose presence has the next start look at all of the spool."""
    return file.with_name(f"{file.name}.suspect")


def is_there(file: Path) -> bool:
    """Whether something is stored on this host, be it on its way to its place."""
    return file.exists() or any(file.parent.glob(f"{file.name}.rescued-*"))


def prepare(file: Path, parts: Sequence[Tables], announce: Announce) -> None:
    """See that there is a sound file with the tables of `parts`, of whatever version if it was sound already.

    `announce` adds to a rescued one what people are to know. OSError, sqlite3.Error or SchemaError if there is none and
    none can be made; what could be rescued still can be then.
    """
    for rescued in list(file.parent.glob(f"{file.name}.rescued-*")):
        _put_in_place(file, rescued)
    making = file.with_name(f"{file.name}.making")
    if not file.exists():
        with _new(making) as db:
            upgrade(db, parts, SQLITE)
        making.rename(file)
    elif reason := _damage(file):
        time = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        kept = file.with_name(f"{file.name}.damaged-{time}")
        log.error("damaged file=%s reason=%s: rescuing what can be read", file, reason)
        with _new(making) as db:
            brought = rescue(file, db, kept, parts)
            announce(db, brought)
        rescued = file.with_name(f"{file.name}.rescued-{time}")
        making.rename(rescued)
        _put_in_place(file, rescued)
        log.error(
            "rescued waiting=%d parked=%d delivered=%d; the damaged file is kept=%s: check the disk, and delete the "
            "file when nothing is missed",
            brought.waiting,
            brought.parked,
            brought.delivered,
            kept,
        )
    suspect(file).unlink(missing_ok=True)


def _put_in_place(file: Path, rescued: Path) -> None:
    kept = file.with_name(rescued.name.replace(".rescued-", ".damaged-"))
    # The rescued file goes last, so that as long as it is there, all of this can be done again.
    for suffix in ("", "-wal"):
        damaged = file.with_name(file.name + suffix)
        if damaged.exists():
            damaged.rename(kept.with_name(kept.name + suffix))
    # Only an index into the log, which SQLite makes anew.
    file.with_name(f"{file.name}-shm").unlink(missing_ok=True)
    rescued.rename(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _new(path: Path) -> Iterator[sqlite3.Connection]:
    """An empty database to be filled, on the disk when the block is left."""
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN")
        yield db
        db.execute("COMMIT")


def _damage(file: Path) -> str:
    """Why the file cannot be used as it is, empty if it can. sqlite3.Error if that cannot be found out."""
    written = file.with_name(f"{file.name}-wal")
    # Before SQLite opens the file: it reads the log up to what is broken, and forgets the rest.
    if wal.is_damaged(written):
        return "the write-ahead log is broken"
    if not file.stat().st_size:
        return "the file is empty"
    # All of a gigabyte takes seconds, or half a minute if the disk has to be waited for; a rescue of it takes minutes.
    systemd.notify(systemd.LONG_START)
    unclean = suspect(file).exists() or (written.exists() and written.stat().st_size > 0)
    try:
        # Read only, so that the log stays as it is, for the rescue.
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=10)) as db:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if unclean or file.stat().st_size <= _SMALL_BYTES:
                return _thorough(db)
    except sqlite3.Error as error:
        if is_damage(error):
            return str(error)
        raise
    return ""


def _thorough(db: sqlite3.Connection) -> str:
    ((found,),) = db.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        return " ".join(found.split())
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'outbox'").fetchone() is None:
        return "there is no outbox in it"
    unreadable = db.execute("SELECT 1 FROM" + UNREADABLE + "LIMIT 1").fetchone()
    return "a message is not JSON" if unreadable else ""
