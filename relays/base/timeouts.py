"""Waiting for an answer no longer than one is ready to, whatever the other side does.

The time limits of a socket are for each read: who sends a byte now and then is never too slow for them.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, question: Callable[[], T]) -> T:
    """What `question` returns or raises; TimeoutError, and it is left alone in its thread, if that takes longer."""
    answer: Future[T] = Future()

    def ask() -> None:
        try:
            answer.set_result(question())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=ask, name="question", daemon=True).start()
    return answer.result(seconds)
