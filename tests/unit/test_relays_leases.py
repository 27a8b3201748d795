"""Leases of several rows: when they are made, how they end, and what they cost in a long backlog."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from relays.delivery.digest import HELD_SECONDS
from relays.delivery.lease import LEASE_SECONDS, Lease, LeaseOutcome, Settlement
from relays.delivery.leases import Leases
from relays.delivery.tables import OUTBOX
from relays.storage.engine import Database, Engine, Rows
from relays.storage.postgresql import PostgreSQL
from relays.storage.sqlite import SQLite
from tests.postgresql import on_both_spools

pytestmark = on_both_spools


class Recorder:
    """A transaction that remembers what was executed in it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.executed: list[tuple[str, Sequence[Any]]] = []

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Execute it."""
        self.executed.append((statement, parameters))
        return self._db.execute(statement, parameters)


class Line:
    """The line of a channel in an outbox with digests from 20, and a clock that the test sets."""

    def __init__(self, engine: Engine, *, by_conversation: bool = False) -> None:
        self.now = 1_000_000.0
        self.db = Recorder(engine.begin())
        self._claims = Leases("host", 20, lambda: self.now, by_conversation=by_conversation)

    def put(self, count: int, channel: str = "a") -> None:
        """Add rows, numbered from 1."""
        message = '{"username": "bot"}'
        for n in range(count):
            self.db.execute(
                "INSERT INTO outbox (channel, delivery_key, message, summary, state, run_at, created_at)"
                " VALUES (?, ?, ?, 'x', 'ready', ?, ?)",
                (channel, f"{channel}{n}", message, self.now, self.now),
            )

    def take(self, was_behind: bool = False, was_flood: bool = False) -> list[Lease]:
        """Claim."""
        before = Lease("a", "", (), 1, behind=True, claimed_at=0.0, threads={} if was_flood else None)
        return self._claims.take(self.db, "a", before if was_behind or was_flood else None)

    def is_held(self) -> bool:
        """Whether another host gets nothing meanwhile."""
        return Leases("other host", 20, lambda: self.now).take(self.db, "a") == []

    def claim(self, was_behind: bool = False) -> Lease:
        """Claim what must be there."""
        (delivery,) = self.take(was_behind)
        return delivery

    def record(self, delivery: Lease, outcome: LeaseOutcome, delay: float = 0.0) -> None:
        """Settle."""
        self._claims.record(self.db, Settlement(delivery, outcome, "reason", delay))

    def renew(self, delivery: Lease) -> None:
        """Go on holding a claim."""
        self._claims.renew(self.db, [delivery.claim_id])

    def give_back(self, delivery: Lease) -> None:
        """Leave a claim to others."""
        self._claims.give_back(self.db, delivery)

    def restart(self) -> None:
        """What a new process does."""
        self._claims.release(self.db, ["a"])

    def rows(self, condition: str) -> list[int]:
        """The rows for which this holds."""
        return [row for (row,) in self.db.execute(f"SELECT id FROM outbox WHERE {condition} ORDER BY id")]  # noqa: S608

    def scans(self, spool: str | None) -> list[str]:
        """The steps of what was executed that read a table as a whole, and not only what another step has found."""
        statements = list(self.db.executed)
        if spool:
            # So few rows would otherwise be read as a whole.
            self.db.execute("SET LOCAL enable_seqscan = off")
        explain = f"EXPLAIN {'' if spool else 'QUERY PLAN '}"
        plans = [self.db.execute(explain + each, parameters).fetchall() for each, parameters in statements]
        steps = [str(step[-1]) for plan in plans for step in plan]
        found = re.compile(r"SCAN (waiting|near|\d+ CONSTANT ROWS)")
        return [
            step
            for step in steps
            if "Seq Scan" in step or (step.startswith("SCAN") and not found.fullmatch(step))
        ]


@pytest.fixture
def line(tmp_path: Path, spool: str | None) -> Iterator[Line]:
    engine = PostgreSQL(spool, OUTBOX) if spool else SQLite(tmp_path / "relay.db", OUTBOX)
    yield Line(engine)
    engine.close()


def rows(delivery: Lease) -> list[int]:
    return [entry.id for entry in delivery.entries]


def test_a_line_that_moves_is_not_folded(line: Line) -> None:
    line.put(99)
    line.now += HELD_SECONDS - 1
    assert rows(line.claim()) == [1]


@pytest.mark.parametrize(("count", "covered"), [(19, 1), (20, 20), (60, 50)])
def test_a_head_that_has_waited_long_takes_the_others_along(line: Line, count: int, covered: int) -> None:
    line.put(count)
    line.now += HELD_SECONDS
    delivery = line.claim()
    assert rows(delivery) == list(range(1, covered + 1))
    assert delivery.behind == (covered > 1)
    assert line.is_held()


def test_a_head_that_was_tried_before_takes_the_others_along(line: Line) -> None:
    line.put(20)
    first = line.claim()
    assert len(first.entries) == 1
    line.record(first, LeaseOutcome.RETRY, 5)
    assert line.take() == []
    line.now += 5
    second = line.claim()
    assert (len(second.entries), second.attempts) == (20, 2)


def test_a_flood_is_folded_whatever_its_age_until_little_is_left(line: Line) -> None:
    line.put(100)
    deliveries, covered = line.take(), []
    while deliveries:
        (delivery,) = deliveries
        covered.append(len(delivery.entries))
        line.record(delivery, LeaseOutcome.DELIVERED)
        deliveries = line.take(delivery.behind)
    assert covered == [50, 50]
    line.put(19, "b")
    line.db.execute("UPDATE outbox SET channel = 'a' WHERE channel = 'b'")
    assert len(line.claim(was_behind=True).entries) == 1


def test_a_digest_is_settled_as_one(line: Line) -> None:
    line.put(60)
    line.now += HELD_SECONDS
    line.record(line.claim(), LeaseOutcome.RETRY, 60)
    assert len(line.rows("state = 'ready' AND claim_id IS NULL")) == 60
    assert line.take() == []
    line.now += 60
    line.record(line.claim(), LeaseOutcome.DELIVERED)
    assert line.rows("state = 'done' AND message = '{}' AND summary = ''") == list(range(1, 51))


def test_a_digest_that_is_refused_goes_out_row_by_row_even_after_a_restart(line: Line) -> None:
    line.put(60)
    line.now += HELD_SECONDS
    digest = line.claim()
    line.record(digest, LeaseOutcome.REFUSED)
    line.restart()
    behind = digest.behind
    for number in range(1, 51):
        delivery = line.claim(behind)
        assert rows(delivery) == [number]
        line.record(delivery, LeaseOutcome.REFUSED if number == 7 else LeaseOutcome.DELIVERED)
        behind = delivery.behind
    assert line.rows("state = 'parked'") == [7]
    assert rows(line.claim(behind)) == [51]


def test_a_digest_ends_before_a_row_that_has_to_go_alone_or_is_not_free(line: Line) -> None:
    line.put(40)
    line.now += HELD_SECONDS
    line.db.execute("UPDATE outbox SET alone = TRUE WHERE id = 4")
    delivery = line.claim()
    assert rows(delivery) == [1, 2, 3]
    line.record(delivery, LeaseOutcome.DELIVERED)
    line.record(line.claim(), LeaseOutcome.DELIVERED)
    line.db.execute("UPDATE outbox SET run_at = ? WHERE id = 8", (line.now + 60,))
    assert rows(line.claim()) == [5, 6, 7]


def test_a_restart_frees_a_whole_digest_and_folds_it_again(line: Line) -> None:
    line.put(60)
    line.now += HELD_SECONDS
    before = line.claim()
    line.restart()
    again = line.claim()
    assert rows(again) == rows(before)
    # What the dead process would say now is of no use.
    line.record(before, LeaseOutcome.DELIVERED)
    assert line.rows("state = 'done'") == []


def test_a_digest_whose_lease_is_over_is_claimed_again(line: Line) -> None:
    line.put(60)
    line.now += HELD_SECONDS
    late = line.claim()
    line.now += LEASE_SECONDS
    current = line.claim()
    assert rows(current) == rows(late)
    line.record(late, LeaseOutcome.REFUSED)
    line.record(current, LeaseOutcome.DELIVERED)
    assert len(line.rows("state = 'done' AND NOT alone")) == 50


def test_a_claim_that_is_renewed_outlasts_its_lease(line: Line) -> None:
    line.put(1)
    delivery = line.claim()
    for _ in range(3):
        line.now += LEASE_SECONDS - 1
        line.renew(delivery)
        assert line.is_held()
    line.record(delivery, LeaseOutcome.DELIVERED)
    assert line.rows("state = 'done'") == [1]


def test_a_claim_that_is_given_back_was_no_attempt(line: Line) -> None:
    line.put(1)
    line.give_back(line.claim())
    assert line.claim().attempts == 1


def test_no_statement_reads_the_whole_backlog(line: Line, spool: str | None) -> None:
    """Every statement finds its rows by an index."""
    line.put(200)
    line.now += HELD_SECONDS
    line.db.executed.clear()
    for outcome in (LeaseOutcome.RETRY, LeaseOutcome.DELIVERED, LeaseOutcome.REFUSED, LeaseOutcome.REFUSED):
        delivery = line.claim()
        line.renew(delivery)
        line.record(delivery, outcome)
    line.restart()
    assert len(line.db.executed) > 10
    assert line.scans(spool) == []
