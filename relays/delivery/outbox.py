"""The outbox: notifications on their way to Mattermost, durable, each once, in order per channel.

A row is in one of three states:

    ready   waits for delivery: not before `run_at`, and not while a claim holds it (`claim_id` until `lease_until`)
    done    Mattermost has taken it; the row stays for a while so that its delivery key goes on refusing duplicates
    parked  Mattermost refuses this very message; it waits for an operator and holds nobody up

    put ──▶ ready ──claim──▶ ready, claimed ──DELIVERED──▶ done ──prune──▶ (gone)
              ▲                   │   └────────REFUSED───▶ parked
              ├──────RETRY────────┤
              ├─ REFUSED together ┘  from then on it is claimed `alone`
              └── lease over, process restarted, or given back

An operator sends a parked row back to ready, in its old place, or gives it up as done (relays.dead_letters).

Order: only the oldest ready row of a channel can be claimed (head of line). Whatever makes it wait, the rows behind
it wait too, and a row that leaves the line makes room for the next. Channels do not wait for each other.

A claim holds that one row, or, where a channel is behind (delivery.digest), the rows that follow it too, up to the
first that is not free or has to go alone: what one post is to cover. They share the claim, its lease and its end. If
Mattermost refuses them together, each is claimed alone, so that only the one at fault is parked. A RETRY delays the
head of a line alone, for the rows behind it wait anyway.

For a bot, order is that of a conversation. Where a channel is behind, the first rows of a few other conversations that
were not tried yet are claimed beside the head, each with what follows it in its conversation, by a claim of its own:
posts that are made at the same time. Where it is behind with many conversations, one claim is of all of them, as for a
webhook.

Several relays may share the table (storage.postgresql). A claim is a lease that its holder renews; when the holder has
died, another relay goes on once the lease has expired. All times are of the store's clock.

A settlement counts only for the rows that the claim still holds, for all of them in one transaction. A claim is made
before a post and settled after the answer, so a process killed in between sends that one post again: at least once,
and only there.

The address of the hook is not stored: it may change while a message waits. The table is in relays.delivery.tables.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from relays.delivery.conversation import want
from relays.delivery.lease import Lease, Settlement
from relays.delivery.leases import Leases
from relays.mattermost.message import Message
from relays.storage.engine import Database
from relays.storage.store import Store

# GitLab resends from its log of seven days at most.
_KEEP_DONE_SECONDS = 14 * 24 * 3600.0
_PRUNED_AT_ONCE = 1000

# The channels that something waits for, each with the time of its oldest: hops from channel to channel along the index
# instead of reading every row of a long backlog.
_WAITING = """
WITH RECURSIVE waiting (channel) AS (
    SELECT min(channel) FROM outbox WHERE state = 'ready'
    UNION ALL
    SELECT (SELECT min(outbox.channel) FROM outbox WHERE state = 'ready' AND outbox.channel > waiting.channel)
    FROM waiting WHERE waiting.channel IS NOT NULL
)
SELECT channel,
    (SELECT created_at FROM outbox WHERE outbox.channel = waiting.channel AND state = 'ready' ORDER BY id LIMIT 1)
FROM waiting WHERE channel IS NOT NULL ORDER BY channel
"""


@dataclass(frozen=True)
class Notification:
    """What a source has to say in a channel. The key is that of the event: a channel gets it once.

    `channel` is a channel's name, or as mattermost.bot.by_id calls it, or "@name" for the direct channel with that user
    of Mattermost. `message` is what is said now; None where only the root of the conversation changes. `conversation`
    names the conversation in its channel ("taaf/passerelle!12"), empty for a post of its own, and `root` is what its
    first post shows from now on.
    """

    key: str
    channel: str
    message: Message | None
    conversation: str = ""
    root: Message | None = None

    @property
    def shown(self) -> Message:
        """What is posted where there are no conversations: the message, or else the root."""
        if (shown := self.message or self.root) is None:
            raise ValueError(f"the notification {self.key} says nothing")
        return shown


@dataclass(frozen=True)
class Stats:
    """The outbox at a glance; times are seconds since the epoch."""

    backlog: int
    parked: int
    oldest: float | None
    last_delivery: float | None


def insert(db: Database, new: Notification, now: float) -> bool:
    """Put a notification at the end of its channel's line; whether it was not known already."""
    message = json.dumps(new.shown.payload(), ensure_ascii=False, separators=(",", ":"))
    inserted = db.execute(
        "INSERT INTO outbox (channel, delivery_key, message, summary, state, run_at, created_at, conversation, silent)"
        " VALUES (?, ?, ?, ?, 'ready', ?, ?, ?, ?) ON CONFLICT (channel, delivery_key) DO NOTHING",
        (
            *(new.channel, new.key, message, new.shown.summary, now, now),
            *(new.conversation, new.message is None),
        ),
    )
    if inserted.rowcount != 1:
        return False
    if new.conversation and new.root:
        want(db, new.channel, new.conversation, new.root, new.key, now)
    return True


