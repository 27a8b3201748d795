"""Leases of several conversations that are delivered at the same time: which there are, and how they go on."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from relays.delivery.digest import HELD_SECONDS
from relays.delivery.lease import LEASE_SECONDS, Lease, LeaseOutcome
from relays.delivery.leases import AT_ONCE, MOST_THREADS
from relays.delivery.tables import OUTBOX
from relays.storage.postgresql import PostgreSQL
from relays.storage.sqlite import SQLite
from tests.postgresql import on_both_spools
from tests.unit.test_relays_leases import Line, rows

pytestmark = on_both_spools


class Channel(Line):
    """A channel of conversations, as a bot posts them."""

    def say(self, names: Sequence[str]) -> None:
        """Add a row for each, of the conversation of that name."""
        before = len(self.rows("TRUE"))
        self.put(len(names), f"new {before}")
        for number, name in enumerate(names, start=before + 1):
            self.db.execute(
                "UPDATE outbox SET channel = 'a', conversation = ? WHERE id = ?", (name.strip("-"), number)
            )


@pytest.fixture
def channel(tmp_path: Path, spool: str | None) -> Iterator[Channel]:
    engine = PostgreSQL(spool, OUTBOX) if spool else SQLite(tmp_path / "relay.db", OUTBOX)
    yield Channel(engine, by_conversation=True)
    engine.close()


def taken(leases: Sequence[Lease]) -> list[list[int]]:
    return [rows(lease) for lease in leases]


def test_the_head_and_the_next_conversations_are_claimed_each_with_what_follows_it(channel: Channel) -> None:
    """What has no conversation counts as one."""
    channel.say(["x", "y", "-", "x", "z", "-", "y"] * 3)
    channel.now += HELD_SECONDS
    leases = channel.take()
    assert taken(leases) == [
        [1, 4, 8, 11, 15, 18],
        [2, 7, 9, 14, 16, 21],
        [3, 6, 10, 13, 17, 20],
        [5, 12, 19],
    ]
    assert len({lease.claim_id for lease in leases}) == 4
    assert channel.is_held()


def test_there_are_never_more_than_so_many(channel: Channel) -> None:
    channel.say([f"c{number % 30}" for number in range(60)])
    channel.now += HELD_SECONDS
    leases = channel.take()
    assert taken(leases) == [[number, number + 30] for number in range(1, AT_ONCE + 1)]
    for lease in leases:
        channel.record(lease, LeaseOutcome.DELIVERED)
    assert rows(channel.take(was_behind=True)[0]) == [AT_ONCE + 1, AT_ONCE + 31]


@pytest.mark.parametrize(("waiting", "seconds"), [(19, HELD_SECONDS), (99, HELD_SECONDS - 1)])
def test_a_channel_that_is_not_behind_goes_one_by_one(channel: Channel, waiting: int, seconds: float) -> None:
    channel.say([f"c{number % 3}" for number in range(waiting)])
    channel.now += seconds
    assert taken(channel.take()) == [[1]]


OF_X, OF_Y = list(range(1, 91, 3)), list(range(2, 91, 3))


@pytest.mark.parametrize(
    ("first", "second", "at_once", "later"),
    [
        # While the head waits for another attempt, everybody does.
        (LeaseOutcome.RETRY, LeaseOutcome.DELIVERED, [], [OF_X]),
        # Afterwards it is tried by itself.
        (LeaseOutcome.RETRY, LeaseOutcome.RETRY, [], [OF_X]),
        (LeaseOutcome.RETRY, LeaseOutcome.UNTRIED, [], [OF_X]),
        # Another one is the head then, and waits as that.
        (LeaseOutcome.DELIVERED, LeaseOutcome.RETRY, [], [OF_Y]),
        # What is refused together is sent one by one.
        (LeaseOutcome.DELIVERED, LeaseOutcome.REFUSED, [[2]], [[5]]),
        (LeaseOutcome.REFUSED, LeaseOutcome.DELIVERED, [[1]], [[4]]),
        # Without an attempt all is as before.
        (LeaseOutcome.DELIVERED, LeaseOutcome.UNTRIED, [OF_Y], []),
        (LeaseOutcome.UNTRIED, LeaseOutcome.UNTRIED, [OF_X, OF_Y], []),
    ],
)
def test_each_conversation_goes_on_where_it_was(
    channel: Channel,
    first: LeaseOutcome,
    second: LeaseOutcome,
    at_once: list[list[int]],
    later: list[list[int]],
) -> None:
    channel.say(["x", "y", "z"] * 30)
    channel.now += HELD_SECONDS
    of_x, of_y, of_z = channel.take()
    channel.record(of_x, first, 5)
    channel.record(of_y, second, 5)
    channel.record(of_z, LeaseOutcome.DELIVERED)
    for expected in (at_once, later):
        leases = channel.take(was_behind=True)
        assert taken(leases) == expected
        for lease in leases:
            channel.record(lease, LeaseOutcome.DELIVERED)
        channel.now += 5


def test_a_conversation_that_failed_beside_the_head_is_tried_again_once_it_is_the_head(
    channel: Channel,
) -> None:
    channel.say(["x", "y", "z"] * 20)
    channel.now += HELD_SECONDS
    of_x, of_y, of_z = channel.take()
    channel.record(of_x, LeaseOutcome.RETRY, 5)
    channel.record(of_y, LeaseOutcome.RETRY, 60)
    channel.record(of_z, LeaseOutcome.RETRY, 60)
    # Mattermost asked for a minute for each, and the head has tried it out sooner.
    channel.now += 5
    for name in (1, 2, 3):
        (alone,) = channel.take(was_behind=True)
        assert rows(alone) == list(range(name, 61, 3))
        channel.record(alone, LeaseOutcome.DELIVERED)


def test_what_another_host_holds_is_left_to_it(channel: Channel) -> None:
    channel.say(["x", "y", "z"] * 20)
    channel.now += HELD_SECONDS
    channel.db.execute(
        "UPDATE outbox SET claim_id = 'other/1', lease_until = ? WHERE conversation = 'y'",
        (channel.now + LEASE_SECONDS,),
    )
    assert [rows(lease)[0] for lease in channel.take()] == [1, 3]


def test_a_restart_frees_all_of_them(channel: Channel) -> None:
    channel.say(["x", "y", "z"] * 20)
    channel.now += HELD_SECONDS
    before = channel.take()
    channel.restart()
    # All were tried, perhaps: what follows looks for them one after the other.
    for lease in before:
        (again,) = channel.take(was_behind=True)
        assert rows(again) == rows(lease)
        channel.record(again, LeaseOutcome.DELIVERED)


def test_no_statement_reads_the_whole_backlog(channel: Channel, spool: str | None) -> None:
    channel.say([f"c{number % 20}" for number in range(200)])
    channel.now += HELD_SECONDS
    channel.db.executed.clear()
    for outcome in (LeaseOutcome.DELIVERED, LeaseOutcome.RETRY, LeaseOutcome.REFUSED):
        for lease in channel.take(was_behind=True):
            channel.renew(lease)
            channel.record(lease, outcome)
    assert len(channel.db.executed) > 50
    assert channel.scans(spool) == []


def known(channel: Channel, names: Sequence[str], post: str | None = "post") -> None:
    """These conversations are there, with their roots or without."""
    for name in names:
        channel.db.execute(
            "INSERT INTO conversation (channel, name, wanted, wanted_key, summary, touched_at, post_id)"
            " VALUES ('a', ?, '{}', 'k', 'how it stands', 0, ?)",
            (name, post),
        )


@pytest.mark.parametrize(("conversations", "leases"), [(MOST_THREADS, AT_ONCE), (MOST_THREADS + 1, 1)])
def test_many_conversations_are_claimed_for_one_digest_of_the_channel(
    channel: Channel, conversations: int, leases: int
) -> None:
    names = [f"c{number % conversations}" for number in range(2 * conversations)]
    channel.say(names)
    known(channel, names[:1])
    channel.now += HELD_SECONDS
    found = channel.take()
    assert len(found) == leases
    if leases == 1:
        assert taken(found) == [list(range(1, 51))]
        assert found[0].conversation is None
        assert [thread.summary for thread in (found[0].threads or {}).values()] == ["how it stands"]
        assert channel.is_held()


def test_what_only_changes_roots_that_are_there_is_no_flood(channel: Channel) -> None:
    """It makes no post."""
    names = [f"c{number}" for number in range(80)]
    channel.say(names)
    known(channel, names)
    channel.db.execute("UPDATE outbox SET silent = TRUE WHERE id > 40")
    channel.now += HELD_SECONDS
    assert len(channel.take()) == AT_ONCE


def test_what_only_changes_a_root_takes_no_room_in_a_flood(channel: Channel) -> None:
    """Where there is no root, it is one of the lines."""
    names = [f"c{number}" for number in range(100)]
    channel.say([*names, *names])
    known(channel, names[:60], None)
    known(channel, names[60:])
    channel.db.execute("UPDATE outbox SET silent = TRUE WHERE id <= 100")
    channel.now += HELD_SECONDS
    (lease,) = channel.take()
    assert rows(lease) == list(range(1, 51))
    channel.record(lease, LeaseOutcome.DELIVERED)
    # Ten without a root, forty silent ones, and forty that say something.
    (lease,) = channel.take(was_flood=True)
    assert rows(lease) == list(range(51, 141))
    channel.record(lease, LeaseOutcome.DELIVERED)
    channel.say(names[:60])
    channel.db.execute("UPDATE outbox SET silent = TRUE WHERE id > 200")
    # Sixty that say something are two posts, and how the others stand was said once.
    (lease,) = channel.take(was_flood=True)
    assert rows(lease) == list(range(141, 191))
    channel.record(lease, LeaseOutcome.DELIVERED)
    assert taken(channel.take(was_flood=True)) == [list(range(191, 261))]


def test_a_flood_stays_one_until_the_channel_is_not_behind_any_more(channel: Channel) -> None:
    channel.say([f"c{number}" for number in range(30)])
    channel.now += HELD_SECONDS
    (lease,) = channel.take(was_flood=True)
    assert (rows(lease), lease.threads) == (list(range(1, 31)), {})
    channel.record(lease, LeaseOutcome.DELIVERED)
    channel.say(["x", "y", "x"])
    assert taken(channel.take(was_flood=True)) == [[31]]


def test_what_is_refused_in_a_flood_is_sent_one_by_one(channel: Channel) -> None:
    channel.say([f"c{number}" for number in range(120)])
    channel.now += HELD_SECONDS
    (lease,) = channel.take()
    channel.record(lease, LeaseOutcome.REFUSED)
    for number in range(1, 51):
        (alone, *_) = channel.take(was_behind=True)
        assert (rows(alone), alone.threads) == ([number], None)
        channel.record(alone, LeaseOutcome.DELIVERED)
    assert taken(channel.take(was_behind=True)) == [list(range(51, 101))]


def test_a_flood_goes_as_far_as_what_is_free(channel: Channel) -> None:
    channel.say([f"c{number}" for number in range(120)])
    channel.now += HELD_SECONDS
    channel.db.execute(
        "UPDATE outbox SET claim_id = 'other/1', lease_until = ? WHERE id = 21",
        (channel.now + LEASE_SECONDS,),
    )
    assert taken(channel.take()) == [list(range(1, 21))]


def test_no_statement_of_a_flood_reads_the_whole_backlog(channel: Channel, spool: str | None) -> None:
    channel.say([f"c{number}" for number in range(200)])
    known(channel, [f"c{number}" for number in range(0, 200, 2)])
    channel.now += HELD_SECONDS
    channel.db.executed.clear()
    for outcome in (LeaseOutcome.RETRY, LeaseOutcome.DELIVERED, LeaseOutcome.DELIVERED):
        for lease in channel.take(was_behind=True):
            channel.record(lease, outcome)
    assert len(channel.db.executed) > 12
    assert channel.scans(spool) == []
