"""The dispatcher: takes notifications from the outbox to Mattermost, one line of them per channel.

A channel's line stands still while Mattermost is away, and goes on by itself: nothing overtakes, nothing is lost,
and other channels are not held up. Only a message that Mattermost refuses for what it is leaves the line.
A line that is behind goes out as digests (relays.delivery.digest).
"""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from relays.base.worker import Worker
from relays.delivery import digest
from relays.delivery.attempts import Report
from relays.delivery.leases import LEASE_SECONDS, Lease, LeaseOutcome
from relays.delivery.metrics import Metrics
from relays.delivery.outbox import Outbox
from relays.mattermost.client import IncomingWebhook, Meaning, PostResult
from relays.storage.engine import StorageError
from relays.wording import Wording

# The property of a post that holds its delivery key, and of a digest that holds those of all that it covers, in
# their order. Mattermost keeps the properties that it does not know.
KEY_PROPERTY = "passerelle_key"
KEYS_PROPERTY = "passerelle_keys"

_FIRST_DELAY = {Meaning.UNAVAILABLE: 0.5, Meaning.MISCONFIGURED: 2.0}
_LONGEST_DELAY = {Meaning.UNAVAILABLE: 30.0, Meaning.MISCONFIGURED: 60.0}
_IDLE_SECONDS = 5.0
_STORAGE_DELAY = 1.0
# Longer than the longest attempt.
_TIMEOUT_SECONDS = 180.0
_RENEW_SECONDS = LEASE_SECONDS / 3
# What is under way at a stop gets this long; Mattermost may need longer, then the message is sent again at the start.
_FAREWELL_SECONDS = 3.0


class Dispatcher:
    """Delivers what is in the outbox; digests speak in `wording`. `connect` makes the webhook for a channel."""

    def __init__(
        self, outbox: Outbox, connect: Callable[[str], IncomingWebhook], wording: Wording, metrics: Metrics
    ) -> None:
        self._outbox = outbox
        self._connect = connect
        self._wording = wording
        self._metrics = metrics
        self._lines: dict[str, _ChannelWorker] = {}
        self._guard = threading.Lock()
        self._stopping = False
        self._renew_at = 0.0

    @property
    def workers(self) -> list[Worker]:
        """One thread for each channel that had something to deliver so far."""
        with self._guard:
            return list(self._lines.values())

    def held(self) -> dict[str, str]:
        """The channels whose lines their webhook holds up, each with the reason; nothing is lost meanwhile."""
        with self._guard:
            return {channel: line.held for channel, line in self._lines.items() if line.held}

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
                line = _ChannelWorker(
                    channel, self._outbox, self._connect(channel), self._wording, self._metrics
                )
                self._lines[channel] = line
                line.start()
        if line is not None:
            line.wake()

    def look(self) -> None:
        """Find what another process has put back into the line of a channel that had nothing to deliver."""
        for channel in self._outbox.waiting_channels():
            if channel not in self._lines:
                self.wake(channel)

    def renew(self) -> None:
        """Keep what is under way claimed; to be called every few seconds."""
        if time.monotonic() >= self._renew_at:
            self._renew_at = time.monotonic() + _RENEW_SECONDS
            with self._guard:
                under_way = [line.delivery for line in self._lines.values() if line.delivery]
            if under_way:
                self._outbox.renew(under_way)

    def stop(self) -> None:
        """End after the deliveries that are under way, or without them if they take long."""
        with self._guard:
            self._stopping = True
        for line in self.workers:
            line.stop()
        until = time.monotonic() + _FAREWELL_SECONDS
        for line in self.workers:
            line.join(max(0.0, until - time.monotonic()))


class _ChannelWorker(Worker):
    def __init__(
        self, channel: str, outbox: Outbox, webhook: IncomingWebhook, wording: Wording, metrics: Metrics
    ) -> None:
        super().__init__(f"dispatcher {channel}", _TIMEOUT_SECONDS)
        self.delivery: Lease | None = None
        self.held = ""
        """Why the webhook holds up the line, empty while it does not."""
        self._channel = channel
        self._outbox = outbox
        self._webhook = webhook
        self._wording = wording
        self._report = Report(channel, metrics)
        self._news = threading.Event()
        self._stopping = threading.Event()

    def wake(self) -> None:
        self._news.set()

    def stop(self) -> None:
        self._stopping.set()
        self._news.set()

    def work(self) -> None:
        while not self._stopping.is_set():
            self.beat()
            if self.delivery is None:
                self.delivery = self._next()
            elif self.delivery.is_fresh:
                self.delivery = self._deliver(self.delivery)
            else:  # this process or the store stood still: somebody else may have the rows by now
                self._give_back(self.delivery)
        if self.delivery:
            self._give_back(self.delivery)

    def _next(self) -> Lease | None:
        try:
            # Cleared before looking: what comes in between is looked for again.
            self._news.clear()
            delivery = self._outbox.claim(self._channel).result()
            if delivery is None:
                wait = self._outbox.delay_of(self._channel)
                if wait is None:
                    self.held = ""  # another relay that shares the spool has delivered what was held up
                self._news.wait(_IDLE_SECONDS if wait is None else min(wait, _IDLE_SECONDS))
            return delivery
        except StorageError:
            self._stopping.wait(_STORAGE_DELAY)
            return None

    def _deliver(self, delivery: Lease) -> Lease | None:
        answer = self._webhook.post(self._post(delivery))
        self.held = answer.reason if answer.meaning is Meaning.MISCONFIGURED else ""
        outcome, delay = _decide(answer, delivery.attempts)
        self._report.attempt(delivery, answer, delay)
        while True:
            try:
                return self._outbox.settle(delivery, outcome, answer.reason, delay).result()
            except StorageError:
                # Mattermost has answered: nothing goes out before that is recorded.
                if self._stopping.wait(_STORAGE_DELAY):
                    return None
                self.beat()

    def _give_back(self, delivery: Lease) -> None:
        self.delivery = None
        with suppress(StorageError):  # then the lease runs out
            self._outbox.give_back(delivery).result()

    def _post(self, delivery: Lease) -> dict[str, object]:
        head, *others = delivery.entries
        if others:
            text = digest.build(delivery.entries, self._wording, time.time())
            return {**text, "props": {KEYS_PROPERTY: [entry.key for entry in delivery.entries]}}
        properties = head.message.get("props")
        known = properties if isinstance(properties, dict) else {}
        return {**head.message, "props": {**known, KEY_PROPERTY: head.key}}


def _decide(answer: PostResult, attempts: int) -> tuple[LeaseOutcome, float]:
    if answer.meaning is Meaning.POSTED:
        return LeaseOutcome.DELIVERED, 0.0
    if answer.meaning is Meaning.REFUSED:
        return LeaseOutcome.REFUSED, 0.0
    first, longest = _FIRST_DELAY[answer.meaning], _LONGEST_DELAY[answer.meaning]
    # Exponential, with jitter, so that many relays do not come back at the same moment.
    delay = min(longest, first * 2.0 ** min(attempts - 1, 16)) * random.uniform(0.5, 1.0)  # noqa: S311
    return LeaseOutcome.RETRY, max(delay, answer.retry_after or 0.0)
