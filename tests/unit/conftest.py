"""A store to write into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from relays.delivery.tables import OUTBOX
from relays.storage.postgresql import PostgreSQL
from relays.storage.sqlite import SQLite
from relays.storage.store import Store
from tests.mistakes_table import MistakesTable
from tests.unit.conversations_world import converse as converse


def pytest_configure(config: pytest.Config) -> None:
    """Have the run end with the table of mistakes."""
    config.pluginmanager.register(MistakesTable())


@pytest.fixture
def store(tmp_path: Path, spool: str | None) -> Iterator[Store]:
    """An empty store, running."""
    store = Store(PostgreSQL(spool, OUTBOX) if spool else SQLite(tmp_path / "relay.db", OUTBOX))
    store.start()
    yield store
    store.stop()
    store.join()
    store.close()
