"""The spool of a relay on one host: one SQLite file."""

import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from relays import quarantine
from relays.engine import Database, Engine, StorageError, reason
from relays.settings import StartError


class SQLite(Engine):
    """The file at `path`, made with `schemas` if it is not there. StartError if it cannot be opened."""

    errors = (sqlite3.Error,)
    quick = True

    def __init__(self, path: Path, *schemas: str) -> None:
        self._path = path
        self._reading = threading.Lock()
        try:
            self._writer = self._connect()
            for schema in schemas:
                self._writer.executescript(schema)
            self._reader = self._connect()
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

    def read(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with self._reading:
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

    def _failed(self, error: Exception) -> StorageError:
        if quarantine.is_damage(error):
            self.damaged = True
            self.suspect()
        return StorageError(reason(error))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=10)
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit is on the disk, not only with the operating system, when it returns.
        connection.execute("PRAGMA synchronous = FULL")
        # What is deleted is gone: nothing of a delivered message is kept, and no rescue finds it (relays.salvage).
        connection.execute("PRAGMA secure_delete = ON")
        return connection
