"""From a delivery that is stored to the notifications of its event, in the order in which they came.

Which ones are processed is written down before their bodies are read. If the process ends over them, the next one
processes each of them alone; what has ended one after the other becomes a dead letter, and the rest goes on.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, takewhile

from relays.base.worker import Worker
from relays.delivery.metrics import Metrics
from relays.delivery.outbox import Notification, Outbox
from relays.sources.gitlab.attempt_journal import AttemptJournal
from relays.sources.gitlab.correlation import is_review
from relays.sources.gitlab.evaluation import Cause, Outcome, cause_of, consider, consider_review, failed
from relays.sources.gitlab.event import Event, project_of
from relays.sources.gitlab.event_kind import gitlab_name
from relays.sources.gitlab.events import find_kind
from relays.sources.gitlab.inbox import Head, Waiting
from relays.sources.gitlab.outcome import HELD, Settling
from relays.sources.gitlab.router import Router
from relays.storage.engine import Database, RefusedError, StorageError

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 50
# What has been read takes many times the memory of its text.
_MOST_CHARACTERS = 1_000_000
# So many processes one delivery may end, processed alone.
MOST_ATTEMPTS = 3
# What is under suspicion is processed so long after the start: who ends a process as soon as it has started must not
# find the same delivery in it each time.
_CALM_SECONDS = 1.0
# Another relay that shares the spool may have stored something, and died.
_LOOK_SECONDS = 5.0
_STORAGE_DELAY = 1.0
_TIMEOUT_SECONDS = 60.0
# More events a second than this are a flood: while it lasts, accepting goes before processing, which gets this part of
# the time and makes up for it afterwards.
_FLOOD = 1000.0
_SHARE_IN_A_FLOOD = 0.005

_ENDED = Cause("dead.ended", f"it has ended the relay {MOST_ATTEMPTS} times")


@dataclass(frozen=True)
class Tally:
    """What is counted: events in the metrics, outcomes in `counters`.

    `dead` hears how many dead letters there are, whenever that is looked at.
    """

    metrics: Metrics
    counters: Counter[str]
    dead: Callable[[int], None] = lambda count: None


class EventProcessor(Worker):
    """Processes what waits in the inbox of `settling`, until `stop`; what is to be announced goes into the outbox."""

    def __init__(
        self, settling: Settling, outbox: Outbox, router: Router, attempt: AttemptJournal, tally: Tally
    ) -> None:
        super().__init__("events", _TIMEOUT_SECONDS)
        self._settling = settling
        self._received = settling.received
        self._memory = settling.memory
        self._outbox = outbox
        self._router = router
        self._attempt = attempt
        self._tally = tally
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._seen = 0, time.monotonic()
        self._calm_from = 0.0
        self._received.subscribe(self._news.set)

    def stop(self) -> None:
        self._stopping.set()
        self._news.set()

    def work(self) -> None:
        self._calm_from = time.monotonic() + _CALM_SECONDS
        if keys := self._attempt.left():
            log.warning("the relay ended while it processed deliveries: %d, now one by one", len(keys))
            # First of all, so that a kill while this start is still noting them does not count the same end twice.
            self._attempt.end()
            # Before anything is processed, or the next end would find nothing written down.
            self._until_stored(lambda: self._received.suspect(keys).result())
        while not self._stopping.is_set():
            # Cleared before looking: what comes in between is looked for again.
            self._news.clear()
            self._until_stored(self._turn)

    def _until_stored(self, work: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            self.beat()
            try:
                work()
                return
            except StorageError:
                self._stopping.wait(_STORAGE_DELAY)

    def _turn(self) -> None:
        begun = time.thread_time()
        if self._router.subscribed:
            self._router.subscribed.refresh()
        heads = self._received.heads(_MOST_AT_ONCE)
        if not heads:
            self._tally.dead(self._settling.dead_letters.count())
            held = self._received.held_seconds()
            self._news.wait(_LOOK_SECONDS if held is None else min(held, _LOOK_SECONDS))
            return
        if heads[0].attempts is not None:
            self._stopping.wait(max(0.0, self._calm_from - time.monotonic()))
            if self._stopping.is_set():
                return
            if heads[0].attempts >= MOST_ATTEMPTS:
                self._settle([failed(heads[0], self._router, _ENDED)])
                return
        together = self._together(heads)
        self._attempt.begin([head.key for head in together])
        try:
            self._process(self._received.bodies(together))
        finally:
            self._attempt.end()
        if len(heads) == _MOST_AT_ONCE and self._is_flood():
            self._stopping.wait((time.thread_time() - begun) * (1 / _SHARE_IN_A_FLOOD - 1))

    def _is_flood(self) -> bool:
        """Whether it has been one since the last time of asking."""
        (before, since), (taken, now) = self._seen, (self._received.taken, time.monotonic())
        self._seen = taken, now
        return taken - before > _FLOOD * (now - since)

    def _together(self, heads: Sequence[Head]) -> Sequence[Head]:
        """Those that are processed with the oldest: a review as a whole; what is under suspicion alone."""
        oldest = heads[0]
        if oldest.attempts is not None:
            return [oldest]
        if is_review(oldest.act):
            parts = {head.key: head for head in self._received.heads_of(oldest.act) if head.attempts is None}
            return _fitting([oldest, *(head for head in parts.values() if head.key != oldest.key)])
        return _fitting(takewhile(lambda head: head.attempts is None and not is_review(head.act), heads))

    def _process(self, waiting: Sequence[Waiting]) -> None:
        if len(waiting) > 1 and is_review(waiting[0].act):
            review = consider_review(waiting, self._router)
            if review is not None:
                self._settle([review])
                return
        outcomes: list[Outcome] = []
        for delivery in waiting:
            one = consider(delivery, self._router, self._memory)
            if outcomes and self._depends(one, outcomes):
                break
            outcomes.append(one)
            if self._depends(one, ()):
                break
        self._settle(outcomes)

    def _depends(self, one: Outcome, others: Sequence[Outcome]) -> bool:
        """Whether what it comes to depends on what others leave behind once they are settled."""
        (event,) = one.events
        after_a_merge_request = any(other.events[0].name == "merge_request" for other in others)
        return self._memory.pipelines.counts(event) or (event.name == "push" and after_a_merge_request)

    def _settle(self, outcomes: Sequence[Outcome]) -> None:
        """Store what deliveries come to; if the store takes one of them in no way, put that one aside."""
        try:
            ours = self._store(outcomes)
        except Exception as error:
            if isinstance(error, StorageError) and not isinstance(error, RefusedError):
                raise
            for each in outcomes if len(outcomes) > 1 else self._apart(outcomes[0], error):
                self._settle([each])
            return
        for one in ours:
            for delivery, event in zip(one.deliveries, one.events, strict=True):
                self._record(one, delivery.key, event)

    def _apart(self, one: Outcome, error: Exception) -> list[Outcome]:
        """What is announced one by one instead of a review; of a single delivery, that it is a dead letter."""
        if one.cause is not None:
            raise error
        if len(one.deliveries) == 1:
            return [failed(one.deliveries[0], self._router, cause_of(error), one.events[0])]
        parts = (each for each in one.deliveries if isinstance(each, Waiting))
        return [consider(each, self._router, self._memory) for each in parts]

    def _store(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        ours: list[Outcome] = []

        def take(db: Database) -> list[Notification]:
            found = (self._settling.settle(db, each, alone=len(outcomes) == 1) for each in outcomes)
            ours[:] = [each for each in found if each is not None]
            self._received.forget(db, 2 * len(outcomes))
            self._memory.forget(db)
            for forget in self._settling.forgetting:
                forget(db)
            return [each for one in ours for each in one.notifications]

        self._outbox.put(take).result()
        return ours

    def _record(self, one: Outcome, key: str, event: Event) -> None:
        if one.outcome == HELD:
            log.info("held key=%s kind=%s", key, event.name)
            return
        kind = gitlab_name(event.payload) if find_kind(event.payload) else "other"
        self._tally.metrics.events.labels(kind, one.outcome).inc()
        self._tally.counters[one.outcome] += 1
        if one.outcome == "duplicate":
            log.info("duplicate key=%s", key)
        elif one.cause is not None:
            log.critical("failed key=%s kind=%.40s reason=%s", key, event.name, one.reason)
        elif one.notifications:
            channels = ",".join(dict.fromkeys(each.channel for each in one.notifications))
            log.info("accepted key=%s kind=%s channels=%s", key, event.name, channels)
        else:
            reason = one.reason
            if one.outcome == "foreign":
                reason = f"foreign: {project_of(event.payload)[:100]!r} is not in gitlab.projects"
            log.info("ignored key=%s kind=%.40s reason=%s", key, event.name, reason)


def _fitting(heads: Iterable[Head]) -> Sequence[Head]:
    """The first of them, of which there is so much text at most; but one."""
    first = list(islice(heads, _MOST_AT_ONCE))
    totals = accumulate(head.characters for head in first)
    return first[: max(1, sum(1 for _ in takewhile(lambda total: total <= _MOST_CHARACTERS, totals)))]
