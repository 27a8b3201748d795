"""The outbox: its states, its order, its leases, its clock."""

import pytest

from relays.delivery.lease import LEASE_SECONDS, Lease, LeaseOutcome, Settlement
from relays.delivery.outbox import Notification, Outbox
from relays.mattermost.markup import Markup
from relays.mattermost.message import Message
from relays.storage.store import Store
from tests.postgresql import on_both_spools

pytestmark = on_both_spools


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def outbox(store: Store, clock: Clock) -> Outbox:
    """An empty outbox."""
    return Outbox(store, "host", clock=clock)


@pytest.fixture
def elsewhere(store: Store, clock: Clock) -> Outbox:
    """The same outbox as another host has it."""
    return Outbox(store, "other host", clock=clock)


def put(outbox: Outbox, *keys: str, channel: str = "a") -> list[bool]:
    """Put messages with these keys."""
    new = [Notification(key, channel, message(key)) for key in keys]
    return [outbox.put(lambda db, each=each: [each]).result() == 1 for each in new]  # type: ignore[misc]


def message(text: str) -> Message:
    """A message that says something."""
    return Message("bot", ":robot:", summary=Markup(text), text=Markup(text))


def claim(outbox: Outbox, channel: str = "a") -> Lease:
    """Claim what must be there to be claimed."""
    (delivery,) = outbox.claim(channel).result()
    return delivery


def settle(
    outbox: Outbox, delivery: Lease, outcome: LeaseOutcome, reason: str = "", delay: float = 0.0
) -> list[Lease]:
    """Settle a claim; what is claimed next."""
    return outbox.settle([Settlement(delivery, outcome, reason, delay)]).result()


def keys(delivery: Lease) -> list[str]:
    """The keys that a claim covers, in its order."""
    return [entry.key for entry in delivery.entries]


def test_a_key_is_taken_once_even_after_delivery(outbox: Outbox) -> None:
    assert put(outbox, "1", "2", "1") == [True, True, False]
    settle(outbox, claim(outbox), LeaseOutcome.DELIVERED)
    assert put(outbox, "1") == [False]


def test_only_new_rows_wake_the_dispatcher(outbox: Outbox) -> None:
    woken: list[str] = []
    outbox.subscribe(woken.append)
    put(outbox, "1", "1", "2")
    put(outbox, "3", channel="b")
    assert woken == ["a", "a", "b"]


def test_the_line_moves_in_order_and_holds_behind_its_head(
    outbox: Outbox, elsewhere: Outbox, clock: Clock
) -> None:
    put(outbox, "1", "2", "3")
    first = claim(outbox)
    assert (keys(first), first.entries[0].message["text"], first.attempts) == (["1"], "1", 1)
    # While the first is claimed, and while it waits for another attempt, the second does not pass.
    assert elsewhere.claim("a").result() == []
    assert settle(outbox, first, LeaseOutcome.RETRY, "busy", delay=10) == []
    assert outbox.delay_of("a") == 10
    clock.now += 10
    again = claim(outbox)
    assert (keys(again), again.attempts) == (["1"], 2)
    (second,) = settle(outbox, again, LeaseOutcome.DELIVERED)
    assert keys(second) == ["2"]
    (third,) = settle(outbox, second, LeaseOutcome.REFUSED, "too large")
    assert keys(third) == ["3"]
    assert settle(outbox, third, LeaseOutcome.DELIVERED) == []
    assert outbox.delay_of("a") is None
    stats = outbox.stats()
    assert (stats.backlog, stats.parked, stats.oldest, stats.last_delivery) == (0, 1, None, clock.now)


def test_channels_do_not_wait_for_each_other(outbox: Outbox, clock: Clock) -> None:
    put(outbox, "1", "2")
    clock.now += 1
    put(outbox, "3", channel="b")
    settle(outbox, claim(outbox), LeaseOutcome.RETRY, delay=60)
    assert keys(claim(outbox, "b")) == ["3"]
    assert outbox.stats().oldest == clock.now - 1


def test_a_claim_that_is_over_settles_nothing(outbox: Outbox, elsewhere: Outbox, clock: Clock) -> None:
    put(outbox, "1", "2")
    late = claim(elsewhere)
    clock.now += LEASE_SECONDS
    current = claim(outbox)
    assert (keys(current), current.attempts) == (["1"], 2)
    assert settle(elsewhere, late, LeaseOutcome.REFUSED, "late") == []
    assert outbox.stats().parked == 0
    (following,) = settle(outbox, current, LeaseOutcome.DELIVERED)
    assert keys(following) == ["2"]


def test_a_claim_whose_answer_was_lost_is_made_again_by_who_made_it(
    outbox: Outbox, elsewhere: Outbox
) -> None:
    put(outbox, "1", "2")
    claim(outbox)
    assert elsewhere.claim("a").result() == []
    again = claim(outbox)
    assert (keys(again), again.attempts) == (["1"], 2)
    (following,) = settle(outbox, again, LeaseOutcome.DELIVERED)
    assert keys(following) == ["2"]


def test_a_restart_frees_what_its_predecessor_held_and_nobody_else(outbox: Outbox, elsewhere: Outbox) -> None:
    put(outbox, "1")
    put(outbox, "2", channel="b")
    put(outbox, "3", channel="c")
    claim(outbox)
    elsewhere.claim("b").result()
    settle(outbox, claim(outbox, "c"), LeaseOutcome.RETRY, delay=600)
    assert outbox.recover() == ["a", "b", "c"]
    assert keys(claim(outbox)) == ["1"]
    assert outbox.claim("b").result() == []
    assert keys(claim(outbox, "c")) == ["3"]


def test_a_clock_that_is_set_back_delays_nothing(outbox: Outbox, clock: Clock) -> None:
    put(outbox, "1")
    settle(outbox, claim(outbox), LeaseOutcome.RETRY, delay=30)
    clock.now -= 1_000_000
    assert outbox.delay_of("a") == 0
    claim(outbox)
    clock.now -= 1_000
    assert outbox.delay_of("a") == 0
    assert claim(outbox).attempts == 3


def test_what_was_delivered_is_forgotten_in_the_end_and_its_text_at_once(
    outbox: Outbox, store: Store, clock: Clock
) -> None:
    put(outbox, "delivered", "parked", "waiting")
    (parked,) = settle(outbox, claim(outbox), LeaseOutcome.DELIVERED)
    settle(outbox, parked, LeaseOutcome.REFUSED, "no")
    rows = store.read("SELECT delivery_key, message, summary FROM outbox")
    assert [(key, summary, summary in text) for key, text, summary in rows] == [
        ("delivered", "", True),
        ("parked", "parked", True),
        ("waiting", "waiting", True),
    ]
    assert rows[0][1] == "{}"
    clock.now += 10 * 24 * 3600
    assert outbox.prune().result() == 0
    clock.now += 10 * 24 * 3600
    assert outbox.prune().result() == 1
    assert put(outbox, "delivered", "parked") == [True, False]
