"""A store to write into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from relays.delivery.tables import OUTBOX
from relays.storage.store import Store
from tests.mistakes_table import MistakesTable
from tests.stores import running_store
from tests.unit.conversations_world import converse as converse


def pytest_configure(config: pytest.Config) -> None:
    """Have the run end with the table of mistakes."""
    config.pluginmanager.register(MistakesTable())


@pytest.fixture
def store(tmp_path: Path, spool: str | None) -> Iterator[Store]:
    """An empty store, running."""
    with running_store(tmp_path, spool, OUTBOX) as store:
        yield store
