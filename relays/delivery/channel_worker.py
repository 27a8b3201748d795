"""The channel worker: delivers the line of one channel, in order, and edits the roots of its conversations.

It looks into the store every few seconds, for other relays put things there too, and claims only what it has seen: a
line with nothing to do writes nothing. One that has had nothing to do for a while ends, and its connections with it,
for a relay that writes to persons meets many of them once; the next notification finds a new one.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from relays.base.worker import Worker
from relays.delivery.attempts import Report
from relays.delivery.lease import Lease, LeaseOutcome, Settlement
from relays.delivery.metrics import Metrics
from relays.delivery.outbox import Outbox
from relays.delivery.roots import Edit
from relays.delivery.transport import Attempt, Transport
from relays.mattermost.client import Meaning, PostResult
from relays.storage.engine import StorageError

# The first delay and the longest: of what ends by itself, and of what does so only if somebody does something.
_SOON = (0.5, 30.0)
_SLOWLY = (2.0, 60.0)
_OUTCOMES = {Meaning.POSTED: LeaseOutcome.DELIVERED, Meaning.REFUSED: LeaseOutcome.REFUSED}
_IDLE_SECONDS = 5.0
_STORAGE_DELAY = 1.0
# How long a root may wait for its edit while its channel's line has something to say.
_OVERDUE_SECONDS = 10.0
# How often a line that is never empty looks for such roots.
_LOOK_SECONDS = 1.0
# Longer than the longest attempt, which for a bot is some questions and two posts.
_TIMEOUT_SECONDS = 300.0


class _Failure(NamedTuple):
    """Why an attempt has failed, and whether what it was to deliver `waits` still."""

    reason: str
    waits: Callable[[], bool]


_NONE = _Failure("", lambda: False)


class ChannelWorker(Worker):
    """The worker of `channel`, which closes its `transport` at its end.

    Whenever there is nothing to do it asks `let_go` whether it is needed, and ends once it is not: then nobody wakes it
    any more.
    """

    def __init__(
        self,
        channel: str,
        outbox: Outbox,
        transport: Transport,
        metrics: Metrics,
        let_go: Callable[["ChannelWorker"], bool],
    ) -> None:
        super().__init__(f"dispatcher {channel}", _TIMEOUT_SECONDS)
        self.channel = channel
        self.deliveries: Sequence[Lease] = ()
        """What is being delivered, at the same time."""
        self.edits: Sequence[Edit] = ()
        self._held = self._edit_held = self._retrying = _NONE
        self._outbox = outbox
        self._transport = transport
        self._report = Report(channel, metrics)
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._let_go = let_go
        self._look_at = 0.0
        self._idle_since = time.monotonic()

    @property
    def held(self) -> str:
        """Why the line or its edits wait until somebody does something, empty while they do not."""
        return self._held.reason or self._edit_held.reason

    @property
    def retrying(self) -> str:
        """Why Mattermost has not taken the last attempt and the next one may do, empty if that is not so."""
        return self._retrying.reason

    @property
    def has_news(self) -> bool:
        """Whether it was woken, and has not looked yet."""
        return self._news.is_set()

    @property
    def idle_seconds(self) -> float:
        """How long there has been nothing to do."""
        return time.monotonic() - self._idle_since

    def wake(self) -> None:
        """There is something new."""
        self._news.set()

    def stop(self) -> None:
        """End after what is under way."""
        self._stopping.set()
        self._news.set()

    def work(self) -> None:
        """Deliver until `stop`, or until there is nothing to do and it is not needed."""
        while not (self.retired or self._stopping.is_set()):
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
        self._transport.close()

    def _idle(self) -> None:
        """Take what is next in the line, edit roots if there is nothing, or wait."""
        # Cleared before looking: what comes in between is looked for again.
        self._news.clear()
        wait = self._outbox.delay_of(self.channel)
        if wait == 0.0:
            self.deliveries = self._outbox.claim(self.channel, self._transport.server_time()).result()
        if self.deliveries or self._edit(0.0):
            self._idle_since = time.monotonic()
            return
        # Another relay that shares the spool may have delivered what was held up here, whatever has come since.
        self._held, self._retrying, self._edit_held = map(
            _still, (self._held, self._retrying, self._edit_held)
        )
        edits = self._transport.edits
        edit_wait = edits.edit_delay() if edits else None
        delays = [delay for delay in (wait, edit_wait) if delay is not None]
        if delays:
            self._idle_since = time.monotonic()
        elif self._let_go(self):
            self.retired = True
            return
        self._news.wait(min([_IDLE_SECONDS, *delays]))

    def _deliver(self, deliveries: Sequence[Lease]) -> Sequence[Lease]:
        attempts = self._transport.deliver(deliveries)
        answers = [
            (attempt.answer, partial(self._outbox.waits, delivery.entries[0].id))
            for delivery, attempt in zip(deliveries, attempts, strict=True)
            if attempt
        ]
        self._held = _failure(answers, Meaning.MISCONFIGURED)
        self._retrying = _failure(answers, Meaning.UNAVAILABLE)
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
        outcome = _OUTCOMES.get(answer.meaning, LeaseOutcome.RETRY)
        delay = _delay(answer, delivery.attempts)
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
            answers = edits.edit(self.edits)
            waits = [partial(edits.waits, edit) for edit in self.edits]
            self._edit_held = _failure(list(zip(answers, waits, strict=True)), Meaning.MISCONFIGURED)
            for edit, answer in zip(self.edits, answers, strict=True):
                delay = _delay(answer, edit.attempts)
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


def _failure(answers: Sequence[tuple[PostResult, Callable[[], bool]]], meaning: Meaning) -> _Failure:
    """The first answer of this meaning."""
    found = (_Failure(answer.reason, waits) for answer, waits in answers if answer.meaning is meaning)
    return next(found, _NONE)


def _still(failure: _Failure) -> _Failure:
    return failure if failure.reason and failure.waits() else _NONE


def _delay(answer: PostResult, attempts: int) -> float:
    """How long the next attempt waits, if there is to be one, after so many."""
    first, longest = _SOON if answer.meaning is Meaning.UNAVAILABLE else _SLOWLY
    # Exponential, with jitter, so that many relays do not come back at the same moment.
    delay = min(longest, first * 2.0 ** min(attempts - 1, 16)) * random.uniform(0.5, 1.0)  # noqa: S311
    return max(delay, answer.retry_after or 0.0)
