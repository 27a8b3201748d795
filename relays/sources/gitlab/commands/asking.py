"""Asking GitLab while somebody waits for the answer to a command."""

import time
from collections.abc import Callable
from typing import TypeVar

from relays.sources.gitlab.reader import Ask
from relays.sources.gitlab.rest import GitLabError

T = TypeVar("T")


def within(seconds: float) -> Ask:
    """Puts questions to GitLab as long as there is time, so that no search is one without end."""
    until = time.monotonic() + seconds

    def ask(question: Callable[[], T]) -> T:
        if time.monotonic() > until:
            raise GitLabError("no answer in time")
        return question()

    return ask
