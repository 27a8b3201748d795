"""GitLab's limit on testing and resending webhooks."""

import threading
import time
from collections import deque
from collections.abc import Hashable

from lab.standins.gitlab.api.call import ApiError

_PERIOD = 60.0


class RateLimit:
    """At most `per_minute` calls within any minute for each key."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._calls: dict[Hashable, deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, key: Hashable) -> None:
        """Count one call. Raises 429 when there were too many."""
        moment = time.monotonic()
        with self._lock:
            calls = self._calls.setdefault(key, deque())
            while calls and calls[0] <= moment - _PERIOD:
                calls.popleft()
            if len(calls) >= self._per_minute:
                raise ApiError(
                    429,
                    message={"error": "This endpoint has been requested too many times. Try again later."},
                )
            calls.append(moment)
