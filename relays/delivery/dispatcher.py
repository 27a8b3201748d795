"""The dispatcher: takes notifications from the outbox to Mattermost, one line of them per channel.

A channel's line stands still while Mattermost is away, and goes on by itself: nothing overtakes, nothing is lost,
and other channels are not held up. Only a message that Mattermost refuses for what it is leaves the line.
A line that is behind goes out as digests (relays.delivery.digest), as a bot those of several conversations at the same
time (relays.delivery.bot_transport), of which each keeps its order.

How a channel is reached is its transport's affair (relays.delivery.transport). Roots of conversations are edited when
the line has nothing to say, so that each is edited once for all that has changed; in a line that is never empty, after
some seconds, in turns with what it says.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from relays.base.worker import Worker
from relays.delivery.attempts import Report
from relays.delivery.lease import LEASE_SECONDS, Lease, LeaseOutcome, Settlement
from relays.delivery.metrics import Metrics
from relays.delivery.outbox import Outbox
from relays.delivery.roots import Edit, Roots
from relays.delivery.transport import Attempt, Transport
from relays.mattermost.client import Meaning, PostResult
from relays.storage.engine import StorageError

_FIRST_DELAY = {Meaning.UNAVAILABLE: 0.5, Meaning.MISCONFIGURED: 2.0}
_LONGEST_DELAY = {Meaning.UNAVAILABLE: 30.0, Meaning.MISCONFIGURED: 60.0}
_IDLE_SECONDS = 5.0
_STORAGE_DELAY = 1.0
# How long a root may wait for its edit while its channel's line has something to say.
_OVERDUE_SECONDS = 10.0
# How often a line that is never empty looks for such roots.
_LOOK_SECONDS = 1.0
# Longer than the longest attempt, which for a bot is some questions and two posts.
_TIMEOUT_SECONDS = 300.0
_RENEW_SECONDS = LEASE_SECONDS / 3
# What is under way at a stop gets this long; Mattermost may need longer, then the message is sent again at the start.
_FAREWELL_SECONDS = 3.0


class Dispatcher:
    """Delivers what is in the outbox. `connect` makes the transport into a channel, which edits `roots` if any."""

    def __init__(
        self,
        outbox: Outbox,
        connect: Callable[[str], Transport],
        metrics: Metrics,
        roots: Roots | None = None,
    ) -> None:
        self._outbox = outbox
        self._connect = connect
        self._metrics = metrics
        self._roots = roots
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
        if self._roots:
            self._roots.recover()
        self.look()

    def wake(self, channel: str) -> None:
        """There is something new for the channel."""
        with self._guard:
            line = self._lines.get(channel)
            if line is None and not self._stopping:
                line = _ChannelWorker(channel, self._outbox, self._connect(channel), self._metrics)
                self._lines[channel] = line
                line.start()
        if line is not None:
            line.wake()

    def look(self) -> None:
        """Find what another process has put back into the line of a channel that had nothing to deliver."""
        channels = self._outbox.waiting_channels()
        if self._roots:
            channels += self._roots.waiting_channels()
        for channel in channels:
            if channel not in self._lines:
                self.wake(channel)

    def renew(self) -> None:
        """Keep what is under way claimed; to be called every few seconds."""
        if time.monotonic() >= self._renew_at:
            self._renew_at = time.monotonic() + _RENEW_SECONDS
            with self._guard:
                under_way = [lease for line in self._lines.values() for lease in line.deliveries]
                edits = [edit.claim_id for line in self._lines.values() for edit in line.edits]
            if under_way:
                self._outbox.renew(under_way)
            if self._roots and edits:
                self._roots.renew(edits)

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
    def __init__(self, channel: str, outbox: Outbox, transport: Transport, metrics: Metrics) -> None:
        super().__init__(f"dispatcher {channel}", _TIMEOUT_SECONDS)
        self.deliveries: Sequence[Lease] = ()
        """What is being delivered, at the same time."""
        self.edits: Sequence[Edit] = ()
        self.held = ""
        """Why the webhook or the bot holds up the line, empty while it does not."""
        self._channel = channel
        self._outbox = outbox
        self._transport = transport
        self._report = Report(channel, metrics)
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._look_at = 0.0

    def wake(self) -> None:
        self._news.set()

    def stop(self) -> None:
        self._stopping.set()
        self._news.set()

    def work(self) -> None:
        while not self._stopping.is_set():
            self.beat()
            try:
                if not self.deliveries:
                    self._idle()
                elif not all(delivery.is_fresh for delivery in self.deliveries):
                    # This process or the store stood still: somebody else may have the rows by now.
                    self._give_back()
                else:
                    self.deliveries = self._deliver(self.deliveries)
                    self._edit_overdue()
            except StorageError:
                self._stopping.wait(_STORAGE_DELAY)
        if self.deliveries:
            self._give_back()

    def _idle(self) -> None:
        """Take what is next in the line, edit roots if there is nothing, or wait."""
        # Cleared before looking: what comes in between is looked for again.
        self._news.clear()
        self.deliveries = self._outbox.claim(self._channel, self._transport.server_time()).result()
        if self.deliveries or self._edit(0.0):
            return
        wait = self._outbox.delay_of(self._channel)
        if wait is None:
            self.held = ""  # another relay that shares the spool has delivered what was held up
        edits = self._transport.edits
        delays = [_IDLE_SECONDS, wait, edits.edit_delay() if edits else None]
        self._news.wait(min(delay for delay in delays if delay is not None))

    def _deliver(self, deliveries: Sequence[Lease]) -> Sequence[Lease]:
        attempts = self._transport.deliver(deliveries)
        answers = [attempt.answer for attempt in attempts if attempt]
        self.held = next((each.reason for each in answers if each.meaning is Meaning.MISCONFIGURED), "")
        ended = [self._ended(*each) for each in zip(deliveries, attempts, strict=True)]
        if None in attempts:
            self._stopping.wait(_STORAGE_DELAY)
        while True:
            try:
                return self._outbox.settle(ended, self._transport.server_time()).result()
            except StorageError:
                # Mattermost has answered: nothing goes out before that is recorded.
                if self._stopping.wait(_STORAGE_DELAY):
                    return ()
                self.beat()

    def _ended(self, delivery: Lease, attempt: Attempt | None) -> Settlement:
        if attempt is None:
            return Settlement(delivery, LeaseOutcome.UNTRIED)
        answer = attempt.answer
        outcome, delay = _decide(answer, delivery.attempts)
        self._report.attempt(delivery, attempt, delay)
        return Settlement(delivery, outcome, answer.reason, delay, attempt.covered, answer.uncertain)

    def _edit_overdue(self) -> None:
        if self.deliveries and time.monotonic() >= self._look_at and not self._edit(_OVERDUE_SECONDS):
            self._look_at = time.monotonic() + _LOOK_SECONDS

    def _edit(self, overdue: float) -> bool:
        """Edit the next roots that are due for so long; whether there were any."""
        edits = self._transport.edits
        self.edits = edits.claim_edits(overdue) if edits else ()
        if not (edits and self.edits):
            return False
        try:
            for edit, answer in zip(self.edits, edits.edit(self.edits), strict=True):
                _, delay = _decide(answer, edit.attempts)
                if answer.meaning is not Meaning.POSTED:
                    edits.not_edited(edit, answer, delay)
                self._report.edit(edit, answer, delay)
        finally:
            self.edits = ()
        return True

    def _give_back(self) -> None:
        deliveries, self.deliveries = self.deliveries, ()
        with suppress(StorageError):  # then the leases run out
            self._outbox.give_back(deliveries).result()


def _decide(answer: PostResult, attempts: int) -> tuple[LeaseOutcome, float]:
    if answer.meaning is Meaning.POSTED:
        return LeaseOutcome.DELIVERED, 0.0
    if answer.meaning is Meaning.REFUSED:
        return LeaseOutcome.REFUSED, 0.0
    first, longest = _FIRST_DELAY[answer.meaning], _LONGEST_DELAY[answer.meaning]
    # Exponential, with jitter, so that many relays do not come back at the same moment.
    delay = min(longest, first * 2.0 ** min(attempts - 1, 16)) * random.uniform(0.5, 1.0)  # noqa: S311
    return LeaseOutcome.RETRY, max(delay, answer.retry_after or 0.0)
