"""The store of a relay at its start: made, brought over from where it was before, or refused in a line.

What speaks to PostgreSQL is loaded where an address leads to it: its driver takes a relay some ten megabytes.
"""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from relays.base.settings import Spool, StartError
from relays.storage.engine import Engine, StorageError, first_line
from relays.storage.migrate_to_shared import move_outbox
from relays.storage.quarantine import Announce, is_there, prepare
from relays.storage.schema import SchemaError, Tables
from relays.storage.sqlite import SQLite


def open_store(
    file: Path, spool: Spool, parts: Sequence[Tables], announce: Announce, instance: str
) -> Engine:
    """The database `spool`, or without one the file, with the tables of all parts, for this `instance` of a relay.

    `announce` hears of it if the file was damaged (storage.quarantine). StartError if it cannot be used.
    """
    engine = _open_present(file, spool.address, parts, announce)
    if spool.former:
        from relays.storage.leave_shared import move_former

        move_former(spool.former, engine, parts, instance)
    return engine


def _open_present(file: Path, spool: str | None, parts: Sequence[Tables], announce: Announce) -> Engine:
    if spool is None or is_there(file):
        try:
            prepare(file, parts, announce)
        except SchemaError as error:
            raise StartError(f"{file} cannot be used: {error}") from None
        except (OSError, sqlite3.Error) as error:
            raise StartError(
                f"{file} cannot be opened ({first_line(error)}): see to its disk; nothing is lost",
                os.EX_IOERR,
            ) from None
        own = SQLite(file, *parts)
        if spool is None:
            return own
        own.close()
    from relays.storage.postgresql import PostgreSQL

    engine = PostgreSQL(spool, *parts)
    try:
        move_outbox(file, engine, parts)
    except (StorageError, sqlite3.Error, *engine.errors) as error:
        raise StartError(
            f"{file} cannot be moved into the spool ({first_line(error)}): correct what it names, or move it away",
            os.EX_IOERR,
        ) from None
    return engine
