"""The way out of a shared spool that a relay has kept what waits in before, into the one that it has now.

Rows go in lots, first into the new spool and then out of the old one, so a kill between the two leaves a lot in both:
what has a key is there once all the same, and a delivery that waits twice is announced once. What another relay is
delivering stays, and what is behind it in its channel: that relay takes it along when it leaves the spool as well.
"""

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing

import psycopg

from relays.base.settings import StartError
from relays.storage.engine import Engine, StorageError, first_line
from relays.storage.introspection import shape_of
from relays.storage.postgresql import PostgreSQL
from relays.storage.schema import Tables, moved

log = logging.getLogger(__name__)

_LOT = 500
_LEFT = "former spool: it cannot be moved (%s); what is left there stays until the next start"
_FREE = " WHERE channel NOT IN (SELECT channel FROM outbox WHERE claim_id IS NOT NULL)"


def move_former(addresses: Sequence[str], engine: Engine, parts: Sequence[Tables], instance: str) -> None:
    """Take what waits, is parked or known out of these databases into `engine`.

    `instance` names the claims of this relay, which are free as it has just started. One that cannot be used is
    reported and left as it is: the relay has to go on without it.
    """
    for address in addresses:
        try:
            with closing(PostgreSQL(address)) as found:
                is_there = "outbox" in shape_of(found.read, found.dialect).columns
            if is_there:
                with closing(PostgreSQL(address, *parts)) as old:
                    count = _move(old, engine, parts, instance)
                    log.info("moved from=spool rows=%d: they are where this relay keeps them now", count)
        except StartError as error:
            log.error("former spool: %s; what waits there stays there until the next start", error)
        except StorageError as error:
            log.error(_LEFT, error)
        except (psycopg.Error, sqlite3.Error) as error:
            log.error(_LEFT, first_line(error))


def _move(old: Engine, new: Engine, parts: Sequence[Tables], instance: str) -> int:
    db = old.begin()
    now = old.now()
    db.execute(
        "UPDATE outbox SET claim_id = NULL, lease_until = NULL"
        " WHERE lease_until < ? OR substr(claim_id, 1, ?) = ?",
        (now, len(instance) + 1, f"{instance}/"),
    )
    old.commit()
    columns = shape_of(old.read, old.dialect).columns
    return sum(_move_table(old, new, table, columns[table]) for table in moved(parts) if table in columns)


def _move_table(old: Engine, new: Engine, table: str, columns: Iterable[str]) -> int:
    # The numbers of the rows are given anew.
    names = [name for name in columns if name != "id"]
    listed, marks = ", ".join(names), ", ".join("?" * len(names))
    select = f"SELECT id, {listed} FROM {table}{_FREE if table == 'outbox' else ''} ORDER BY id LIMIT {_LOT}"  # noqa: S608
    insert = f"INSERT INTO {table} ({listed}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
    count = 0
    while True:
        db = old.begin()  # nobody claims or writes there until it is committed
        rows = db.execute(select).fetchall()
        if rows:
            target = new.begin()
            for row in rows:
                count += target.execute(insert, row[1:]).rowcount
            new.commit()
            marks = ", ".join("?" * len(rows))
            db.execute(f"DELETE FROM {table} WHERE id IN ({marks})", [row[0] for row in rows])  # noqa: S608
        old.commit()
        if len(rows) < _LOT:
            return count
