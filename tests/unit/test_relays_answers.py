"""After whatever answers, twice in a row: a line goes on, an edit is made in the end, and neither without a delay."""

import random
from collections.abc import Iterator

import pytest

from relays.delivery import channel_worker
from relays.mattermost.client import Meaning, PostResult
from relays.storage.store import Store
from tests.unit.dispatcher_world import Site
from tests.waiting import wait_until

ANSWERS = [PostResult(meaning, f"{meaning}") for meaning in Meaning if meaning is not Meaning.POSTED]
TWICE = pytest.mark.parametrize(
    ("first", "second"),
    [(first, second) for first in ANSWERS for second in ANSWERS],
    ids=lambda answer: answer.meaning.value,
)


@pytest.fixture
def site(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Not started yet. Delays are short, and not left to chance."""
    monkeypatch.setattr(channel_worker, "_SOON", (0.01, 1.0))
    monkeypatch.setattr(channel_worker, "_SLOWLY", (0.02, 2.0))
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    made = Site(store)
    yield made
    made.dispatcher.stop()


@TWICE
def test_whatever_two_edits_come_to_the_next_one_comes_later(
    site: Site, first: PostResult, second: PostResult
) -> None:
    site.want_edit()
    site.store.submit(lambda db: db.execute("UPDATE outbox SET state = 'done', finished_at = 1")).result()
    site.answers = [first, second]
    site.dispatcher.start()
    wait_until("edited", lambda: ("dev", "edit of x!1") in site.taken)
    assert len(site.delays) == 2
    assert site.delays[0] > 0
    if first.meaning is second.meaning:
        assert site.delays[1] == 2 * site.delays[0]
    assert all(worker.is_alive() for worker in site.dispatcher.workers)


@TWICE
def test_whatever_two_attempts_come_to_the_line_goes_on(
    site: Site, first: PostResult, second: PostResult
) -> None:
    site.answers = [first, second]
    site.dispatcher.start()
    for number in range(3):
        site.put(f"{number}")
    refused = sum(answer.meaning is Meaning.REFUSED for answer in (first, second))
    wait_until("delivered", lambda: len(site.taken) == 3 - refused)
    assert site.outbox.stats().parked == refused
    assert all(worker.is_alive() for worker in site.dispatcher.workers)
