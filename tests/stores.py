"""A store that runs, on the spool that a test is for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relays.storage.postgresql import PostgreSQL
from relays.storage.schema import Tables
from relays.storage.sqlite import SQLite
from relays.storage.store import Store


@contextmanager
def running_store(folder: Path, spool: str | None, *parts: Tables) -> Iterator[Store]:
    """An empty store with these tables: in the database `spool`, or without one in a file of the folder."""
    store = Store(PostgreSQL(spool, *parts) if spool else SQLite(folder / "relay.db", *parts))
    store.start()
    yield store
    store.stop()
    store.join(10)
    store.close()
