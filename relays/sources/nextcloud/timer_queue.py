"""Things to do later, one of a kind for each path."""

import heapq
import itertools
import time
from collections.abc import Callable

Action = Callable[[str], None]


class TimerQueue:
    """Calls actions with their path when their time has come. Times are those of `clock`, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._queue: list[tuple[float, int, Action, str]] = []
        self._valid: dict[tuple[Action, str], int] = {}
        self._numbers = itertools.count()

    def put(self, delay: float, action: Action, path: str) -> None:
        """Do it in `delay` seconds, instead of when it was to be done before."""
        number = self._valid[action, path] = next(self._numbers)
        heapq.heappush(self._queue, (self._clock() + delay, number, action, path))

    def wait(self, longest: float) -> float:
        """Seconds until the next action, at most `longest`."""
        return min(longest, max(0.0, self._queue[0][0] - self._clock())) if self._queue else longest

    def run(self) -> None:
        """Do what is due."""
        now = self._clock()
        while self._queue and self._queue[0][0] <= now:
            _, number, action, path = heapq.heappop(self._queue)
            if self._valid.get((action, path)) == number:
                del self._valid[action, path]
                action(path)
