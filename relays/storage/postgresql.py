"""The spool that relays on several hosts share: tables in the schema `passerelle` of a PostgreSQL database.

The relays write in turn, each transaction under one lock of the whole spool, for two reasons: numbers are then given
in the order in which rows become visible, which is what the order of a channel rests on, and a statement sees all
that was written before it, as in SQLite. A relay commits all that has gathered while others had their turn, so that
the lock costs little.
"""

import logging
import os
import threading
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

import psycopg
from psycopg import adapters, conninfo, errors
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader

from relays.base.settings import StartError
from relays.storage import introspection as shape
from relays.storage.engine import Database, Engine, Rows, StorageError, first_line
from relays.storage.migrations import upgrade
from relays.storage.schema import SchemaError, Tables

log = logging.getLogger(__name__)

SCHEMA = "passerelle"
Connection = psycopg.Connection[tuple[Any, ...]]

# Whose turn it is: any number, the same for every relay, that nobody else in the database is likely to lock.
_TURN = "SELECT pg_advisory_xact_lock(8097880567015990636), extract(epoch FROM clock_timestamp())::float8"

# GitLab waits ten seconds for an answer. A server that restarts is back sooner, and a standby in its place too.
_TIMEOUT_SECONDS = 6.0
_AGAIN_SECONDS = 0.2
# Unless the address says otherwise. A server that went away without a word is given up while GitLab still waits.
_CONNECTION: dict[str, Any] = {
    "application_name": "passerelle",
    "client_encoding": "UTF8",
    "connect_timeout": 3,
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
    # Among several servers, the one that can be written to.
    "target_session_attrs": "read-write",
}
_SESSION = (
    f"SET search_path = {SCHEMA}",
    # What is answered as stored is on the disk, however the server is set up.
    "SET synchronous_commit = on",
    # A relay that stops in the middle of its turn, or its host with it, must not keep the others waiting.
    "SET idle_in_transaction_session_timeout = '5s'",
)

# What statements that are always the same meet when the tables are not those that they were made for.
_OTHER_TABLES = (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidColumnReference)
# What holds a table for longer than this is no relay, and must not keep all of them waiting.
_LOCK = "SET LOCAL lock_timeout = '5s'"


class _Utf8(Dumper):
    """Bytes that are a text in UTF-8, and stay as they are: as a `str` they could take four times the memory."""

    oid = adapters.types["text"].oid

    def dump(self, obj: bytes | bytearray) -> Buffer:
        return obj


