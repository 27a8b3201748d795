"""The table of the conversations: what the first post of each, its root, has to show, and what it shows.

A notification of a conversation says what its root shows from now on (`wanted`), which is stored with it. A root is
posted when the first notification of its conversation is delivered, unless that is in a digest of the channel, and
edited from then on whenever it does not show what is wanted (`due_at` says from when on): however much has changed
meanwhile, by one edit.

    (none) ──notification──▶ wanted ──attempt noted──▶ pending ──posted or found──▶ post_id, shown ◀──┐
                                ▲                                                     │   └─due─edit──┘
                                └──────────────────── deleted by people ──────────────┘

An attempt to post is noted before it is made: with which key (`pending_key`), and from when on by the clock of
Mattermost (`pending_at`). Who finds such a note looks whether that root is there.

Whoever edits a root holds a claim on its conversation, as with the rows of the outbox (relays.delivery.outbox), so that
no older state comes after a newer one. What a root shows is not known (`shown` is empty) after an edit that may have
been made or not; it is then edited again. While there is no root, `shown` is what a digest of the channel has said last
(relays.delivery.conversation).
"""

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from relays.delivery.conversation import COLUMNS, Conversation, find
from relays.delivery.lease import LEASE_SECONDS, LONGEST_DELAY_SECONDS
from relays.storage.engine import Database
from relays.storage.store import Store

# What has been silent for so long begins anew.
_KEEP_SECONDS = 180 * 24 * 3600.0
_PRUNED_AT_ONCE = 1000


@dataclass(frozen=True)
class Edit:
    """A root that does not show what is wanted, claimed. `attempts` counts this one."""

    conversation: Conversation
    claim_id: str
    attempts: int


