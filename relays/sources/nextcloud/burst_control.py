"""When documents are announced: each at once while they come one by one, together when they come in numbers.

Together are announced those of which only the number may be announced, and all of a burst: `burst_from` documents
within ten seconds, counting from the one that completes the number. They wait until no more of them have come for a
moment, so that one message is about all of them, but not for long. A stream that does not end stays a burst.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence

from relays.sources.nextcloud.options import Discretion, TreeOptions

WINDOW_SECONDS = 10.0
QUIET_SECONDS = 3.0
LONGEST_SECONDS = 30.0


class BurstControl:
    """Of one tree. `clock` is in seconds."""

    def __init__(self, options: TreeOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._clock = clock
        self._recent: deque[float] = deque()
        self._bursting = False
        self._waiting = 0
        self._since = 0.0
        self._grown = 0.0

    def due(self, ready: Sequence[str]) -> tuple[list[str], list[str]]:
        """Of the paths with something to announce, those to be announced each by itself and those together."""
        now = self._clock()
        while self._recent and self._recent[0] <= now - WINDOW_SECONDS:
            self._recent.popleft()
        counted = {path for path in ready if self._options.discretion_of(path) is Discretion.COUNT}
        alone = [path for path in ready if path not in counted]
        enough = self._options.burst_from
        if enough and alone and (self._bursting or len(self._recent) + len(alone) >= enough):
            self._bursting = True
            alone = []
        self._recent.extend([now] * len(alone))
        together = [path for path in ready if path in counted or self._bursting]
        if not self._is_complete(len(together), now):
            return alone, []
        if self._bursting:
            self._recent.extend([now] * min(enough, len(together)))
        self._bursting, self._waiting = False, 0
        return alone, together

    def _is_complete(self, number: int, now: float) -> bool:
        if not number:
            self._bursting, self._waiting = False, 0
            return False
        if not self._waiting:
            self._since = now
        if number != self._waiting:
            self._waiting, self._grown = number, now
        return now - self._grown >= QUIET_SECONDS or now - self._since >= LONGEST_SECONDS
