"""python -m relays.sources.gitlab.drop_tables: the tables of a shared spool, taken out of their database again.

Prints a line for each, and with --dry does no more than that. What is not Passerelle's stays: other tables, a schema
that holds some, and one that belongs to another role. Nothing is dropped if something of somebody else's, a view for
instance, rests on one of the tables.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg

from relays.base.settings import StartError, read_spool
from relays.delivery.tables import OUTBOX
from relays.sources.gitlab.tables import GITLAB, LEFT_BEHIND
from relays.storage.engine import first_line
from relays.storage.migrations import wanted
from relays.storage.postgresql import SCHEMA, parse

_TABLES = (*wanted((OUTBOX, GITLAB)).columns, *LEFT_BEHIND)
_WAITING = {"outbox": " WHERE state <> 'done'", "received": "", "dead_letter": ""}
_SECONDS = 10
_OWN_SCHEMA = "SELECT 1 FROM pg_namespace WHERE nspname = %s AND pg_get_userbyid(nspowner) = current_user"
_ANYTHING_LEFT = "SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace(%s) LIMIT 1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Forget; 1 if a database cannot be used or lets no table go, 75 if something waits, 78 for no address."""
    parser = argparse.ArgumentParser(prog="forget", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--credentials", type=Path, required=True, metavar="DIR", help="where the file spool is"
    )
    parser.add_argument("--dry", action="store_true")
    parser.add_argument(
        "--former",
        action="store_true",
        help="only of databases that were used before, if nothing waits there",
    )
    given = parser.parse_args(arguments)
    try:
        spool = read_spool(given.credentials)
        in_use = [spool.address] if spool.address and not given.former else []
        for address in (*in_use, *spool.former):
            parameters = {"connect_timeout": _SECONDS, "target_session_attrs": "read-write", **parse(address)}
            with psycopg.connect(**parameters) as connection:
                there = _tables(connection)
                waiting = _waiting(connection, there) if given.former and not given.dry else 0
                if waiting:
                    print(f"forget: {waiting} still wait in the former database", file=sys.stderr)
                    return os.EX_TEMPFAIL
                _forget(connection, there, dry=given.dry)
    except StartError as error:
        print(f"forget: {error}", file=sys.stderr)
        return error.code
    except psycopg.Error as error:
        print(f"forget: {first_line(error)}", file=sys.stderr)
        return 1
    return 0


def _tables(connection: psycopg.Connection) -> list[str]:
    # A relay that is still at work lets go of a table within a moment, or this fails.
    connection.execute(f"SET lock_timeout = '{_SECONDS}s'".encode())
    return [
        table
        for table in _TABLES
        if connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.{table}",)).fetchone() != (None,)
    ]


def _waiting(connection: psycopg.Connection, there: Sequence[str]) -> int:
    """How many notifications and events wait, for Mattermost, to be processed, or for an operator."""
    number = 0
    for table, condition in _WAITING.items():
        if table in there:
            count = f"SELECT count(*) FROM {SCHEMA}.{table}{condition}"  # noqa: S608
            found = connection.execute(count.encode()).fetchone()
            number += found[0] if found else 0
    return number


def _forget(connection: psycopg.Connection, there: Sequence[str], *, dry: bool) -> None:
    for table in there:
        print(f"{SCHEMA}.{table}")
    if dry:
        return
    for table in there:
        connection.execute(f"DROP TABLE IF EXISTS {SCHEMA}.{table}".encode())
    ours = connection.execute(_OWN_SCHEMA, (SCHEMA,)).fetchone()
    if ours and not connection.execute(_ANYTHING_LEFT, (SCHEMA,)).fetchone():
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA}".encode())


if __name__ == "__main__":
    sys.exit(main())
