"""The durable store of a relay: one SQLite file with a single writer.

All writes go through one thread that commits what has gathered while the previous commit was on its way to the
disk (group commit): a future is resolved once its work is on the disk, and a hundred of them cost one fsync.
"""

import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from relays.settings import StartError
from relays.worker import Worker

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_LARGEST_GROUP = 500
_IDLE_SECONDS = 5.0
# A disk that takes longer than this for a commit does not get on.
_PATIENCE_SECONDS = 60.0


class StorageError(Exception):
    """The store could not take a write; nothing of it is stored."""


class Store(Worker):
    """The file `relay.db` in a state directory, for one process at a time.

    StartError if another process has it or it cannot be opened.
    """

    def __init__(self, state: Path, *schemas: str) -> None:
        super().__init__("store", _PATIENCE_SECONDS)
        self._path = state / "relay.db"
        self._queue: list[tuple[Work[Any], Future[Any]]] = []
        self._changed = threading.Condition()
        self._stopping = False
        self._reading = threading.Lock()
        self.failing = False
        self._lock = _lock(state / "lock")
        try:
            self._writer = self._connect()
            for schema in schemas:
                self._writer.executescript(schema)
            self._reader = self._connect()
        except sqlite3.Error as error:
            raise StartError(
                f"{self._path} cannot be opened ({error}): check it or move it away", os.EX_IOERR
            ) from None

    def submit(self, work: Work[T]) -> Future[T]:
        """Have `work` done inside a transaction; the future resolves after the commit.

        It fails with StorageError if the store cannot take it, and with whatever else `work` raises. `work` may be
        called a second time after a rollback. Callbacks of the future run in the writer's thread.
        """
        future: Future[T] = Future()
        with self._changed:
            if self._stopping:
                future.set_exception(StorageError("the store is closed"))
            else:
                self._queue.append((work, future))
                self._changed.notify()
        return future

    def read(self, query: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Rows as they were last committed."""
        with self._reading:
            try:
                return self._reader.execute(query, parameters).fetchall()
            except sqlite3.Error as error:
                raise StorageError(str(error)) from None

    def work(self) -> None:
        """Commit group after group until `stop`, and then what is left."""
        while True:
            with self._changed:
                if not self._queue and not self._stopping:
                    self._changed.wait(_IDLE_SECONDS)
                group, self._queue = self._queue[:_LARGEST_GROUP], self._queue[_LARGEST_GROUP:]
            self.beat()
            if group:
                self._commit(group)
            elif self._stopping:
                return

    def stop(self) -> None:
        """Refuse new work, commit what is queued, end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def close(self) -> None:
        """Close the file once the thread has ended."""
        self._reader.close()
        self._writer.close()
        os.close(self._lock)

    def _commit(self, group: list[tuple[Work[Any], Future[Any]]]) -> None:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            results = [work(self._writer) for work, _ in group]
            self._writer.execute("COMMIT")
        except Exception as error:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            if len(group) > 1:
                # One piece of work must not take the others down with it.
                for piece in group:
                    self._commit([piece])
                return
            group[0][1].set_exception(self._refuse(error) if isinstance(error, sqlite3.Error) else error)
            return
        if self.failing:
            self.failing = False
            log.warning("storage works again")
        for (_, future), result in zip(group, results, strict=True):
            future.set_result(result)

    def _refuse(self, error: sqlite3.Error) -> StorageError:
        if not self.failing:
            self.failing = True
            log.error("storage fails reason=%s; nothing is accepted until it works again", error)
        return StorageError(str(error))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=10)
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit is on the disk, not only with the operating system, when it returns.
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def _lock(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartError(
            f"--state = {path.parent} is in use: stop the other relay, or name another one"
        ) from None
    except OSError as error:
        raise StartError(
            f"--state = {path.parent} cannot be written ({error.strerror}): correct its owner"
        ) from None
    return descriptor
