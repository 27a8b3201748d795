"""Deliveries of many connections on their way to the disk together."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress

from relays.sources.gitlab.http.memory_budget import SMALL_BYTES
from relays.sources.gitlab.inbox import MOST_AT_ONCE, Delivery, Inbox

# Of small bodies in one statement, which takes several times as much memory in the database.
_MOST_BYTES = 4 * 1024 * 1024

Settled = Callable[[bool], None]


class Batcher:
    """Stores what has gathered while what came before was being stored; used by one loop.

    Small bodies and large ones gather in two lines. The disk takes so long for a large one that those behind it would
    be late; GitLab keeps no order among deliveries that are under way at the same time.
    """

    def __init__(self, received: Inbox) -> None:
        self._small = _Batch(received, MOST_AT_ONCE, here=True)
        # One at a time, and never in the loop, which has others to answer meanwhile.
        self._large = _Batch(received, 1, here=False)

    def add(self, delivery: Delivery, settled: Settled) -> None:
        """Have a delivery stored; `settled` hears True once it is durable, or False if it cannot be stored."""
        line = self._small if len(delivery.body) <= SMALL_BYTES else self._large
        line.add(delivery, settled)


class _Batch:
    """Deliveries that are stored in their order, so many in one statement at most.

    If it may be done `here`, the loop commits a lot itself where that is quick. Where it is not, or the store is busy,
    the store's thread takes the lot when its turn has come, with all that came meanwhile: one statement, one commit and
    one hop back serve it.
    """

    def __init__(self, received: Inbox, most: int, here: bool) -> None:
        self._received = received
        self._most = most
        self._here = here
        # Both are changed by the loop and by the store's thread, in steps that cannot be interrupted.
        self._gathered: deque[tuple[Delivery, Settled]] = deque()
        self._asked = False

    def add(self, delivery: Delivery, settled: Settled) -> None:
        self._gathered.append((delivery, settled))
        self._ask()

    def _ask(self) -> None:
        if self._gathered and not self._asked:
            self._asked = True
            # What comes in the same turn of the loop goes along.
            asyncio.get_running_loop().call_soon(self._store)

    def _store(self) -> None:
        loop = asyncio.get_running_loop()
        lot: list[tuple[Delivery, Settled]] = []

        def take() -> Sequence[Delivery]:
            # Before it is taken: what comes in between is taken now and asked for once more, and never forgotten.
            self._asked = False
            size = sum([len(delivery.body) for delivery, _ in lot])
            with suppress(IndexError):
                while len(lot) < self._most and size < _MOST_BYTES:
                    lot.append(self._gathered.popleft())
                    size += len(lot[-1][0].body)
            return [delivery for delivery, _ in lot]

        def settle(done: Future[None]) -> None:
            stored = done.exception() is None
            if not stored:
                take()  # what was never asked for must not wait for the next one
            for _, settled in lot:
                settled(stored)
            self._ask()

        def settle_in_the_loop(done: Future[None]) -> None:
            with suppress(RuntimeError):  # the loop has ended, and with it who waited for the answer
                loop.call_soon_threadsafe(settle, done)

        storing = self._received.put(take, here=self._here)
        if storing.done():
            settle(storing)
        else:
            storing.add_done_callback(settle_in_the_loop)
