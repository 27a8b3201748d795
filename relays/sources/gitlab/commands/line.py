"""A line of jobs with so many places, of which one person takes a few, and the threads that do what waits in it."""

import logging
import threading
import traceback
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from relays.base.worker import Worker

log = logging.getLogger(__name__)

MOST = 256
MOST_OF_ONE = 8
"""So many jobs of one person at once, those that are being done included: the places are everybody's."""
_LOOK_SECONDS = 5.0
# Longer than the questions to Mattermost and the attempts to send an answer later take together.
TIMEOUT_SECONDS = 300.0

Refusal = Literal["full", "own", "ending"]


@dataclass(frozen=True)
class Job:
    """What is done for somebody; `lose` hears that it never will be, for the relay ends."""

    user: str
    do: Callable[[], None]
    lose: Callable[[], None]


class Line:
    """The jobs that wait, and the `workers` that do them, the oldest first."""

    def __init__(self, name: str, threads: int) -> None:
        self._waiting: deque[Job] = deque()
        self._of: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._ending = False
        self.workers = [_LineWorker(f"{name}-{number}", self) for number in range(1, threads + 1)]

    def put(self, job: Job) -> Refusal | None:
        """Have a job done; why not, if there is no place for it."""
        with self._changed:
            if self._ending:
                return "ending"
            if self._of[job.user] >= MOST_OF_ONE:
                return "own"
            if len(self._waiting) >= MOST:
                return "full"
            self._of[job.user] += 1
            self._waiting.append(job)
            self._changed.notify()
        return None

    def take(self) -> Job | None:
        """The oldest job that waits, after a moment if there is none."""
        with self._changed:
            if not self._waiting and not self._ending:
                self._changed.wait(_LOOK_SECONDS)
            return self._waiting.popleft() if self._waiting and not self._ending else None

    def settle(self, job: Job) -> None:
        """Free the place of a job that was taken."""
        with self._changed:
            self._of[job.user] -= 1
            if not self._of[job.user]:
                del self._of[job.user]

    def end(self) -> None:
        """Take in nothing more; what waits is lost."""
        with self._changed:
            self._ending = True
            left, self._waiting = self._waiting, deque()
            self._changed.notify_all()
        for job in left:
            job.lose()

    @property
    def ending(self) -> bool:
        """Whether nothing more is done."""
        return self._ending


class _LineWorker(Worker):
    """One of the threads of a line."""

    def __init__(self, name: str, line: Line) -> None:
        super().__init__(name, TIMEOUT_SECONDS)
        self._line = line

    def work(self) -> None:
        while not self._line.ending:
            self.beat()
            job = self._line.take()
            if job is None:
                continue
            try:
                job.do()
            except Exception as error:
                # One command is no reason to stop the relay.
                place = traceback.extract_tb(error.__traceback__)[-1]
                log.critical(
                    "failed command error=%s at=%s:%s", type(error).__name__, place.name, place.lineno
                )
            finally:
                self._line.settle(job)

    def stop(self) -> None:
        self._line.end()
