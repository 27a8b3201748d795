"""Deliveries on their way to the disk: all of them hear what became of them, in the order in which they came."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relays.sources.gitlab.batcher import Batcher
from relays.sources.gitlab.inbox import MOST_AT_ONCE, Delivery, Inbox
from relays.sources.gitlab.tables import GITLAB
from relays.storage.engine import Database
from relays.storage.store import Store
from tests.postgresql import on_both_spools
from tests.stores import running_store

pytestmark = on_both_spools


@pytest.fixture
def store(tmp_path: Path, spool: str | None) -> Iterator[Store]:
    """An empty store that works."""
    with running_store(tmp_path, spool, GITLAB) as store:
        yield store


async def gather(
    store: Store, count: int, and_then: Callable[[int], object] = lambda number: None
) -> list[bool]:
    """Add so many deliveries, one turn of the loop after the other; what each heard."""
    batcher = Batcher(Inbox(store))
    announced: dict[int, bool] = {}
    done = asyncio.Event()

    def hear(number: int, stored: bool) -> None:
        assert number not in announced
        announced[number] = stored
        if len(announced) == count:
            done.set()

    for number in range(count):
        batcher.add(Delivery(f"{number}", b"{}"), lambda stored, number=number: hear(number, stored))  # type: ignore[misc]
        and_then(number)
        if number % 7 == 0:
            await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await done.wait()
    return [announced[number] for number in range(count)]


def keys(store: Store) -> list[str]:
    """What is stored, in the order in which it is announced."""
    return [each.key for each in Inbox(store).heads(10 * MOST_AT_ONCE)]


def test_each_hears_that_it_is_stored_in_its_place(store: Store) -> None:
    count = 3 * MOST_AT_ONCE + 5
    assert asyncio.run(gather(store, count)) == [True] * count
    assert keys(store) == [f"{number}" for number in range(count)]


def test_others_that_write_meanwhile_change_nothing(store: Store) -> None:
    def write(db: Database) -> None:
        db.execute("INSERT INTO told_delivery (delivery_key, told_at) VALUES ('x', 1) ON CONFLICT DO NOTHING")

    assert asyncio.run(gather(store, 500, lambda number: store.submit(write))) == [True] * 500
    assert keys(store) == [f"{number}" for number in range(500)]


def test_while_the_store_is_busy_they_wait_together(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(db: Database) -> None:
        begun.set()
        assert go_on.wait(20)

    store.submit(hold)
    assert begun.wait(20)
    count = 2 * MOST_AT_ONCE

    def let_go(number: int) -> None:
        if number == count - 1:
            go_on.set()

    assert asyncio.run(gather(store, count, let_go)) == [True] * count
    assert keys(store) == [f"{number}" for number in range(count)]


def test_all_hear_if_they_cannot_be_stored(store: Store) -> None:
    count = 2 * MOST_AT_ONCE
    store.submit(lambda db: db.execute("DROP TABLE received").rowcount).result()
    assert asyncio.run(gather(store, count)) == [False] * count


def test_all_hear_if_the_store_is_closed(store: Store) -> None:
    store.stop()
    store.join(10)
    assert asyncio.run(gather(store, 20)) == [False] * 20
