"""Leases on the rows of the outbox (relays.delivery.outbox): which rows one post covers, and how they end."""

import json
import time
import uuid
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

from relays.delivery import digest
from relays.delivery.conversation import find
from relays.delivery.digest import DigestEntry
from relays.delivery.lease import LEASE_SECONDS, LONGEST_DELAY_SECONDS, Lease, LeaseOutcome, Settlement
from relays.storage.engine import Database

# How many conversations of a channel that is behind are posted at the same time, and how many rows are looked through
# for them, however long the line is.
AT_ONCE = 8
_LOOKED_THROUGH = 300
# What makes a DigestEntry, and what ends a claim.
_ENTRY = "id, delivery_key, message, summary, created_at, silent, attempt_at"
_FREE = "claim_id = NULL, lease_until = NULL"


class Leases:
    """The transitions of the state machine that need a claim, each within a transaction of the caller's.

    `by_conversation`: what a claim holds is of one conversation, or of none; where the channel is behind, those of
    several are claimed at the same time.
    """

    def __init__(
        self, instance: str, digest_from: int, clock: Callable[[], float], *, by_conversation: bool = False
    ) -> None:
        self._instance = instance
        self._digest_from = digest_from
        self._clock = clock
        self._by_conversation = by_conversation

    def release(self, db: Database, channels: Sequence[str]) -> None:
        """Free what a previous process of this instance held, and let the heads of the channels be tried at once."""
        db.execute(
            "UPDATE outbox SET claim_id = NULL, lease_until = NULL"
            " WHERE claim_id IS NOT NULL AND substr(claim_id, 1, ?) = ?",
            (len(self._instance) + 1, f"{self._instance}/"),
        )
        for channel in channels:
            # Only the head of a line can be delayed.
            db.execute(
                "UPDATE outbox SET run_at = ? WHERE claim_id IS NULL"
                " AND id = (SELECT min(id) FROM outbox WHERE channel = ? AND state = 'ready')",
                (self._clock(), channel),
            )

    def take(
        self, db: Database, channel: str, was_behind: bool = False, at: float | None = None
    ) -> list[Lease]:
        """Claim what is next in the channel, nothing if there is nothing or it has to wait.

        More than one lease are of different conversations, to be delivered at the same time. `was_behind` says what the
        claim that was settled just before found, `at` is the time to note of the attempts.
        """
        first = self._claim(db, channel, None, was_behind, at)
        if first is None:
            return []
        name, lease = first
        # What has failed before is tried by itself.
        if not (lease.behind and self._by_conversation and lease.attempts == 1):
            return [lease]
        beside = (
            self._claim(db, channel, other, lease.behind, at)
            for other in self._others(db, channel, lease, name)
        )
        return [lease, *(found[1] for found in beside if found)]

    def _claim(
        self, db: Database, channel: str, name: str | None, was_behind: bool, at: float | None
    ) -> tuple[str, Lease] | None:
        """Claim from the head of the line on, or from the first of a conversation that was not tried yet."""
        now, claimed_at = self._clock(), time.monotonic()
        claim_id = f"{self._instance}/{uuid.uuid4().hex}"
        same, untried, names = (
            ("", "", ()) if name is None else (" AND conversation = ?", " AND attempts = 0", (name,))
        )
        # See _wait: a time that is too far away is not waited for. What this process claimed and does not know of, for
        # the answer to the claim was lost with a connection, nobody else holds.
        rows = db.execute(
            "UPDATE outbox SET claim_id = ?, lease_until = ?, attempts = attempts + 1"  # noqa: S608
            f" WHERE id = (SELECT id FROM outbox WHERE channel = ? AND state = 'ready'{same} ORDER BY id LIMIT 1)"
            f"{untried} AND (run_at <= ? OR run_at > ?)"
            " AND (lease_until IS NULL OR lease_until <= ? OR lease_until > ? OR substr(claim_id, 1, ?) = ?)"
            f" RETURNING {_ENTRY}, conversation, attempts, alone",
            (
                *(claim_id, now + LEASE_SECONDS, channel, *names),
                *(now, now + LONGEST_DELAY_SECONDS),
                *(now, now + LEASE_SECONDS, len(self._instance) + 1, f"{self._instance}/"),
            ),
        ).fetchall()
        if not rows:
            return None
        *columns, name, attempts, alone = rows[0]
        head = _entry(columns)
        held = was_behind or attempts > 1 or now - head.created_at >= digest.HELD_SECONDS
        behind = self._is_behind(db, channel, held)
        followers = self._followers(db, channel, head, name) if behind and not alone else []
        if followers:
            marks = ", ".join("?" * len(followers))
            db.execute(
                f"UPDATE outbox SET claim_id = ?, lease_until = ?, attempts = attempts + 1 WHERE id IN ({marks})",  # noqa: S608
                (claim_id, now + LEASE_SECONDS, *(follower.id for follower in followers)),
            )
        if at is not None:
            self.note(db, claim_id, at)
        known = find(db, channel, name) if self._by_conversation and name else None
        return name, Lease(channel, claim_id, [head, *followers], attempts, behind, claimed_at, known, at)

    def delay_of(self, run_at: float, lease_until: float | None, claim_id: str | None) -> float:
        """How long such a row cannot be claimed yet, by the conditions of `_claim`."""
        is_own = claim_id is not None and claim_id.startswith(f"{self._instance}/")
        return seconds_until_free(run_at, None if is_own else lease_until, self._clock())

    def _others(self, db: Database, channel: str, lease: Lease, name: str) -> list[str]:
        """The conversations that are next in the line after that one."""
        rows = db.execute(
            "SELECT conversation FROM (SELECT id, conversation FROM outbox WHERE channel = ? AND state = 'ready'"
            " AND id > ? ORDER BY id LIMIT ?) AS near WHERE conversation <> ?"
            " GROUP BY conversation ORDER BY min(id) LIMIT ?",
            (channel, lease.entries[0].id, _LOOKED_THROUGH, name, AT_ONCE - 1),
        ).fetchall()
        return [other for (other,) in rows]

    def note(self, db: Database, claim_id: str, at: float) -> None:
        """Note the time of an attempt that is about to be made, unless an earlier one's stands there."""
        db.execute(
            "UPDATE outbox SET attempt_at = ? WHERE claim_id = ? AND attempt_at IS NULL",
            (at, claim_id),
        )

    def _is_behind(self, db: Database, channel: str, held: bool) -> bool:
        if not self._digest_from:
            return False
        enough = digest.threshold(self._digest_from, held=held)
        # Never counts more of a long backlog than it has to.
        ((waiting,),) = db.execute(
            "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE channel = ? AND state = 'ready' LIMIT ?) AS waiting",
            (channel, enough),
        ).fetchall()
        return bool(waiting == enough)

    def _followers(self, db: Database, channel: str, head: DigestEntry, name: str) -> list[DigestEntry]:
        now = self._clock()
        # Those of one conversation in their order, past those of others.
        same, values = (" AND conversation = ?", [name]) if self._by_conversation else ("", [])
        rows = db.execute(
            f"SELECT run_at, lease_until, alone, {_ENTRY} FROM outbox"  # noqa: S608
            f" WHERE channel = ? AND state = 'ready'{same} AND id > ? ORDER BY id LIMIT ?",
            (channel, *values, head.id, digest.MOST_LINES - 1),
        )
        # One that was head once, until an operator put an older one before it, may be delayed or claimed.
        free = takewhile(lambda row: not row[2] and seconds_until_free(row[0], row[1], now) == 0, rows)
        followers = [_entry(row[3:]) for row in free]
        return followers[: digest.fitting([head, *followers]) - 1]

    def renew(self, db: Database, claim_ids: Sequence[str]) -> None:
        """Have claims that this process holds last for a whole lease from now on."""
        for claim_id in claim_ids:
            db.execute(
                "UPDATE outbox SET lease_until = ? WHERE claim_id = ?",
                (self._clock() + LEASE_SECONDS, claim_id),
            )

    def give_back(self, db: Database, delivery: Lease) -> None:
        """Free rows that no attempt was made with."""
        db.execute(
            "UPDATE outbox SET attempts = attempts - 1, claim_id = NULL, lease_until = NULL,"
            " attempt_at = CASE WHEN attempt_at = ? THEN NULL ELSE attempt_at END WHERE claim_id = ?",
            (delivery.noted_at, delivery.claim_id),
        )

    def record(self, db: Database, ended: Settlement) -> None:
        """Settle a claim: what its rows are after the attempt."""
        delivery, now = ended.lease, self._clock()
        if ended.outcome is LeaseOutcome.UNTRIED:
            self.give_back(db, delivery)
        elif ended.outcome is LeaseOutcome.DELIVERED:
            covered = ended.covered
            covered = [entry.id for entry in delivery.entries] if covered is None else covered
            # Once its text is in Mattermost, the outbox keeps nothing of it.
            db.execute(
                "UPDATE outbox SET state = 'done', message = '{}', summary = '', last_error = NULL, finished_at = ?,"  # noqa: S608
                f" {_FREE}, attempt_at = NULL WHERE claim_id = ? AND id IN ({', '.join('?' * len(covered))})",
                (now, delivery.claim_id, *covered),
            )
            if len(covered) < len(delivery.entries):
                db.execute(
                    f"UPDATE outbox SET {_FREE}, attempt_at = NULL WHERE claim_id = ?",  # noqa: S608
                    (delivery.claim_id,),
                )
        elif ended.outcome is LeaseOutcome.RETRY:
            # What is not at the head of its line waits for that.
            db.execute(
                "UPDATE outbox SET last_error = ?, run_at = CASE WHEN id ="  # noqa: S608
                " (SELECT min(id) FROM outbox WHERE channel = ? AND state = 'ready') THEN ? ELSE run_at END,"
                f" attempt_at = CASE WHEN ? THEN attempt_at END, {_FREE} WHERE claim_id = ?",
                (
                    *(ended.reason, delivery.channel, now + min(ended.delay, LONGEST_DELAY_SECONDS)),
                    *(ended.uncertain, delivery.claim_id),
                ),
            )
        elif len(delivery.entries) > 1:
            db.execute(
                f"UPDATE outbox SET alone = TRUE, last_error = ?, attempt_at = NULL, {_FREE} WHERE claim_id = ?",  # noqa: S608
                (ended.reason, delivery.claim_id),
            )
        else:
            db.execute(
                "UPDATE outbox SET state = 'parked', last_error = ?, finished_at = ?, attempt_at = NULL,"  # noqa: S608
                f" {_FREE} WHERE claim_id = ?",
                (ended.reason, now, delivery.claim_id),
            )


def _entry(columns: Sequence[Any]) -> DigestEntry:
    row_id, key, message, *others = columns
    return DigestEntry(row_id, key, json.loads(message), *others)


def seconds_until_free(run_at: float, lease_until: float | None, now: float) -> float:
    """How long a row that is ready cannot be claimed yet."""
    return max(_wait(run_at, now, LONGEST_DELAY_SECONDS), _wait(lease_until or 0.0, now, LEASE_SECONDS))


def _wait(until: float, now: float, longest: float) -> float:
    # A time further away than the longest wait was written before the clock was set back.
    return max(0.0, until - now) if until <= now + longest else 0.0
