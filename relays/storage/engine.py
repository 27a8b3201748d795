"""What a store needs of its database, SQLite or PostgreSQL: one writer's transactions, and reads beside them.

Statements are those that both understand, with `?` for a parameter.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Rows(Protocol):
    """What a statement brings."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement wrote."""

    def fetchone(self) -> Any:
        """The next row, None after the last."""

    def fetchall(self) -> list[Any]:
        """The rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """The rows, one after the other."""


class Database(Protocol):
    """A transaction that is open."""

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Execute one statement."""


class Readable(Protocol):
    """What rows can be read from: an engine or the store of one."""

    def read(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Rows as they were last committed. StorageError."""


@dataclass(frozen=True)
class Dialect:
    """What differs between the databases where their tables are concerned (relays.storage.schema).

    `columns` asks for table, column and whether a value has to be given for it; `keys` for table, key and column of
    what is unique; `busy`, if several relays may use the database, for how many others do. `ddl` translates one
    statement of a migration.
    """

    columns: str
    keys: str
    busy: str = ""
    ddl: Callable[[str], str] = str


class StorageError(Exception):
    """The store could not take a write, of which nothing is stored, or be read."""


class RefusedError(StorageError):
    """The store works, and does not take this, however often it is tried."""


class Engine(ABC):
    """A database with a writer, used by one thread, and reads from any thread."""

    errors: tuple[type[Exception], ...]
    """What a statement raises when it fails in the database."""

    refusals: tuple[type[Exception], ...]
    """Those of `errors` that are about what is written: it would fail each time."""

    dialect: Dialect
    """How the database is asked for its tables."""

    proof: str
    """A statement that changes nothing and is written all the same: it fails where nothing can be stored."""

    quick = False
    """Whether a commit takes no longer than the disk."""

    damaged = False
    """Whether what is stored has been found to be damaged, so that only a fresh start can go on."""

    changed = False
    """Whether a statement has found that the tables are not those it was made for, so that only a start can go on."""

    @abstractmethod
    def begin(self) -> Database:
        """Open a transaction that nobody writes beside. StorageError if the database cannot be had."""

    def alone(self) -> Database | None:
        """Where each statement is a transaction of its own, durable when it is done; None if there is no such thing."""
        return None

    @abstractmethod
    def commit(self) -> None:
        """What the transaction wrote is on the disk when this returns. One of `errors` if it is not known to be."""

    @abstractmethod
    def roll_back(self, error: Exception) -> bool:
        """Undo the transaction that ended in `error`; whether the database was lost, so that it can be tried again."""

    @abstractmethod
    def read(self, query: str, parameters: Sequence[Any] = (), *, utf8: bool = False) -> list[Any]:
        """Rows as they were last committed; texts as `str` or, if `utf8`, as bytes in UTF-8. StorageError."""

    @abstractmethod
    def now(self) -> float:
        """Seconds since the epoch by the clock that all who share the database go by."""

    def suspect(self) -> None:  # noqa: B027  # most have nothing to do
        """Have the next start look at all that is stored, if this engine can be damaged and mend itself."""

    @abstractmethod
    def close(self) -> None:
        """Close all connections."""


def first_line(error: Exception) -> str:
    """The first line of what a database says; further ones quote statements."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
