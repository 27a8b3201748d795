"""The spool of a relay on one host: one SQLite file."""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from relays.base.settings import StartError
from relays.storage import quarantine
from relays.storage.engine import Database, Engine, StorageError, first_line
from relays.storage.introspection import SQLITE
from relays.storage.migrations import upgrade
from relays.storage.schema import SchemaError, Tables

log = logging.getLogger(__name__)


class SQLite(Engine):
    """The file at `path` with the tables of `parts`, made or brought up to date. StartError if it cannot be used."""

    errors = (sqlite3.Error,)
    refusals = (sqlite3.DataError, sqlite3.IntegrityError)
    dialect = SQLITE
    # An update of a row to what it is would not be written.
    proof = "PRAGMA user_version = 0"
    quick = True

    def __init__(self, path: Path, *parts: Tables) -> None:
        self._path = path
        self._reading = threading.Lock()
        try:
            self._writer = self._connect()
            self._upgrade(parts)
            self._reader = self._connect()
        except SchemaError as error:
            raise StartError(f"{path} cannot be used: {error}") from None
        except sqlite3.Error as error:
            raise StartError(
                f"{path} cannot be opened ({error}): check it or move it away", os.EX_IOERR
            ) from None

    def begin(self) -> Database:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise self._failed(error) from None
        return self._writer

    def alone(self) -> Database:
        return self._writer

    def commit(self) -> None:
        self._writer.execute("COMMIT")

    def roll_back(self, error: Exception) -> bool:
        self._failed(error)
        if self._writer.in_transaction:
            # Of a file that is damaged, even that may fail; its process ends (relays.service).
            with suppress(sqlite3.DatabaseError):
                self._writer.execute("ROLLBACK")
        return False

    def read(self, query: str, parameters: Sequence[Any] = (), *, utf8: bool = False) -> list[Any]:
        with self._reading:
            self._reader.text_factory = bytes if utf8 else str
            try:
                return self._reader.execute(query, parameters).fetchall()
            except sqlite3.Error as error:
                raise self._failed(error) from None

    def now(self) -> float:
        return time.time()

    def suspect(self) -> None:
        with suppress(OSError):
            quarantine.suspect(self._path).touch()

    def close(self) -> None:
        self._reader.close()
        self._writer.close()

    def _upgrade(self, parts: Sequence[Tables]) -> None:
        try:
            self._writer.execute("BEGIN")
            done = upgrade(self._writer, parts, SQLITE)
            self._writer.execute("COMMIT")
        except SchemaError:
            self._writer.close()
            raise
        except sqlite3.Error as error:
            self._failed(error)
            # Closed, so that the log goes too, which may have filled the disk.
            self._writer.close()
            raise StartError(
                f"{self._path}: its tables cannot be brought up to date ({error}), and are as they were: make room,"
                " mend what it names, or deploy the release before",
                os.EX_IOERR,
            ) from None
        for line in done:
            log.info(line)

    def _failed(self, error: Exception) -> StorageError:
        if quarantine.is_damage(error):
            self.damaged = True
            self.suspect()
        # Of statements that are always the same, what SQLite calls a logic error is a table or column that is missing.
        self.changed |= getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
        return StorageError(first_line(error))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=10)
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit is on the disk, not only with the operating system, when it returns.
        connection.execute("PRAGMA synchronous = FULL")
        # What is deleted or overwritten is gone from the file, and no rescue finds it (storage.salvage).
        connection.execute("PRAGMA secure_delete = ON")
        return connection
