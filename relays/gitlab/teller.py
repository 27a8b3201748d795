"""From a delivery that is stored to the notifications of its event, in the order in which they came."""

import json
import logging
import threading
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from relays.engine import Database, StorageError
from relays.gitlab.dispatch import Dispatcher
from relays.gitlab.event import Event, project_of, read_event
from relays.gitlab.events import BUILDERS, kind_of
from relays.gitlab.payload import Payload
from relays.gitlab.pipelines import Pipelines
from relays.gitlab.received import Delivery, Received
from relays.metrics import Metrics
from relays.outbox import Notification, Outbox
from relays.worker import Worker

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 50
# Another relay that shares the spool may have stored something, and died.
_LOOK_SECONDS = 5.0
_STORAGE_DELAY = 1.0
_PATIENCE_SECONDS = 60.0
# More events a second than this are a flood: while it lasts, accepting goes before telling, which gets this part of the
# time and makes up for it afterwards.
_FLOOD = 1000.0
_SHARE_IN_A_FLOOD = 0.005


@dataclass(frozen=True)
class _Told:
    """What a delivery comes to: an outcome in a word, why there is no message, and the messages there are."""

    row: int
    key: str
    event: Event
    outcome: str
    reason: str = ""
    notifications: Sequence[Notification] = ()


class Teller(Worker):
    """Tells what is `received`, until `stop`; `counters` counts the outcomes."""

    def __init__(
        self,
        received: Received,
        outbox: Outbox,
        dispatcher: Dispatcher,
        pipelines: Pipelines,
        metrics: Metrics,
        counters: Counter[str],
    ) -> None:
        super().__init__("teller", _PATIENCE_SECONDS)
        self._received = received
        self._outbox = outbox
        self._dispatcher = dispatcher
        self._pipelines = pipelines
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
                waiting = self._received.waiting(_MOST_AT_ONCE)
                if not waiting:
                    self._news.wait(_LOOK_SECONDS)
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

    def _tell(self, waiting: list[tuple[int, Delivery]]) -> None:
        told: list[_Told] = []
        for row, delivery in waiting:
            one = self._consider(row, delivery)
            if told and self._pipelines.counts(one.event):
                break  # is compared with what the ones before it leave behind
            told.append(one)
            if self._pipelines.counts(one.event):
                break
        ours: list[_Told] = []

        def take(db: Database) -> list[Notification]:
            ours[:] = [self._once(db, each) for each in told if self._received.take(db, each.row)]
            self._received.forget(db, 2 * len(told))
            return [each for one in ours for each in one.notifications]

        self._outbox.put(take).result()
        for each in ours:
            self._record(each)

    def _once(self, db: Database, told: _Told) -> _Told:
        if not self._received.is_new(db, told.key):
            return replace(told, outcome="duplicate", reason="", notifications=())
        self._pipelines.remember(db, told.event)
        return told

    def _consider(self, row: int, delivery: Delivery) -> _Told:
        event = read_event(Payload(None))
        try:
            event = self._pipelines.compare(read_event(Payload(json.loads(delivery.body))))
            reason, messages = self._dispatcher.dispatch(event)
        except (json.JSONDecodeError, RecursionError):
            return _Told(row, delivery.key, event, "unreadable", "json")
        except StorageError:
            raise
        except Exception as error:
            # One event that cannot be told is no reason to stop. The text of an error may hold what was sent.
            place = traceback.extract_tb(error.__traceback__)[-1]
            return _Told(
                row, delivery.key, event, "failed", f"{type(error).__name__} at {place.name}:{place.lineno}"
            )
        if not messages:
            outcome = reason if reason in ("unsupported", "foreign") else "filtered"
            return _Told(row, delivery.key, event, outcome, reason)
        notifications = [
            Notification(delivery.key, channel, message) for channel, message in messages.items()
        ]
        return _Told(row, delivery.key, event, "accepted", notifications=notifications)

    def _record(self, told: _Told) -> None:
        kind = kind_of(told.event.payload)
        self._metrics.events.labels(kind if kind in BUILDERS else "other", told.outcome).inc()
        self._counters[told.outcome] += 1
        if told.outcome == "duplicate":
            log.info("duplicate key=%s", told.key)
        elif told.notifications:
            channels = ",".join(each.channel for each in told.notifications)
            log.info("accepted key=%s kind=%s channels=%s", told.key, told.event.name, channels)
        else:
            level = logging.CRITICAL if told.outcome == "failed" else logging.INFO
            word = "failed" if told.outcome == "failed" else "ignored"
            reason = told.reason
            if told.outcome == "foreign":
                reason = f"foreign: {project_of(told.event.payload)[:100]!r} is not in gitlab.projects"
            log.log(level, "%s key=%s kind=%.40s reason=%s", word, told.key, told.event.name, reason)