class Roots:
    """The transitions of the table. `instance` and `clock` are as for the outbox."""

    def __init__(self, store: Store, instance: str, clock: Callable[[], float] | None = None) -> None:
        self._store = store
        self._instance = instance
        self._clock = clock or store.now

    def recover(self) -> None:
        """Free what a previous process of this instance held."""
        self._store.submit(
            lambda db: db.execute(
                "UPDATE conversation SET claim_id = NULL, lease_until = NULL"
                " WHERE claim_id IS NOT NULL AND substr(claim_id, 1, ?) = ?",
                (len(self._instance) + 1, f"{self._instance}/"),
            )
        ).result()

    def note(self, conversation: Conversation, at: float) -> Conversation | None:
        """Note that the root is about to be posted, unless that is noted already; the conversation as it is now."""

        def work(db: Database) -> Conversation | None:
            db.execute(
                "UPDATE conversation SET pending_key = wanted_key, pending_at = ?"
                " WHERE channel = ? AND name = ? AND pending_key IS NULL AND post_id IS NULL",
                (at, conversation.channel, conversation.name),
            )
            return find(db, conversation.channel, conversation.name)

        return self._store.submit(work).result()

    def posted(self, conversation: Conversation, post_id: str, shown: str) -> Conversation | None:
        """The root is there, and shows this; empty: nobody knows what. The conversation as it is now."""

        def work(db: Database) -> Conversation | None:
            db.execute(
                "UPDATE conversation SET post_id = ?, root_key = pending_key, shown = ?, attempts = 0,"
                " pending_key = NULL, pending_at = NULL, due_at = CASE WHEN wanted = ? THEN NULL ELSE ? END"
                " WHERE channel = ? AND name = ? AND post_id IS NULL",
                (post_id, shown, shown, self._clock(), conversation.channel, conversation.name),
            )
            return find(db, conversation.channel, conversation.name)

        return self._store.submit(work).result()

    def forget_root(self, conversation: Conversation) -> Conversation | None:
        """The root is not there any more. The conversation as it is now, which another relay may have moved on."""

        def work(db: Database) -> Conversation | None:
            db.execute(
                "UPDATE conversation SET post_id = NULL, root_key = NULL, shown = NULL,"
                " pending_key = NULL, pending_at = NULL WHERE channel = ? AND name = ? AND post_id = ?",
                (conversation.channel, conversation.name, conversation.post_id),
            )
            return find(db, conversation.channel, conversation.name)

        return self._store.submit(work).result()

    def claim(self, channel: str, most: int, overdue: float = 0.0) -> list[Edit]:
        """Claim the roots of the channel whose edits have been due longest, and for so many seconds at least.

        One whose edit has failed is claimed by itself. While there is none, nothing is written.
        """

        def due(now: float, most: int) -> tuple[str, Sequence[Any]]:
            # A time that is too far away was written before the clock was set back.
            return (
                "SELECT id, attempts FROM conversation"
                " WHERE channel = ? AND due_at IS NOT NULL AND (due_at <= ? OR due_at > ?)"
                " AND (lease_until IS NULL OR lease_until <= ? OR lease_until > ? OR substr(claim_id, 1, ?) = ?)"
                " ORDER BY due_at LIMIT ?",
                (
                    *(channel, now - overdue, now + LONGEST_DELAY_SECONDS),
                    *(now, now + LEASE_SECONDS, len(self._instance) + 1, f"{self._instance}/", most),
                ),
            )

        def work(db: Database) -> list[Edit]:
            now = self._clock()
            found = db.execute(*due(now, most)).fetchall()
            new = list(takewhile(lambda row: row[1] == 0, found))
            return [self._claim(db, row_id, now) for row_id, _ in new or found[:1]]

        return self._store.submit(work).result() if self._store.read(*due(self._clock(), 1)) else []

    def _claim(self, db: Database, row_id: int, now: float) -> Edit:
        claim_id = f"{self._instance}/{uuid.uuid4().hex}"
        row = db.execute(
            "UPDATE conversation SET claim_id = ?, lease_until = ?, attempts = attempts + 1 WHERE id = ?"  # noqa: S608
            f" RETURNING attempts, {COLUMNS}",
            (claim_id, now + LEASE_SECONDS, row_id),
        ).fetchone()
        return Edit(Conversation(*row[1:]), claim_id, row[0])

    def edited(self, edit: Edit) -> None:
        """The root shows what the edit has brought, whatever is wanted by now."""
        self._settle(
            "shown = ?, attempts = 0, due_at = CASE WHEN wanted = ? THEN NULL ELSE ? END",
            (edit.conversation.wanted, edit.conversation.wanted, self._clock()),
            edit,
        )

    def not_edited(self, edit: Edit, delay: float, *, uncertain: bool) -> None:
        """The edit has to be made again after so many seconds; `uncertain`: the root may show it all the same."""
        self._settle(
            "shown = CASE WHEN ? THEN '' ELSE shown END, due_at = ?",
            (uncertain, self._clock() + min(delay, LONGEST_DELAY_SECONDS)),
            edit,
        )

    def free(self, edit: Edit) -> None:
        """What the edit was to bring has come about otherwise."""
        self._settle("attempts = 0", (), edit)

    def renew(self, claim_ids: Sequence[str]) -> Future[None]:
        """Keep the claims of edits that are under way from running out."""

        def work(db: Database) -> None:
            for claim_id in claim_ids:
                db.execute(
                    "UPDATE conversation SET lease_until = ? WHERE claim_id = ?",
                    (self._clock() + LEASE_SECONDS, claim_id),
                )

        return self._store.submit(work)

    def delay_of(self, channel: str) -> float | None:
        """Seconds until a root of the channel can be edited, None if all show what is wanted."""
        ((free_at,),) = self._store.read(
            "SELECT min(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) FROM conversation"
            " WHERE channel = ? AND due_at IS NOT NULL",
            (channel,),
        )
        return None if free_at is None else max(0.0, free_at - self._clock())

    def waits(self, edit: Edit) -> bool:
        """Whether an edit that has failed has still not been made, by anybody."""
        place = (edit.conversation.channel, edit.conversation.name)
        return bool(
            self._store.read(
                "SELECT 1 FROM conversation WHERE channel = ? AND name = ? AND due_at IS NOT NULL AND attempts > 0",
                place,
            )
        )

    def due(self) -> int:
        """How many roots do not show what is wanted."""
        ((count,),) = self._store.read("SELECT count(*) FROM conversation WHERE due_at IS NOT NULL")
        return int(count)

    def waiting_channels(self) -> list[str]:
        """The channels of these roots."""
        rows = self._store.read("SELECT DISTINCT channel FROM conversation WHERE due_at IS NOT NULL")
        return [channel for (channel,) in rows]

    def prune(self) -> Future[int]:
        """Forget conversations that have been silent for long."""
        before = self._clock() - _KEEP_SECONDS
        return self._store.submit(
            lambda db: (
                db.execute(
                    "DELETE FROM conversation WHERE id IN"
                    " (SELECT id FROM conversation WHERE touched_at < ? LIMIT ?)",
                    (before, _PRUNED_AT_ONCE),
                ).rowcount
            )
        )

    def _settle(self, changes: str, values: Sequence[Any], edit: Edit) -> None:
        self._store.submit(
            lambda db: db.execute(
                f"UPDATE conversation SET {changes}, claim_id = NULL, lease_until = NULL WHERE claim_id = ?",  # noqa: S608
                (*values, edit.claim_id),
            )
        ).result()
