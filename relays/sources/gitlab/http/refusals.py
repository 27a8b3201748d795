"""Says why requests are refused, and how often: what strangers send must not fill the journal."""

import logging
import time
from collections import Counter

from relays.delivery.metrics import Metrics

log = logging.getLogger(__name__)

# Lines of one outcome within so many seconds. Whatever the operator has to mend is in each of them.
_MOST_LINES = 20
_SECONDS = 60.0


class Refusals:
    """Used by one loop; `counters` and `metrics` count all of them, by their outcome."""

    def __init__(self, counters: Counter[str], metrics: Metrics) -> None:
        self._counters = counters
        self._metrics = metrics
        self._until = 0.0
        self._lines: Counter[str] = Counter()

    def add(self, outcome: str, reason: str) -> None:
        """One more with this outcome, for a reason that names the remedy."""
        self._counters[outcome] += 1
        self._metrics.refused.labels(outcome.replace(" ", "_")).inc()
        now = time.monotonic()
        if now > self._until:
            self._until = now + _SECONDS
            self._lines.clear()
        self._lines[outcome] += 1
        if self._lines[outcome] <= _MOST_LINES:
            log.warning("refused reason=%s", reason)
        elif self._lines[outcome] == _MOST_LINES + 1:
            log.warning(
                "refused outcome=%s: %d within %.0f s; further ones are counted, not logged: see /metrics",
                *(outcome, _MOST_LINES, _SECONDS),
            )
