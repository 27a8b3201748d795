"""What the lab says while it works, and how it waits."""

import sys
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_started = time.monotonic()


class LabError(Exception):
    """Why the lab cannot go on, with the remedy, in one line."""


def say(text: str) -> None:
    """A line of progress with the seconds since the start."""
    print(f"[{time.monotonic() - _started:5.1f} s] {text}", file=sys.stderr, flush=True)


def wait_for(what: str, look: Callable[[], T | None], seconds: float = 60, every: float = 0.2) -> T:
    """The first true answer of `look`, asked again and again; LabError when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise LabError(f"{what}: nothing came within {seconds:.0f} s")
        time.sleep(every)
