"""What becomes of many dead letters that are decided on at once: as of one, and nothing of the others."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from relays.delivery import parked
from relays.delivery.tables import OUTBOX
from relays.sources.gitlab import dead_letters
from relays.sources.gitlab.tables import GITLAB
from relays.storage.engine import Database
from relays.storage.store import Store
from tests.postgresql import on_both_spools
from tests.stores import running_store

NUMBERS = (0, 1, 499, 500, 501, 1_234)
MANY = 1_300
_SERIES = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?) SELECT"


def fill(db: Database) -> None:
    """So many messages that are put aside, as many that wait, and as many events that cannot be announced."""
    for state in ("parked", "ready"):
        db.execute(
            "INSERT INTO outbox (channel, delivery_key, message, summary, state, run_at, attempts, created_at)"
            f" {_SERIES} 'dev', '{state} ' || x, 'text', 'text', '{state}', 0, 3, 0 FROM n",
            (MANY,),
        )
    db.execute(
        "INSERT INTO dead_letter (delivery_key, body, characters, reason, died_at)"
        f" {_SERIES} 'event ' || x, 'body', 4, '', 0 FROM n",
        (MANY,),
    )
    db.execute(
        f"INSERT INTO told_delivery (delivery_key, told_at) {_SERIES} 'event ' || x, 0 FROM n", (MANY,)
    )
    db.execute(f"INSERT INTO suspect (delivery_key, attempts) {_SERIES} 'event ' || x, 3 FROM n", (MANY,))


def count(store: Store, condition: str) -> int:
    ((number,),) = store.read(f"SELECT count(*) FROM {condition}")  # noqa: S608
    return int(number)


Decide = Callable[[Database, Sequence[int], Sequence[int]], None]


def retry(db: Database, messages: Sequence[int], events: Sequence[int]) -> None:
    parked.retry(db, messages, 1.0)
    dead_letters.retry(db, events)


def drop(db: Database, messages: Sequence[int], events: Sequence[int]) -> None:
    parked.drop(db, messages, 1.0)
    dead_letters.drop(db, events)


@on_both_spools
@pytest.mark.parametrize("decide", [retry, drop])
def test_many_are_decided_on_as_one_is(tmp_path: Path, spool: str | None, decide: Decide) -> None:
    with running_store(tmp_path, spool, OUTBOX, GITLAB) as store:
        store.submit(fill).result()
        decided = 0
        for number in NUMBERS:
            wanted = [each.id for each in parked.listed(store)][: number - decided]
            letters = [each.id for each in dead_letters.listed(store)][: number - decided]
            store.submit(lambda db, m=wanted, e=letters: decide(db, m, e)).result()  # type: ignore[misc]
            decided = number
            again = decide is retry
            assert count(store, "outbox WHERE state = 'parked'") == MANY - number
            assert count(store, "outbox WHERE state = 'ready'") == MANY + number * again
            assert count(store, "outbox WHERE state = 'done' AND message = '{}'") == number * (not again)
            assert count(store, "dead_letter") == MANY - number
            assert count(store, "received") == number * again
            assert count(store, "told_delivery") == MANY - number * again
            assert count(store, "suspect") == MANY - number * again
        keys = [key for (key,) in store.read("SELECT delivery_key FROM received ORDER BY id")]
        assert keys == [f"event {number + 1}" for number in range(decided * again)], "in their order"
        first = parked.listed(store)[0].id
        store.submit(lambda db: decide(db, [first, 999_999], [999_999])).result()
        assert count(store, "outbox WHERE state = 'parked'") == MANY - decided - 1
