"""The store: groups of work, what fails of them, and a database that cannot be used."""

from pathlib import Path

import pytest

from relays.base.settings import StartError
from relays.delivery.tables import OUTBOX
from relays.storage.engine import Database, StorageError
from relays.storage.sqlite import SQLite
from relays.storage.store import Store
from tests.postgresql import on_both_spools


@on_both_spools
def test_work_that_fails_takes_no_other_with_it(store: Store) -> None:
    def break_it(db: Database) -> None:
        db.execute("INSERT INTO outbox (id) VALUES (1)")

    def refuse(db: Database) -> None:
        raise ValueError("no")

    futures = [
        store.submit(work) for work in (break_it, refuse, lambda db: db.execute("SELECT 1").fetchone())
    ]
    with pytest.raises(StorageError):
        futures[0].result()
    with pytest.raises(ValueError, match="no"):
        futures[1].result()
    assert futures[2].result() == (1,)
    assert not store.failing


def test_a_closed_store_takes_nothing(tmp_path: Path) -> None:
    store = Store(SQLite(tmp_path / "relay.db"))
    store.start()
    accepted = store.submit(lambda db: 1)
    store.stop()
    assert accepted.result() == 1
    with pytest.raises(StorageError):
        store.submit(lambda db: 1).result()
    store.join()
    store.close()


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "relay.db").write_bytes(b"no database at all " * 100)
    with pytest.raises(StartError, match=r"relay\.db cannot be opened"):
        SQLite(tmp_path / "relay.db", OUTBOX)
