"""A worker that reads GitLab: it waits for no answer longer than it may, and for none once the service ends."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Protocol, TypeVar

from relays.base.errors import reason
from relays.base.worker import Worker
from relays.sources.gitlab.rest import GitLabError

T = TypeVar("T")

ANSWER_SECONDS = 90.0
"""How long an answer may take as a whole."""


class Ask(Protocol):
    """Puts a question to GitLab and brings its answer, as `GitLabReader.ask` does. GitLabError."""

    def __call__(self, question: Callable[[], T], /) -> T: ...


def within(seconds: float) -> Ask:
    """Puts questions to GitLab as long as there is time, so that no search is one without end."""
    until = time.monotonic() + seconds

    def ask(question: Callable[[], T]) -> T:
        if time.monotonic() > until:
            raise GitLabError("no answer in time")
        return question()

    return ask


class _StoppedError(Exception):
    """The service ends."""


class GitLabReader(Worker):
    """Does `read` until `stop`, wherever that is in it."""

    def __init__(self, name: str, timeout: float) -> None:
        super().__init__(name, timeout)
        self._stopped: Future[None] = Future()

    def stop(self) -> None:
        if not self._stopped.done():
            self._stopped.set_result(None)

    def work(self) -> None:
        try:
            self.read()
        except _StoppedError:
            return

    def read(self) -> None:
        """What is done; it asks, pauses and goes on by the methods below."""
        raise NotImplementedError

    def ask(self, question: Callable[[], T]) -> T:
        """GitLab's answer, in a thread that is left alone if it takes too long or the service ends. GitLabError."""
        answer: Future[T] = Future()

        def ask() -> None:
            try:
                answer.set_result(question())
            except GitLabError as error:
                answer.set_exception(error)
            except Exception as error:
                answer.set_exception(GitLabError(reason(error)))

        threading.Thread(target=ask, name="question to GitLab", daemon=True).start()
        either: list[Future[Any]] = [answer, self._stopped]
        wait(either, timeout=ANSWER_SECONDS, return_when=FIRST_COMPLETED)
        self.go_on()
        if not answer.done():
            raise GitLabError("no answer in time")
        return answer.result()

    def pause(self, seconds: float) -> None:
        """Wait so long."""
        wait([self._stopped], timeout=seconds)
        self.go_on()

    def go_on(self) -> None:
        """Say that the work gets on; it ends here if the service does."""
        if self._stopped.done():
            raise _StoppedError
        self.beat()
