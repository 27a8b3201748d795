"""The courier: takes notifications from the outbox to Mattermost, one line of them per channel.

A channel's line stands still while Mattermost is away, and goes on by itself: nothing overtakes, nothing is lost,
and other channels are not held up. Only a message that Mattermost refuses for what it is leaves the line.
"""

import logging
import random
import threading
import time
from collections.abc import Callable

from relays.mattermost import Answer, IncomingWebhook, Meaning
from relays.outbox import LEASE_SECONDS, Delivery, Outbox, Outcome
from relays.store import StorageError
from relays.worker import Worker

log = logging.getLogger(__name__)

# The property of a post that holds its delivery key. Mattermost keeps the properties that it does not know.
KEY_PROPERTY = "passerelle_key"

_FIRST_DELAY = {Meaning.UNAVAILABLE: 0.5, Meaning.MISCONFIGURED: 2.0}
_LONGEST_DELAY = {Meaning.UNAVAILABLE: 30.0, Meaning.MISCONFIGURED: 60.0}
_IDLE_SECONDS = 5.0
_STORAGE_DELAY = 1.0
# What is under way at a stop gets this long; Mattermost may need longer, then the message is sent again at the start.
_FAREWELL_SECONDS = 3.0


class Courier:
    """Delivers what is in the outbox. `connect` makes the webhook for a channel, once for each."""

    def __init__(self, outbox: Outbox, connect: Callable[[str], IncomingWebhook]) -> None:
        self._outbox = outbox
        self._connect = connect
        self._lines: dict[str, _Line] = {}
        self._guard = threading.Lock()
        self._stopping = False

    @property
    def workers(self) -> list[Worker]:
        """One thread for each channel that had something to deliver so far."""
        with self._guard:
            return list(self._lines.values())

    def start(self) -> None:
        """Deliver what a previous process left, and from now on what comes."""
        self._outbox.subscribe(self.wake)
        for channel in self._outbox.recover():
            self.wake(channel)

    def wake(self, channel: str) -> None:
        """There is something new for the channel."""
        with self._guard:
            line = self._lines.get(channel)
            if line is None and not self._stopping:
                line = self._lines[channel] = _Line(channel, self._outbox, self._connect(channel))
                line.start()
        if line is not None:
            line.wake()

    def look(self) -> None:
        """Find what another process has put back into the line of a channel that had nothing to deliver."""
        for channel in self._outbox.waiting_channels():
            if channel not in self._lines:
                self.wake(channel)

    def stop(self) -> None:
        """End after the deliveries that are under way, or without them if they take long."""
        with self._guard:
            self._stopping = True
        for line in self.workers:
            line.stop()
        until = time.monotonic() + _FAREWELL_SECONDS
        for line in self.workers:
            line.join(max(0.0, until - time.monotonic()))


class _Line(Worker):
    def __init__(self, channel: str, outbox: Outbox, webhook: IncomingWebhook) -> None:
        super().__init__(f"courier {channel}", LEASE_SECONDS)
        self._channel = channel
        self._outbox = outbox
        self._webhook = webhook
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._trouble = ""

    def wake(self) -> None:
        self._news.set()

    def stop(self) -> None:
        self._stopping.set()
        self._news.set()

    def work(self) -> None:
        delivery: Delivery | None = None
        while not self._stopping.is_set():
            self.beat()
            delivery = self._deliver(delivery) if delivery else self._next()

    def _next(self) -> Delivery | None:
        try:
            # Cleared before looking: what comes in between is looked for again.
            self._news.clear()
            delivery = self._outbox.claim(self._channel).result()
            if delivery is None:
                wait = self._outbox.delay_of(self._channel)
                self._news.wait(_IDLE_SECONDS if wait is None else min(wait, _IDLE_SECONDS))
            return delivery
        except StorageError:
            self._stopping.wait(_STORAGE_DELAY)
            return None

    def _deliver(self, delivery: Delivery) -> Delivery | None:
        properties = delivery.message.get("props")
        known = properties if isinstance(properties, dict) else {}
        answer = self._webhook.post({**delivery.message, "props": {**known, KEY_PROPERTY: delivery.key}})
        outcome, delay = _decide(answer, delivery.attempts)
        self._tell(delivery, answer, delay)
        while True:
            try:
                return self._outbox.settle(delivery, outcome, answer.reason, delay).result()
            except StorageError:
                # Mattermost has answered: nothing goes out before that is recorded.
                if self._stopping.wait(_STORAGE_DELAY):
                    return None
                self.beat()

    def _tell(self, delivery: Delivery, answer: Answer, delay: float) -> None:
        which = f"key={delivery.key} channel={self._channel}"
        if answer.meaning is Meaning.POSTED:
            age = max(0.0, time.time() - delivery.created_at)
            log.info("delivered %s attempts=%d after=%.3fs", which, delivery.attempts, age)
        elif answer.meaning is Meaning.REFUSED:
            log.error("parked %s reason=%s", which, answer.reason)
        elif answer.reason == self._trouble:
            log.info(
                "waiting %s attempts=%d retry_in=%.1fs reason=%s",
                which,
                delivery.attempts,
                delay,
                answer.reason,
            )
            return
        elif answer.meaning is Meaning.MISCONFIGURED:
            log.error(
                "misconfigured %s reason=%s: check the webhook and its channel in Mattermost, or run the deploy again;"
                " nothing is lost meanwhile",
                which,
                answer.reason,
            )
        else:
            log.warning(
                "unavailable %s reason=%s: Mattermost is tried until it answers", which, answer.reason
            )
        self._trouble = answer.reason


def _decide(answer: Answer, attempts: int) -> tuple[Outcome, float]:
    if answer.meaning is Meaning.POSTED:
        return Outcome.DELIVERED, 0.0
    if answer.meaning is Meaning.REFUSED:
        return Outcome.REFUSED, 0.0
    first, longest = _FIRST_DELAY[answer.meaning], _LONGEST_DELAY[answer.meaning]
    # Exponential, with jitter, so that many relays do not come back at the same moment.
    delay = min(longest, first * 2.0 ** min(attempts - 1, 16)) * random.uniform(0.5, 1.0)  # noqa: S311
    return Outcome.RETRY, max(delay, answer.retry_after or 0.0)
