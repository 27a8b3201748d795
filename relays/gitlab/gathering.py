"""Deliveries of many connections on their way to the disk together."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress

from relays.gitlab.received import MOST_AT_ONCE, Delivery, Received


class Gathering:
    """Stores what has gathered while what came before was being stored; used by one loop.

    The loop commits a lot itself where that is quick. Where it is not, or the store is busy, the store's thread takes
    the lot when its turn has come, with all that came meanwhile: one statement, one commit and one hop back serve it.
    """

    def __init__(self, received: Received) -> None:
        self._received = received
        # Both are changed by the loop and by the store's thread, in steps that cannot be interrupted.
        self._gathered: deque[tuple[Delivery, Callable[[bool], None]]] = deque()
        self._asked = False

    def add(self, delivery: Delivery, told: Callable[[bool], None]) -> None:
        """Have a delivery stored; `told` hears True once it is durable, or False if it cannot be stored."""
        self._gathered.append((delivery, told))
        self._ask()

    def _ask(self) -> None:
        if self._gathered and not self._asked:
            self._asked = True
            # What comes in the same turn of the loop goes along.
            asyncio.get_running_loop().call_soon(self._store)

    def _store(self) -> None:
        loop = asyncio.get_running_loop()
        lot: list[tuple[Delivery, Callable[[bool], None]]] = []

        def take() -> Sequence[Delivery]:
            # Before it is taken: what comes in between is taken now and asked for once more, and never forgotten.
            self._asked = False
            with suppress(IndexError):
                while len(lot) < MOST_AT_ONCE:
                    lot.append(self._gathered.popleft())
            return [delivery for delivery, _ in lot]

        def tell(done: Future[None]) -> None:
            stored = done.exception() is None
            if not stored:
                take()  # what was never asked for must not wait for the next one
            for _, told in lot:
                told(stored)
            self._ask()

        def tell_in_the_loop(done: Future[None]) -> None:
            with suppress(RuntimeError):  # the loop has ended, and with it who waited for the answer
                loop.call_soon_threadsafe(tell, done)

        storing = self._received.put(take, here=True)
        if storing.done():
            tell(storing)
        else:
            storing.add_done_callback(tell_in_the_loop)