class Outbox:
    """The table and its state machine.

    `instance` names this process among those that claim from the store, the same whenever it starts again; with a
    `digest_from` of 0 each row is claimed alone. `clock` is that of the store if none is given. `by_conversation`:
    what is claimed together is of one conversation, as a bot posts it, unless there are many.
    """

    def __init__(
        self,
        store: Store,
        instance: str,
        digest_from: int = 0,
        clock: Callable[[], float] | None = None,
        *,
        by_conversation: bool = False,
    ) -> None:
        self._store = store
        self._clock = clock or store.now
        self._claims = Leases(instance, digest_from, self._clock, by_conversation=by_conversation)
        self._on_ready: Callable[[str], None] = lambda channel: None

    def subscribe(self, on_ready: Callable[[str], None]) -> None:
        """Have `on_ready(channel)` called, in the store's thread, after each commit of a new row."""
        self._on_ready = on_ready

    def recover(self) -> list[str]:
        """Free what a previous process of this instance held and let it be tried at once; the waiting channels."""
        channels = self.waiting_channels()
        self._store.submit(lambda db: self._claims.release(db, channels)).result()
        return channels

    def put(self, make: Callable[[Database], Sequence[Notification]]) -> Future[int]:
        """Store the notifications that `make` brings, in the transaction in which it records what it has to.

        The number of those that were not known already, once it is durable.
        """
        channels: set[str] = set()

        def work(db: Database) -> int:
            new = [each for each in make(db) if insert(db, each, self._clock())]
            channels.update(each.channel for each in new)
            return len(new)

        future = self._store.submit(work)
        future.add_done_callback(lambda done: self._announce(done, channels))
        return future

    def claim(self, channel: str, at: float | None = None) -> Future[list[Lease]]:
        """Claim what is next in the channel, nothing if there is nothing or it has to wait; as Leases.take."""
        return self._store.submit(lambda db: self._claims.take(db, channel, at=at))

    def note(self, delivery: Lease, at: float) -> Future[None]:
        """Note when an attempt is made, where that was not known at the claim."""
        return self._store.submit(lambda db: self._claims.note(db, delivery.claim_id, at))

    def settle(self, ended: Sequence[Settlement], at: float | None = None) -> Future[list[Lease]]:
        """Record how attempts in a channel ended and claim what is next there, in one transaction; as `claim`."""

        def work(db: Database) -> list[Lease]:
            for each in ended:
                self._claims.record(db, each)
            first = ended[0].lease
            return self._claims.take(db, first.channel, first, at)

        return self._store.submit(work)

    def renew(self, deliveries: Sequence[Lease]) -> Future[None]:
        """Keep the claims of deliveries that are under way from running out."""
        claim_ids = [delivery.claim_id for delivery in deliveries]
        return self._store.submit(lambda db: self._claims.renew(db, claim_ids))

    def give_back(self, deliveries: Sequence[Lease]) -> Future[None]:
        """Leave rows that were claimed, and not sent, to whoever claims next."""

        def work(db: Database) -> None:
            for delivery in deliveries:
                self._claims.give_back(db, delivery)

        return self._store.submit(work)

    def delay_of(self, channel: str) -> float | None:
        """Seconds until the head of the channel's line can be claimed, None if nothing waits.

        For the worker of the channel while it delivers nothing: what this process holds is then free for it.
        """
        rows = self._store.read(
            "SELECT run_at, lease_until, claim_id FROM outbox"
            " WHERE channel = ? AND state = 'ready' ORDER BY id LIMIT 1",
            (channel,),
        )
        return self._claims.delay_of(*rows[0]) if rows else None

    def stats(self) -> Stats:
        """The outbox at a glance."""
        ((backlog,),) = self._store.read("SELECT count(*) FROM outbox WHERE state = 'ready'")
        ((parked,),) = self._store.read("SELECT count(*) FROM outbox WHERE state = 'parked'")
        ((last,),) = self._store.read("SELECT max(finished_at) FROM outbox WHERE state = 'done'")
        oldest = min((created_at for _, created_at in self._store.read(_WAITING)), default=None)
        return Stats(backlog, parked, oldest, last)

    def waits(self, row_id: int) -> bool:
        """Whether a row is still to be delivered. StorageError."""
        return bool(self._store.read("SELECT 1 FROM outbox WHERE id = ? AND state = 'ready'", (row_id,)))

    def waiting_in(self, channel: str) -> int:
        """How many notifications wait for a channel. StorageError."""
        ((number,),) = self._store.read(
            "SELECT count(*) FROM outbox WHERE channel = ? AND state = 'ready'", (channel,)
        )
        return int(number)

    def prune(self) -> Future[int]:
        """Forget delivered rows that are so old that no duplicate of them can come any more."""
        before = self._clock() - _KEEP_DONE_SECONDS
        return self._store.submit(
            lambda db: (
                db.execute(
                    "DELETE FROM outbox WHERE id IN"
                    " (SELECT id FROM outbox WHERE state = 'done' AND finished_at < ? LIMIT ?)",
                    (before, _PRUNED_AT_ONCE),
                ).rowcount
            )
        )

    def waiting_channels(self) -> list[str]:
        """The channels that something waits for."""
        return [channel for channel, _ in self._store.read(_WAITING)]

    def _announce(self, done: Future[int], channels: set[str]) -> None:
        if done.exception() is None:
            for channel in channels:
                self._on_ready(channel)
