"""Storing what somebody has decided, by a command or a press, while they wait for the answer."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from relays.storage.engine import Database, StorageError

T = TypeVar("T")
R = TypeVar("R")

_STORED_SECONDS = 60.0


class UncertainError(Exception):
    """It was begun, and nobody knows yet whether it gets done."""


class _GivenUpError(Exception):
    """Nobody waits any more, and the answer was that nothing was done."""


def stored(
    submit: Callable[[Callable[[Database], T]], Future[R]],
    work: Callable[[Database], T],
    seconds: float | None = None,
) -> R:
    """What `submit` brings once the store has done `work`.

    StorageError if it is not done, nor ever will be; UncertainError if it was begun and takes too long.
    """
    guard = threading.Lock()
    begun = given_up = False

    def unless_given_up(db: Database) -> T:
        nonlocal begun
        with guard:
            if given_up:
                raise _GivenUpError
            begun = True
        return work(db)

    future = submit(unless_given_up)
    try:
        return future.result(_STORED_SECONDS if seconds is None else seconds)
    except TimeoutError:
        with guard:
            given_up = True
        if begun:
            raise UncertainError from None
        raise StorageError("no commit in time") from None
