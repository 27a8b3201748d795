"""What becomes of deliveries that are stored, whatever they are."""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from relays.delivery.metrics import Metrics
from relays.delivery.outbox import Outbox
from relays.delivery.tables import OUTBOX
from relays.mattermost.message import Message
from relays.sources.gitlab.attempt_journal import AttemptJournal
from relays.sources.gitlab.dead_letters import DeadLetters
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.event_processor import EventProcessor, Tally
from relays.sources.gitlab.history import History
from relays.sources.gitlab.inbox import Delivery, Inbox
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.outcome import Settling
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.tables import GITLAB
from relays.storage.store import Store
from tests.postgresql import on_both_spools
from tests.relays.events import body, issue
from tests.stores import running_store
from tests.waiting import wait_until

pytestmark = on_both_spools


@pytest.fixture
def store(tmp_path: Path, spool: str | None) -> Iterator[Store]:
    with running_store(tmp_path, spool, OUTBOX, GITLAB) as store:
        yield store


class Fragile(Router):
    """Cannot word the second issue."""

    def dispatch(self, event: Event) -> tuple[str, dict[str, Message]]:
        if event.payload.number("object_attributes", "iid") == 2:
            raise KeyError("secret")
        return super().dispatch(event)


def put(deliveries: Inbox, *new: Delivery) -> None:
    """Store them."""
    deliveries.put(lambda: new).result()


def announced(store: Store, deliveries: Inbox, folder: Path) -> Counter[str]:
    """Process what is there; the outcomes."""
    counters: Counter[str] = Counter()
    line = Outbox(store, "test")
    router = Fragile([Route(("dev",))], Mute())
    settling = Settling(deliveries, DeadLetters(store), History.of(store), router.mute)
    tally = Tally(Metrics(line.stats, lambda: False), counters)
    processor = EventProcessor(settling, line, router, AttemptJournal(folder / "attempt"), tally)
    processor.start()
    wait_until("all processed", lambda: deliveries.pending() == 0, 10)
    processor.stop()
    processor.join(10)
    assert not processor.is_alive()
    return counters


def test_an_event_that_cannot_be_announced_holds_nobody_up(
    store: Store, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    deliveries = Inbox(store)
    bodies = {f"e-{number}": issue(number) for number in (1, 2, 3)}
    put(deliveries, *(Delivery(key, text) for key, text in {**bodies, "odd": b"no JSON"}.items()))
    assert announced(store, deliveries, tmp_path) == {"accepted": 2, "failed": 1, "unreadable": 1}
    assert [key for (key,) in store.read("SELECT delivery_key FROM outbox ORDER BY id")] == [
        "e-1",
        "dead:e-2",
        "e-3",
    ]
    assert "failed key=e-2 kind=issue reason=KeyError at dispatch:" in caplog.text
    assert "secret" not in caplog.text


def test_pipelines_that_come_together_are_compared_with_each_other(store: Store, tmp_path: Path) -> None:
    deliveries = Inbox(store)
    failed = body("pipeline_failed.json")
    put(deliveries, *(Delivery(f"e-{number}", failed.replace(b"50", b"5%d" % number)) for number in range(3)))
    assert announced(store, deliveries, tmp_path) == {"accepted": 3}
    summaries = [text for (text,) in store.read("SELECT summary FROM outbox ORDER BY id")]
    assert ["toujours" in text for text in summaries] == [False, True, True]


def test_what_is_announced_is_known_for_as_long_as_gitlab_can_send_it_again(
    store: Store, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.INFO)
    deliveries = Inbox(store)
    bodies = {"old": issue(1), "young": issue(3)}
    put(deliveries, *(Delivery(key, bodies[key]) for key in ("old", "young", "old")))
    put(deliveries, Delivery("young", bodies["young"]))
    assert announced(store, deliveries, tmp_path) == {"accepted": 2, "duplicate": 2}
    assert caplog.text.count("duplicate key=") == 2
    store.submit(
        lambda db: db.execute("UPDATE told_delivery SET told_at = 0 WHERE delivery_key = 'old'").rowcount
    ).result()
    put(deliveries, Delivery("next", b"{}"))
    assert announced(store, deliveries, tmp_path) == {"unsupported": 1}
    put(deliveries, Delivery("young", b"{}"), Delivery("old", b"{}"))
    assert announced(store, deliveries, tmp_path) == {"duplicate": 1, "unsupported": 1}


def test_a_pipeline_that_comes_twice_is_not_compared_with_itself(store: Store, tmp_path: Path) -> None:
    deliveries = Inbox(store)
    failed = body("pipeline_failed.json")
    for _ in range(2):
        put(deliveries, Delivery("e-1", failed))
    assert announced(store, deliveries, tmp_path) == {"accepted": 1, "duplicate": 1}
    put(deliveries, Delivery("e-2", failed.replace(b"50", b"51")))
    assert announced(store, deliveries, tmp_path) == {"accepted": 1}
    summaries = [text for (text,) in store.read("SELECT summary FROM outbox ORDER BY id")]
    assert ["toujours" in text for text in summaries] == [False, True]
