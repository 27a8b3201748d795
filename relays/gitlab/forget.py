"""python -m relays.gitlab.forget: the tables of a shared spool, taken out of their database again.

Prints a line for each, and with --dry does no more than that. What is not Passerelle's stays: other tables, a schema
that holds some, and one that belongs to another role. Nothing is dropped if something of somebody else's, a view for
instance, rests on one of the tables.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg

from relays.engine import reason
from relays.gitlab.tables import GITLAB, LEFT_BEHIND
from relays.postgresql import SCHEMA, parse
from relays.settings import StartError, read_optional_secret
from relays.tables import OUTBOX
from relays.upgrade import wanted

_TABLES = (*wanted((OUTBOX, GITLAB)).columns, *LEFT_BEHIND)
_SECONDS = 10
_OWN_SCHEMA = "SELECT 1 FROM pg_namespace WHERE nspname = %s AND pg_get_userbyid(nspowner) = current_user"
_ANYTHING_LEFT = "SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace(%s) LIMIT 1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Forget; 1 if the database cannot be used or does not let the tables go, 78 if the address is none."""
    parser = argparse.ArgumentParser(prog="forget", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--credentials", type=Path, required=True, metavar="DIR", help="where the file spool is"
    )
    parser.add_argument("--dry", action="store_true")
    given = parser.parse_args(arguments)
    try:
        spool = read_optional_secret(given.credentials, "spool")
        if spool is None:
            return 0
        parameters = {"connect_timeout": _SECONDS, "target_session_attrs": "read-write", **parse(spool)}
        with psycopg.connect(**parameters) as connection:
            _forget(connection, dry=given.dry)
    except StartError as error:
        print(f"forget: {error}", file=sys.stderr)
        return error.code
    except psycopg.Error as error:
        print(f"forget: {reason(error)}", file=sys.stderr)
        return 1
    return 0


def _forget(connection: psycopg.Connection, *, dry: bool) -> None:
    # A relay that is still at work lets go of a table within a moment, or this fails.
    connection.execute(f"SET lock_timeout = '{_SECONDS}s'".encode())
    there = [
        table
        for table in _TABLES
        if connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.{table}",)).fetchone() != (None,)
    ]
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
