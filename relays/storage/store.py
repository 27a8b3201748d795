"""The durable store of a relay: a database with a single writer.

All writes go through one thread that commits what has gathered while the previous commit was on its way to the
disk (group commit): a future is resolved once its work is on the disk, and a hundred of them cost one fsync.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

from relays.base.worker import Worker
from relays.storage.engine import Database, Engine, RefusedError, StorageError, first_line

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[Database], T]

_LARGEST_GROUP = 500
_IDLE_SECONDS = 5.0
# A disk or a server that takes longer than this for a commit does not get on.
_TIMEOUT_SECONDS = 60.0


class _Piece(NamedTuple):
    work: Work[Any]
    future: Future[Any]
    one_statement: bool


class Store(Worker):
    """Writes into the database of `engine` and reads from it."""

    def __init__(self, engine: Engine) -> None:
        super().__init__("store", _TIMEOUT_SECONDS)
        self._engine = engine
        self._queue: list[_Piece] = []
        self._changed = threading.Condition()
        # Taken before what is to be written is, so that everything is written in the order in which it came.
        self._writing = threading.Lock()
        self._stopping = False
        self.failing = False
        """Whether nothing can be stored, as far as has been seen; over only once something was written again."""
        self.reason = ""
        """Why, as the database says it."""

    def submit(self, work: Work[T], one_statement: bool = False, here: bool = False) -> Future[T]:
        """Have `work` done inside a transaction; the future resolves after the commit.

        It fails with StorageError if the store cannot take it, with RefusedError if it takes everything but this, and
        with whatever else `work` raises. `work` may be called a second time after a rollback. Callbacks of the future
        run in the writer's thread.

        For those who wait for nothing else: `here` has it done before this returns, by the calling thread, if the
        database is quick and free. That spares two changes of threads, which take longer than a commit on a fast disk.
        `one_statement`, at most, spares the two others that make a transaction, if nothing else is committed with it.
        """
        piece = _Piece(work, Future[T](), one_statement)
        if not (here and self._engine.quick and self._commit_now(piece)):
            with self._changed:
                if self._stopping:
                    piece.future.set_exception(StorageError("the store is closed"))
                else:
                    self._queue.append(piece)
                    self._changed.notify()
        return piece.future

    def read(self, query: str, parameters: Sequence[Any] = (), *, utf8: bool = False) -> list[Any]:
        """Rows as they were last committed; texts as `str` or, if `utf8`, as bytes in UTF-8. StorageError."""
        return self._engine.read(query, parameters, utf8=utf8)

    def now(self) -> float:
        """Seconds since the epoch by the clock of the store."""
        return self._engine.now()

    @property
    def damaged(self) -> bool:
        """Whether what is stored has been found to be damaged: the process has to end, and the next start mends it."""
        return self._engine.damaged

    @property
    def changed(self) -> bool:
        """Whether the tables are not those of the start any more: the process has to end, and the next start looks."""
        return self._engine.changed

    def suspect(self) -> None:
        """Something died of what it read, perhaps: have the next start look at all that is stored."""
        self._engine.suspect()

    def work(self) -> None:
        """Commit group after group until `stop`, and then what is left."""
        while True:
            with self._changed:
                if not self._queue and not self._stopping:
                    self._changed.wait(_IDLE_SECONDS)
            self.beat()
            with self._writing:
                with self._changed:
                    group, self._queue = self._queue[:_LARGEST_GROUP], self._queue[_LARGEST_GROUP:]
                    over = self._stopping and not group
                if group:
                    self._commit(group)
            if over:
                return

    def stop(self) -> None:
        """Refuse new work, commit what is queued, end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def close(self) -> None:
        """Close the database once the thread has ended."""
        self._engine.close()

    def _commit_now(self, piece: _Piece) -> bool:
        """Commit in this thread; False if something else is being committed, or waits for it."""
        if not self._writing.acquire(blocking=False):
            return False
        try:
            with self._changed:
                free = not self._queue and not self._stopping
            if free:
                self._commit([piece])
            return free
        finally:
            self._writing.release()

    def _commit(self, group: list[_Piece], again: bool = True) -> None:
        alone = self._engine.alone() if len(group) == 1 and group[0].one_statement else None
        try:
            db = alone or self._engine.begin()
        except StorageError as error:
            self._report(error)
            for piece in group:
                piece.future.set_exception(error)
            return
        try:
            if self.failing:
                # What writes nothing works on a full disk as well.
                db.execute(self._engine.proof)
            results = [piece.work(db) for piece in group]
            if alone is None:
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
        for piece, result in zip(group, results, strict=True):
            piece.future.set_result(result)

    def _refuse(self, group: list[_Piece], error: Exception) -> None:
        if isinstance(error, self._engine.refusals):
            # Its text may quote what was to be written.
            error = RefusedError(type(error).__name__)
        elif isinstance(error, self._engine.errors):
            error = StorageError(first_line(error))
            self._report(error)
        for piece in group:
            piece.future.set_exception(error)

    def _report(self, error: StorageError) -> None:
        self.reason = str(error)
        if not self.failing:
            self.failing = True
            log.error("storage fails reason=%s; nothing is accepted until it works again", error)
