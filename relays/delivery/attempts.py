"""What an attempt to deliver leaves behind: its line in the journal, and its part in the figures."""

import logging
import time
from dataclasses import replace

from relays.delivery.lease import Lease
from relays.delivery.metrics import Metrics, channel_label
from relays.delivery.roots import Edit
from relays.delivery.transport import Attempt
from relays.mattermost.client import Meaning, PostResult

log = logging.getLogger(__name__)


class Report:
    """The attempts in one channel; not for use by several threads at once."""

    def __init__(self, channel: str, metrics: Metrics) -> None:
        self._channel = channel
        self._label = channel_label(channel)
        self._metrics = metrics
        self._trouble = ""

    def attempt(self, delivery: Lease, attempt: Attempt, delay: float) -> None:
        """Log how an attempt ended; `delay` is how long the next one waits, if there is to be one."""
        answer = attempt.answer
        if answer.meaning is Meaning.POSTED:
            covered = attempt.covered
            entries = [entry for entry in delivery.entries if covered is None or entry.id in covered]
            self._delivered(replace(delivery, entries=entries))
        elif answer.meaning is Meaning.REFUSED:
            self._refused(delivery, answer.reason)
        else:
            self._metrics.retries.labels(answer.meaning.value).inc()
            self._waiting(delivery, answer, delay)
        self._trouble = answer.reason

    def edit(self, edit: Edit, answer: PostResult, delay: float) -> None:
        """Report how the edit of a root ended."""
        which = f"conversation={edit.conversation.name} channel={self._channel}"
        if answer.meaning is Meaning.POSTED:
            self._metrics.edited.labels(self._label).inc()
            log.info("edited %s attempts=%d", which, edit.attempts)
        else:
            self._metrics.retries.labels(answer.meaning.value).inc()
            log.warning("not edited %s retry_in=%.1fs reason=%s", which, delay, answer.reason)

    def _delivered(self, delivery: Lease) -> None:
        covered = len(delivery.entries)
        self._metrics.delivered.labels(self._label).inc(covered)
        if covered > 1:
            self._metrics.digested.labels(self._label).inc(covered)
        for entry in delivery.entries:
            after = max(0.0, time.time() - entry.created_at)
            self._metrics.delivering.observe(after)
            which = self._which(delivery, entry.key)
            log.info("delivered %s attempts=%d after=%.3fs", which, delivery.attempts, after)

    def _refused(self, delivery: Lease, reason: str) -> None:
        which = self._which(delivery, delivery.entries[0].key)
        if len(delivery.entries) > 1:
            log.warning("unfolded %s reason=%s: the messages are sent one by one", which, reason)
        else:
            self._metrics.parked.labels(self._label).inc()
            log.error("parked %s reason=%s", which, reason)

    def _waiting(self, delivery: Lease, answer: PostResult, delay: float) -> None:
        which = self._which(delivery, delivery.entries[0].key)
        if answer.reason == self._trouble:
            log.info(
                "waiting %s attempts=%d retry_in=%.1fs reason=%s",
                which,
                delivery.attempts,
                delay,
                answer.reason,
            )
        elif answer.meaning is Meaning.MISCONFIGURED:
            log.error(
                "misconfigured %s reason=%s: %s; nothing is lost meanwhile",
                which,
                answer.reason,
                answer.remedy,
            )
        else:
            log.warning(
                "unavailable %s reason=%s: Mattermost is tried until it answers", which, answer.reason
            )

    def _which(self, delivery: Lease, key: str) -> str:
        covered = len(delivery.entries)
        return f"key={key} channel={self._channel}" + (f" digest={covered}" if covered > 1 else "")
