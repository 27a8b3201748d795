"""GitLab's limit on testing and resending webhooks, as a count of calls."""

import threading
import time
from collections import deque
from collections.abc import Hashable

_PERIOD = 60.0


class RateLimiter:
    """At most `per_minute` calls within any minute for each key."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._calls: dict[Hashable, deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, key: Hashable) -> bool:
        """Count one call; False when there were too many."""
        moment = time.monotonic()
        with self._lock:
            calls = self._calls.setdefault(key, deque())
            while calls and calls[0] <= moment - _PERIOD:
                calls.popleft()
            if len(calls) >= self._per_minute:
                return False
            calls.append(moment)
            return True
