"""Leases on the rows of the outbox (relays.delivery.outbox): which rows one post covers, and how they end."""

import json
import time
import uuid
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

from relays.delivery import digest
from relays.delivery.conversation import find, find_all, seen
from relays.delivery.digest import DigestEntry, Threads
from relays.delivery.lease import LEASE_SECONDS, LONGEST_DELAY_SECONDS, Lease, LeaseOutcome, Settlement
from relays.storage.engine import Database

# How many conversations of a channel that is behind are posted at the same time, and how many rows are looked through
# for them, however long the line is.
AT_ONCE = 8
_LOOKED_THROUGH = 300
# With more conversations than this that have something to post there, the channel gets one digest of all of them: each
# would be a post or two by itself, a flood for who reads the channel, and longer on its way than by a webhook.
MOST_THREADS = 40
# How many rows such a digest covers at most, beside its lines those that only change a root.
_MOST_ROWS = 3 * digest.MOST_LINES
# What makes a DigestEntry, and what ends a claim.
_ENTRY = "id, delivery_key, message, summary, created_at, silent, attempt_at, conversation"
_FREE = "claim_id = NULL, lease_until = NULL"


class Leases:
    """The transitions of the state machine that need a claim, each within a transaction of the caller's.

    `by_conversation`: what a claim holds is of one conversation, or of none; where the channel is behind, those of
    several are claimed at the same time, or of many by one claim.
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
        self, db: Database, channel: str, before: Lease | None = None, at: float | None = None
    ) -> list[Lease]:
        """Claim what is next in the channel, nothing if there is nothing or it has to wait.

        More than one lease are of different conversations, to be delivered at the same time. `before` is the one that
        was settled just now, `at` is the time to note of the attempts.
        """
        lease = self._claim(db, channel, None, before, at)
        if lease is None:
            return []
        # What has failed before is tried by itself.
        if not (lease.behind and self._by_conversation and lease.attempts == 1) or lease.threads is not None:
            return [lease]
        beside = (self._claim(db, channel, other, lease, at) for other in self._others(db, channel, lease))
        return [lease, *filter(None, beside)]

    def _claim(
        self, db: Database, channel: str, name: str | None, before: Lease | None, at: float | None
    ) -> Lease | None:
        """Claim from the head of the line on, or from the first of a conversation that was not tried yet."""
        claim_id, claimed_at = f"{self._instance}/{uuid.uuid4().hex}", time.monotonic()
        found = self._claim_first(db, channel, name, claim_id)
        if found is None:
            return None
        head, attempts, alone = found
        was_behind = before is not None and before.behind
        held = was_behind or attempts > 1 or self._clock() - head.created_at >= digest.HELD_SECONDS
        behind = self._is_behind(db, channel, held)
        entries, threads = [head], None
        if behind and not alone:
            if name is None and self._is_flood(db, channel, before):
                entries, threads = self._of_channel(db, channel, head)
            else:
                entries = self._of_conversation(db, channel, head)
        self._claim_more(db, claim_id, entries[1:])
        if at is not None:
            self.note(db, claim_id, at)
        has_thread = self._by_conversation and head.conversation and threads is None
        known = find(db, channel, head.conversation) if has_thread else None
        return Lease(channel, claim_id, entries, attempts, behind, claimed_at, known, at, threads)

    def _claim_first(
        self, db: Database, channel: str, name: str | None, claim_id: str
    ) -> tuple[DigestEntry, int, bool] | None:
        """Claim one row; with it, how often it was claimed, and whether it has to go alone. None if it has to wait."""
        now = self._clock()
        same, untried, names = (
            ("", "", ()) if name is None else (" AND conversation = ?", " AND attempts = 0", (name,))
        )
        # See _wait: a time that is too far away is not waited for. What this process claimed and does not know of, for
        # the answer to the claim was lost with a connection, nobody else holds.
        row = db.execute(
            "UPDATE outbox SET claim_id = ?, lease_until = ?, attempts = attempts + 1"  # noqa: S608
            f" WHERE id = (SELECT id FROM outbox WHERE channel = ? AND state = 'ready'{same} ORDER BY id LIMIT 1)"
            f"{untried} AND (run_at <= ? OR run_at > ?)"
            " AND (lease_until IS NULL OR lease_until <= ? OR lease_until > ? OR substr(claim_id, 1, ?) = ?)"
            f" RETURNING {_ENTRY}, attempts, alone",
            (
                *(claim_id, now + LEASE_SECONDS, channel, *names),
                *(now, now + LONGEST_DELAY_SECONDS),
                *(now, now + LEASE_SECONDS, len(self._instance) + 1, f"{self._instance}/"),
            ),
        ).fetchone()
        return row and (self._entry(row[:-2]), row[-2], row[-1])

    def _claim_more(self, db: Database, claim_id: str, entries: Sequence[DigestEntry]) -> None:
        """Have a claim hold these rows too, which are free."""
        if entries:
            db.execute(
                "UPDATE outbox SET claim_id = ?, lease_until = ?, attempts = attempts + 1"  # noqa: S608
                f" WHERE id IN ({', '.join('?' * len(entries))})",
                (claim_id, self._clock() + LEASE_SECONDS, *(entry.id for entry in entries)),
            )

    def delay_of(self, run_at: float, lease_until: float | None, claim_id: str | None) -> float:
        """How long such a row cannot be claimed yet, by the conditions of `_claim`."""
        is_own = claim_id is not None and claim_id.startswith(f"{self._instance}/")
        return seconds_until_free(run_at, None if is_own else lease_until, self._clock())

    def _others(self, db: Database, channel: str, lease: Lease) -> list[str]:
        """The conversations that are next in the line after that one."""
        rows = db.execute(
            "SELECT conversation FROM (SELECT id, conversation FROM outbox WHERE channel = ? AND state = 'ready'"
            " AND id > ? ORDER BY id LIMIT ?) AS near WHERE conversation <> ?"
            " GROUP BY conversation ORDER BY min(id) LIMIT ?",
            (channel, lease.entries[0].id, _LOOKED_THROUGH, lease.entries[0].conversation, AT_ONCE - 1),
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

    def _is_flood(self, db: Database, channel: str, before: Lease | None) -> bool:
        """Whether many conversations have something to post in a channel that is behind.

        It stays so until the channel is not behind any more.
        """
        if not self._by_conversation:
            return False
        if before is not None and before.threads is not None:
            return True
        ((many,),) = db.execute(
            "SELECT count(*) FROM (SELECT DISTINCT conversation FROM"
            " (SELECT conversation, silent FROM outbox WHERE channel = ? AND state = 'ready' ORDER BY id LIMIT ?)"
            " AS near WHERE NOT silent OR NOT EXISTS (SELECT 1 FROM conversation AS known WHERE known.channel = ?"
            " AND known.name = near.conversation AND known.post_id IS NOT NULL) LIMIT ?) AS waiting",
            (channel, _LOOKED_THROUGH, channel, MOST_THREADS + 1),
        ).fetchall()
        return bool(many > MOST_THREADS)

    def _of_channel(self, db: Database, channel: str, head: DigestEntry) -> tuple[list[DigestEntry], Threads]:
        """What one digest of the channel covers from the head on, and the conversations in it."""
        entries = [head, *self._free_after(db, channel, head, "", [], _MOST_ROWS - 1)]
        known = find_all(db, channel, {entry.conversation for entry in entries} - {""})
        threads = {each.name: each for each in known}
        entries = entries[: digest.fitting(entries, threads)]
        covered = {entry.conversation for entry in entries}
        return entries, {name: each for name, each in threads.items() if name in covered}

    def _of_conversation(self, db: Database, channel: str, head: DigestEntry) -> list[DigestEntry]:
        """What one post covers from the head on: of a bot, those of its conversation, past those of others."""
        same, names = (" AND conversation = ?", [head.conversation]) if self._by_conversation else ("", [])
        entries = [head, *self._free_after(db, channel, head, same, names, digest.MOST_LINES - 1)]
        return entries[: digest.fitting(entries)]

    def _free_after(
        self, db: Database, channel: str, head: DigestEntry, same: str, names: Sequence[str], most: int
    ) -> list[DigestEntry]:
        """The rows that follow in the line, up to the first that cannot be claimed with the head."""
        now = self._clock()
        rows = db.execute(
            f"SELECT run_at, lease_until, alone, {_ENTRY} FROM outbox"  # noqa: S608
            f" WHERE channel = ? AND state = 'ready'{same} AND id > ? ORDER BY id LIMIT ?",
            (channel, *names, head.id, most),
        )
        # One that was head once, until an operator put an older one before it, may be delayed or claimed.
        free = takewhile(lambda row: not row[2] and seconds_until_free(row[0], row[1], now) == 0, rows)
        return [self._entry(row[3:]) for row in free]

    def _entry(self, columns: Sequence[Any]) -> DigestEntry:
        row_id, key, message, summary, created_at, silent, attempt_at, conversation = columns
        # By a webhook, what only changes a root says what that shows.
        is_silent = bool(silent) and self._by_conversation
        message = json.loads(message)
        return DigestEntry(row_id, key, message, summary, created_at, is_silent, attempt_at, conversation)

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
            if not delivery.was_tried:  # a post that is found says how things stood then
                seen(db, delivery.channel, delivery.named)
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


def seconds_until_free(run_at: float, lease_until: float | None, now: float) -> float:
    """How long a row that is ready cannot be claimed yet."""
    return max(_wait(run_at, now, LONGEST_DELAY_SECONDS), _wait(lease_until or 0.0, now, LEASE_SECONDS))


def _wait(until: float, now: float, longest: float) -> float:
    # A time further away than the longest wait was written before the clock was set back.
    return max(0.0, until - now) if until <= now + longest else 0.0
