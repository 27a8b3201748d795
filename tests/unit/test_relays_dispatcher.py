"""The lines of the dispatcher while there is nothing to do: what they write and hold, and when they are let go."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

import pytest

from relays.delivery import channel_worker, dispatcher
from relays.delivery.lease import LEASE_SECONDS, Lease, LeaseOutcome, Settlement
from relays.delivery.outbox import Notification, Outbox
from relays.delivery.roots import Edit, Roots
from relays.delivery.transport import is_direct
from relays.mattermost.client import Meaning, PostResult
from relays.storage.engine import Database
from relays.storage.store import Store
from tests.postgresql import on_both_spools
from tests.unit.dispatcher_world import Site, message
from tests.waiting import wait_until

pytestmark = on_both_spools

T = TypeVar("T")


@pytest.fixture(params=[True, False], ids=["bot", "webhook"])
def site(store: Store, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Not started yet."""
    made = Site(store, request.param)
    yield made
    made.dispatcher.stop()


@pytest.fixture
def looks(site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lines look into the store all the time; wait until there were so many more looks."""
    monkeypatch.setattr(channel_worker, "_IDLE_SECONDS", 0.01)
    count, look = [0], site.outbox.delay_of

    def counted(channel: str) -> float | None:
        count[0] += 1
        return look(channel)

    monkeypatch.setattr(site.outbox, "delay_of", counted)

    def wait(more: int) -> None:
        enough = count[0] + more
        wait_until("looks", lambda: count[0] >= enough)

    return wait


def test_a_line_with_nothing_to_do_writes_nothing(
    site: Site, looks: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[object] = []
    submit = site.store.submit

    def noted(work: Callable[[Database], T]) -> Future[T]:
        written.append(work)
        return submit(work)

    monkeypatch.setattr(site.store, "submit", noted)
    site.dispatcher.start()
    site.put("1")
    wait_until("delivered", lambda: site.taken == [("dev", "1")])
    looks(3)
    before = len(written)
    looks(30)
    assert len(written) == before


def emptied(site: Site) -> None:
    """What it had was delivered."""
    site.put("1")
    wait_until("delivered", lambda: site.taken == [("dev", "1")])


def refused(site: Site) -> None:
    """What it had is a dead letter."""
    site.answers = [PostResult(Meaning.REFUSED, "too large")]
    site.put("1")
    wait_until("parked", lambda: site.outbox.stats().parked == 1)


def to_a_person(site: Site) -> None:
    site.put("1", "@alice")
    wait_until("delivered", lambda: site.taken == [("@alice", "1")])


def emptied_elsewhere(site: Site) -> None:
    """Another host of a shared spool took it, or an operator gave it up."""
    site.store.submit(
        lambda db: db.execute("UPDATE outbox SET state = 'done', finished_at = created_at")
    ).result()
    site.dispatcher.wake("dev")


@pytest.mark.parametrize("how", [emptied, refused, to_a_person, emptied_elsewhere])
def test_a_line_with_nothing_to_do_is_let_go_with_its_connections(
    site: Site, how: Callable[[Site], None], looks: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.dispatcher.start()
    how(site)
    looks(5)
    assert len(site.lines()) == 1  # not at once
    (worker,) = site.dispatcher.workers
    monkeypatch.setattr(dispatcher, "_KEPT_SECONDS", 0.05)
    wait_until("let go", lambda: not site.lines())
    worker.join(10)
    assert not worker.is_alive()
    assert (worker.failed, worker.healthy) == (False, True)
    assert [way.closed for way in site.ways] == [1]
    site.put("2")
    wait_until("delivered by another line", lambda: ("dev", "2") in site.taken)


def delayed(site: Site) -> None:
    """Mattermost did not take it; whether its channel is in the settings still, nobody here knows."""
    site.answers = [PostResult(Meaning.MISCONFIGURED, "HTTP 404", retry_after=3000.0)]
    site.put("1")
    wait_until("held", lambda: site.dispatcher.held() == {"dev": "HTTP 404"})


def leased_elsewhere(site: Site) -> None:
    other = Outbox(site.store, "another")
    site.put("1")
    assert other.claim("dev").result()


@pytest.mark.parametrize("how", [delayed, leased_elsewhere])
def test_a_line_that_waits_for_something_stays(
    site: Site, how: Callable[[Site], None], looks: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_KEPT_SECONDS", 0.0)
    if how is leased_elsewhere:
        how(site)
    site.dispatcher.start()
    if how is not leased_elsewhere:
        how(site)
    looks(20)
    assert site.lines() == ["dev"]
    assert site.taken == []


def delivers_elsewhere(site: Site) -> None:
    """Another host takes the one row, and the next one in the same transaction."""
    other = Outbox(site.store, "another")

    def take(db: Database) -> list[Lease]:
        db.execute("UPDATE outbox SET run_at = 0")
        return other._claims.take(db, "dev")

    taken = site.store.submit(take).result()
    site.put("2")
    ended = [Settlement(lease, LeaseOutcome.DELIVERED) for lease in taken]
    assert [lease.entries[0].key for lease in other.settle(ended).result()] == ["2"]


def edits_elsewhere(site: Site) -> None:
    """Another host edits the one root while another one of the channel is under way there."""
    other = Roots(site.store, "another")
    site.answers = []
    site.outbox.put(lambda db: [Notification("2", "dev", None, "x!2", message("later"))]).result()
    wait_until("delivered", lambda: ("dev", "2") in site.taken)
    site.store.submit(
        lambda db: db.execute(
            "UPDATE conversation SET post_id = 'q', shown = 'other', due_at = touched_at, claim_id = 'another/1',"
            " lease_until = ? WHERE name = 'x!2'",
            (site.store.now() + 29,),
        )
    ).result()

    def take(db: Database) -> Edit:
        ((row_id,),) = db.execute("SELECT id FROM conversation WHERE name = 'x!1'").fetchall()
        return other._claim(db, row_id, site.store.now())

    other.edited(site.store.submit(take).result())


LATER = 3000.0
HELD_UP: dict[str, tuple[Meaning, Callable[[Site], None], Callable[[Site], None]]] = {
    "held": (Meaning.MISCONFIGURED, lambda site: site.put("1"), delivers_elsewhere),
    "retrying": (Meaning.UNAVAILABLE, lambda site: site.put("1"), delivers_elsewhere),
    "held, an edit": (Meaning.MISCONFIGURED, Site.want_edit, edits_elsewhere),
}


@pytest.mark.parametrize("what", HELD_UP)
def test_what_another_host_has_delivered_is_not_held_up_any_more(
    site: Site, looks: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """However much comes after it, as long as that goes out at the other host."""
    meaning, put, elsewhere = HELD_UP[what]
    if what == "held, an edit" and not site.edits:
        pytest.skip("a webhook edits nothing")
    # The row that brings the root is taken.
    first = [PostResult(Meaning.POSTED)] if put is Site.want_edit else []
    site.answers, site.edited_again = [*first, PostResult(meaning, "why", retry_after=LATER)], LATER
    site.dispatcher.start()
    put(site)

    def shown() -> dict[str, str]:
        return site.dispatcher.retrying() if meaning is Meaning.UNAVAILABLE else site.dispatcher.held()

    wait_until("held up", lambda: shown() == {"dev": "why"})
    looks(3)
    assert shown() == {"dev": "why"}
    elsewhere(site)
    # Before the lease of the other one runs out, after which this one would deliver what is next.
    wait_until("held up no more", lambda: shown() == {}, LEASE_SECONDS / 2)
    assert not {("dev", "1"), ("dev", "edit of x!1")}.intersection(site.taken)


def test_what_this_process_holds_and_does_not_know_of_is_not_waited_for(
    site: Site, looks: Callable[[int], None]
) -> None:
    """The answer to a claim was lost with the connection to the store: nobody else holds the row."""
    site.dispatcher.start()
    site.put("1", "other")
    wait_until("delivered", lambda: site.taken == [("other", "1")])
    site.store.submit(
        lambda db: db.execute(
            "INSERT INTO outbox (channel, delivery_key, message, summary, state, run_at, created_at, claim_id,"
            " lease_until) VALUES ('other', '2', '{}', '', 'ready', 0, 0, 'host/lost', ?)",
            (site.store.now() + 29,),
        )
    ).result()
    wait_until("delivered", lambda: ("other", "2") in site.taken, 15)


def test_nothing_is_lost_or_doubled_while_lines_come_and_go(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_KEPT_SECONDS", 0.0)
    site.dispatcher.start()
    channels = [f"@person{number}" for number in range(4)]

    def write(channel: str) -> None:
        for number in range(40):
            site.put(f"{number}", channel)
            time.sleep(random.uniform(0, 0.02))  # as long as a line takes to be let go, more or less

    writers = [threading.Thread(target=write, args=(channel,)) for channel in channels]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    wait_until("all delivered", lambda: len(site.taken) >= 160)
    for channel in channels:
        assert [key for where, key in site.taken if where == channel] == [f"{n}" for n in range(40)]
    wait_until("let go", lambda: not site.lines())
    assert len(site.ways) > 4
    wait_until("closed", lambda: all(way.closed == 1 for way in site.ways))


@pytest.mark.parametrize("is_there_before", [True, False], ids=["left by the process before", "new"])
def test_however_many_are_written_to_there_are_few_lines_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch, is_there_before: bool
) -> None:
    monkeypatch.setattr(dispatcher, "_MOST_DIRECT", 3)
    persons = {f"@person{number}" for number in range(20)}
    most, connect = [0], site.dispatcher._connect

    def counted(channel: str) -> Any:
        # Called under the guard; the new line is not among them yet.
        most[0] = max(most[0], sum(map(is_direct, site.dispatcher._lines)) + 1)
        return connect(channel)

    monkeypatch.setattr(site.dispatcher, "_connect", counted)
    if not is_there_before:
        site.dispatcher.start()
    for person in sorted(persons):
        site.put("1", person)
    if is_there_before:
        site.dispatcher.start()

    def all_delivered() -> bool:
        site.dispatcher.look()  # as the service does every few seconds
        return len(site.taken) >= len(persons)

    wait_until("delivered", all_delivered)
    assert sorted(site.taken) == sorted((person, "1") for person in persons)
    assert most == [3]


def test_persons_who_cannot_be_written_to_are_in_no_channel_s_way(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_MOST_DIRECT", 2)
    site.answers = [PostResult(Meaning.UNAVAILABLE, "HTTP 503", retry_after=3000.0)] * 2
    site.dispatcher.start()
    for number in range(4):
        site.put("1", f"@person{number}")
    wait_until("tried", lambda: not site.answers)
    site.put("2", "dev")
    wait_until("delivered", lambda: site.taken == [("dev", "2")])
    assert sorted(site.lines()) == ["@person0", "@person1", "dev"]
