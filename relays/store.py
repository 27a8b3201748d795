"""The durable store of a relay: a database with a single writer.

All writes go through one thread that commits what has gathered while the previous commit was on its way to the
disk (group commit): a future is resolved once its work is on the disk, and a hundred of them cost one fsync.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from relays.engine import Database, Engine, StorageError, reason
from relays.worker import Worker

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[Database], T]
_Piece = tuple[Work[Any], Future[Any]]

_LARGEST_GROUP = 500
_IDLE_SECONDS = 5.0
# A disk or a server that takes longer than this for a commit does not get on.
_PATIENCE_SECONDS = 60.0


class Store(Worker):
    """Writes into the database of `engine` and reads from it."""

    def __init__(self, engine: Engine) -> None:
        super().__init__("store", _PATIENCE_SECONDS)
        self._engine = engine
        self._queue: list[_Piece] = []
        self._changed = threading.Condition()
        self._stopping = False
        self.failing = False

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

    def read(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Rows as they were last committed. StorageError."""
        return self._engine.read(query, parameters)

    def now(self) -> float:
        """Seconds since the epoch by the clock of the store."""
        return self._engine.now()

    @property
    def damaged(self) -> bool:
        """Whether what is stored has been found to be damaged: the process has to end, and the next start mends it."""
        return self._engine.damaged

    def suspect(self) -> None:
        """Something died of what it read, perhaps: have the next start look at all that is stored."""
        self._engine.suspect()

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
        """Close the database once the thread has ended."""
        self._engine.close()

    def _commit(self, group: list[_Piece], again: bool = True) -> None:
        try:
            db = self._engine.begin()
        except StorageError as error:
            self._tell(error)
            for _, future in group:
                future.set_exception(error)
            return
        try:
            results = [work(db) for work, _ in group]
            self._engine.commit()
        except Exception as error:
            lost = self._engine.roll_back(error)
            if lost and again:
                # It may have been written all the same: work that is done twice has to come to the same.
                self._commit(group, again=False)
            elif len(group) > 1 and not lost:
                # One piece of work must not take the others down with it.
                for piece in group:
                    self._commit([piece])
            else:
                self._refuse(group, error)
            return
        if self.failing:
            self.failing = False
            log.warning("storage works again")
        for (_, future), result in zip(group, results, strict=True):
            future.set_result(result)

    def _refuse(self, group: list[_Piece], error: Exception) -> None:
        if isinstance(error, self._engine.errors):
            error = StorageError(reason(error))
            self._tell(error)
        for _, future in group:
            future.set_exception(error)

    def _tell(self, error: StorageError) -> None:
        if not self.failing:
            self.failing = True
            log.error("storage fails reason=%s; nothing is accepted until it works again", error)
