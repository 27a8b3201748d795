"""From a delivery that is stored to the notifications of its event, in the order in which they came."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence

from relays.engine import Database, StorageError
from relays.gitlab.announcing import HELD, Announcement, Announcing
from relays.gitlab.dispatch import Dispatcher
from relays.gitlab.event import Event
from relays.gitlab.events import BUILDERS, kind_of
from relays.gitlab.memory import Memory
from relays.gitlab.received import Received, Waiting
from relays.metrics import Metrics
from relays.outbox import Notification, Outbox
from relays.worker import Worker

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 50
# What has been read takes many times the memory of its text.
_MOST_CHARACTERS = 1_000_000
# Another relay that shares the spool may have stored something, and died.
_LOOK_SECONDS = 5.0
_STORAGE_DELAY = 1.0
_PATIENCE_SECONDS = 60.0
# More events a second than this are a flood: while it lasts, accepting goes before telling, which gets this part of the
# time and makes up for it afterwards.
_FLOOD = 1000.0
_SHARE_IN_A_FLOOD = 0.005


class Teller(Worker):
    """Tells what is `received`, until `stop`; `counters` counts the outcomes."""

    def __init__(
        self,
        received: Received,
        outbox: Outbox,
        dispatcher: Dispatcher,
        memory: Memory,
        metrics: Metrics,
        counters: Counter[str],
    ) -> None:
        super().__init__("teller", _PATIENCE_SECONDS)
        self._received = received
        self._outbox = outbox
        self._announcing = Announcing(received, dispatcher, memory)
        self._metrics = metrics
        self._counters = counters
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._seen = 0, time.monotonic()
        received.subscribe(self._news.set)

    def stop(self) -> None:
        self._stopping.set()
        self._news.set()

    def work(self) -> None:
        while not self._stopping.is_set():
            self.beat()
            # Cleared before looking: what comes in between is looked for again.
            self._news.clear()
            try:
                begun = time.thread_time()
                waiting = self._received.waiting(_MOST_AT_ONCE, _MOST_CHARACTERS)
                if not waiting:
                    held = self._announcing.memory.holding.seconds()
                    self._news.wait(_LOOK_SECONDS if held is None else min(held, _LOOK_SECONDS))
                    continue
                self._tell(waiting)
                if len(waiting) == _MOST_AT_ONCE and self._is_flood():
                    self._stopping.wait((time.thread_time() - begun) * (1 / _SHARE_IN_A_FLOOD - 1))
            except StorageError:
                self._stopping.wait(_STORAGE_DELAY)

    def _is_flood(self) -> bool:
        """Whether it has been one since the last time of asking."""
        (before, since), (taken, now) = self._seen, (self._received.taken, time.monotonic())
        self._seen = taken, now
        return taken - before > _FLOOD * (now - since)

    def _tell(self, waiting: Sequence[Waiting]) -> None:
        considered: list[Announcement] = []
        for delivery in waiting:
            if delivery.act and any(delivery in each.deliveries for each in considered):
                continue  # goes along with another one
            one = self._announcing.consider(delivery)
            if one is None:
                continue
            if considered and self._announcing.depends(one, considered):
                break
            considered.append(one)
            if self._announcing.depends(one, ()):
                break
        settled: list[Announcement] = []

        def take(db: Database) -> list[Notification]:
            found = (self._announcing.settle(db, each) for each in considered)
            settled[:] = [each for each in found if each is not None]
            self._received.forget(db, 2 * len(considered))
            self._announcing.memory.forget(db)
            return [each for one in settled for each in one.notifications]

        self._outbox.put(take).result()
        for each in settled:
            for delivery, event in zip(each.deliveries, each.events, strict=True):
                self._record(each, delivery, event)

    def _record(self, one: Announcement, delivery: Waiting, event: Event) -> None:
        if one.outcome == HELD:
            log.info("held key=%s kind=%s", delivery.key, event.name)
            return
        kind = kind_of(event.payload)
        self._metrics.events.labels(kind if kind in BUILDERS else "other", one.outcome).inc()
        self._counters[one.outcome] += 1
        if one.outcome == "duplicate":
            log.info("duplicate key=%s", delivery.key)
        elif one.notifications:
            channels = ",".join(dict.fromkeys(each.channel for each in one.notifications))
            log.info("accepted key=%s kind=%s channels=%s", delivery.key, event.name, channels)
        else:
            level = logging.CRITICAL if one.outcome == "failed" else logging.INFO
            word = "failed" if one.outcome == "failed" else "ignored"
            log.log(level, "%s key=%s kind=%.40s reason=%s", word, delivery.key, event.name, one.reason)