class _AsUtf8(Loader):
    """A text as the bytes that it is in UTF-8, for the same reason."""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class PostgreSQL(Engine):
    """The database at `address` (libpq's URI or key=value form) with the tables of `parts`, made or brought up to date.

    StartError if it cannot be had: nothing of the address, which holds a password, is part of it.
    """

    refusals = (psycopg.DataError, psycopg.IntegrityError, errors.ProgramLimitExceeded)
    errors = (psycopg.Error,)
    dialect = shape.POSTGRESQL
    proof = "UPDATE schema_version SET usable_from = usable_from"

    def __init__(self, address: str, *parts: Tables) -> None:
        self._parameters = {**_CONNECTION, **parse(address)}
        self._reading = threading.Lock()
        self._writer: Connection | None = None
        self._reader: Connection | None = None
        # Whether a transaction could be opened the last time; if not, the next one does not wait for the server.
        self._available = False
        self._clock_offset = 0.0
        try:
            self._upgrade(parts)
        except SchemaError as error:
            self._drop_writer()
            raise StartError(f"spool: PostgreSQL cannot be used: {error}") from None
        except (psycopg.Error, StorageError) as error:
            self._drop_writer()
            raise StartError(
                f"spool: PostgreSQL cannot be used ({first_line(error)}): start it, or correct relays.spool",
                os.EX_UNAVAILABLE,
            ) from None

    def begin(self) -> Database:
        until = time.monotonic() + (_TIMEOUT_SECONDS if self._available else 0.0)
        while True:
            try:
                writer = self._writer = self._writer or self._connect()
                writer.execute("BEGIN")
                ((_, now),) = writer.execute(_TURN).fetchall()
            except psycopg.Error as error:
                self._drop_writer()
                self._available = time.monotonic() < until
                if not self._available:
                    raise StorageError(first_line(error)) from None
                time.sleep(_AGAIN_SECONDS)
            else:
                self._available = True
                self._clock_offset = now - time.monotonic()
                return _Transaction(writer)

    def commit(self) -> None:
        if self._writer is not None:
            self._writer.execute("COMMIT")

    def roll_back(self, error: Exception) -> bool:
        self._notice(error)
        # A server that has become a standby stays one for this connection.
        if not isinstance(error, errors.ReadOnlySqlTransaction) and self._writer is not None:
            try:
                self._writer.execute("ROLLBACK")
            except psycopg.Error:
                pass  # it is gone, and its transaction with it
            else:
                return False
        self._drop_writer()
        return True

    def read(self, query: str, parameters: Sequence[Any] = (), *, utf8: bool = False) -> list[Any]:
        with self._reading:
            try:
                return self._read(query, parameters, utf8)
            except psycopg.OperationalError:
                self._drop_reader()  # it may have been lost long ago
            except psycopg.Error as error:
                self._notice(error)
                raise StorageError(first_line(error)) from None
            try:
                return self._read(query, parameters, utf8)
            except psycopg.Error as error:
                self._drop_reader()
                raise StorageError(first_line(error)) from None

    def now(self) -> float:
        return time.monotonic() + self._clock_offset

    def close(self) -> None:
        self._drop_writer()
        with self._reading:
            self._drop_reader()

    def _notice(self, error: Exception) -> None:
        self.changed |= isinstance(error, _OTHER_TABLES)

    def _upgrade(self, parts: Sequence[Tables]) -> None:
        """Bring the tables up to date in one turn, so that two relays that start together do not collide."""
        db = self.begin()
        db.execute(_LOCK)
        ((encoding,),) = db.execute("SHOW server_encoding").fetchall()
        if encoding not in ("UTF8", "SQL_ASCII"):
            # An event with a character that it lacks would be refused, and those that are stored along with it.
            raise SchemaError(
                f"its encoding {encoding} lacks characters: create it anew with ENCODING 'UTF8'"
            )
        # IF NOT EXISTS would need the right to create schemas even where an administrator has made this one.
        if parts and db.execute("SELECT to_regnamespace(?)", (SCHEMA,)).fetchone() == (None,):
            db.execute(f"CREATE SCHEMA {SCHEMA}")
        try:
            done = upgrade(db, parts, self.dialect)
            self.commit()
        except psycopg.Error as error:
            raise SchemaError(
                f"its tables cannot be brought up to date ({first_line(error)}), and are as they were: mend"
                " what it names, or deploy the release before"
            ) from None
        for line in done:
            log.info(line)

    def _read(self, query: str, parameters: Sequence[Any], utf8: bool) -> list[Any]:
        reader = self._reader = self._reader or self._connect()
        cursor = reader.cursor()
        if utf8:
            cursor.adapters.register_loader("text", _AsUtf8)
        return cursor.execute(_translated(query), _storable(parameters)).fetchall()

    def _connect(self) -> Connection:
        connection = psycopg.connect(autocommit=True, **self._parameters)
        for kind in (bytes, bytearray):
            connection.adapters.register_dumper(kind, _Utf8)
        for statement in _SESSION:
            connection.execute(statement)
        return connection

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    def _drop_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None


class _Transaction:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        return self._connection.execute(_translated(statement), _storable(parameters))


def parse(address: str) -> dict[str, Any]:
    """The parameters of libpq in an address of a database. StartError if it is none."""
    try:
        return dict(conninfo.conninfo_to_dict(address))
    except psycopg.Error:  # whose text quotes the address
        raise StartError(
            "spool is not the address of a PostgreSQL database (value not shown): write"
            " postgresql://USER:PASSWORD@HOST/DATABASE"
        ) from None


@cache
def _translated(statement: str) -> bytes:
    return statement.replace("%", "%%").replace("?", "%s").encode()


def _storable(parameters: Sequence[Any]) -> list[Any]:
    # The one character that PostgreSQL's texts cannot hold.
    return [each.replace("\0", "\ufffd") if isinstance(each, str) else each for each in parameters]
