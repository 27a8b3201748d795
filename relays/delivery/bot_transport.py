"""The way of a bot into one channel: over several connections where several conversations have something to say.

A bot makes a reply in a thread where a webhook makes a line of a digest, so after an outage it has many posts to make.
Each waits for Mattermost and for the disk, hence those of different conversations are made at the same time. Those of
one conversation follow each other: its rows are of one lease at a time (relays.delivery.leases), and its edits of one
claim (relays.delivery.roots).
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from relays.delivery.bot_connection import BotConnection
from relays.delivery.lease import Lease
from relays.delivery.leases import AT_ONCE
from relays.delivery.roots import Edit, Roots
from relays.delivery.transport import Attempt, Edits
from relays.mattermost.client import PostResult
from relays.storage.engine import StorageError

T = TypeVar("T")


class BotTransport:
    """The connections into the channel of this name, which `connect` makes as they are needed."""

    def __init__(self, connect: Callable[[], BotConnection], name: str, roots: Roots) -> None:
        self._connect = connect
        self._name = name
        self._roots = roots
        self._connections = [connect()]

    @property
    def edits(self) -> Edits:
        """The edits of its roots."""
        return self

    def server_time(self) -> float | None:
        """The time by the clock of Mattermost, None before its first answer."""
        return self._connections[0].server_time()

    def deliver(self, deliveries: Sequence[Lease]) -> list[Attempt | None]:
        """Post what each lease holds, all at the same time."""
        made = [
            partial(connection.deliver, delivery)
            for connection, delivery in zip(self._for(len(deliveries)), deliveries, strict=True)
        ]
        return [_attempt(each) for each in _at_once(made)]

    def close(self) -> None:
        """Close its connections."""
        for connection in self._connections:
            connection.close()

    def claim_edits(self, overdue: float) -> list[Edit]:
        """The next roots to edit."""
        return self._roots.claim(self._name, AT_ONCE, overdue)

    def edit_delay(self) -> float | None:
        """Seconds until there is a root to edit."""
        return self._roots.delay_of(self._name)

    def waits(self, edit: Edit) -> bool:
        """Whether a root that could not be edited still does not show what is wanted."""
        return self._roots.waits(edit)

    def not_edited(self, edit: Edit, answer: PostResult, delay: float) -> None:
        """Leave a root until so many seconds later."""
        self._roots.not_edited(edit, delay, uncertain=answer.uncertain)

    def edit(self, edits: Sequence[Edit]) -> list[PostResult]:
        """Have the roots show what is wanted, all at the same time."""
        made = [
            partial(connection.edit, edit)
            for connection, edit in zip(self._for(len(edits)), edits, strict=True)
        ]
        return [each.result() for each in _at_once(made)]

    def _for(self, count: int) -> list[BotConnection]:
        while len(self._connections) < count:
            self._connections.append(self._connect())
        return self._connections[:count]


def _attempt(made: Future[Attempt]) -> Attempt | None:
    try:
        return made.result()
    except StorageError:
        return None


def _at_once(works: Sequence[Callable[[], T]]) -> list[Future[T]]:
    """Do all of it, the first in this thread, and wait until all is done."""
    futures = [Future[T]() for _ in works]
    # Not those of a pool, for which the process would wait at its end however long Mattermost takes.
    threads = [
        threading.Thread(target=_do, args=each, daemon=True)
        for each in zip(works[1:], futures[1:], strict=True)
    ]
    for thread in threads:
        thread.start()
    _do(works[0], futures[0])
    for thread in threads:
        thread.join()
    return futures


def _do(work: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
