"""Deliveries of many connections on their way to the disk together."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from relays.engine import StorageError
from relays.gitlab.received import Delivery, Received


class Gathering:
    """Stores what has gathered while what came before was being stored; used by one loop.

    While one lot is under way the next one grows, so that a hop to the store's thread and back, and one statement,
    serve all of it.
    """

    def __init__(self, received: Received) -> None:
        self._received = received
        self._gathered: list[tuple[Delivery, Callable[[str], None]]] = []
        self._under_way = False

    def add(self, delivery: Delivery, told: Callable[[str], None]) -> None:
        """Have a delivery stored; `told` hears "accepted" or "duplicate" once it is durable, or "not stored"."""
        self._gathered.append((delivery, told))
        if not self._under_way:
            self._under_way = True
            # What comes in the same turn of the loop goes along.
            asyncio.get_running_loop().call_soon(self._store)

    def _store(self) -> None:
        lot, self._gathered = self._gathered, []
        loop = asyncio.get_running_loop()
        # The same delivery twice in a lot is stored once, and the first one says so.
        deliveries = {delivery.key: delivery for delivery, _ in reversed(lot)}
        future = self._received.put(list(reversed(deliveries.values())))

        def back(done: Future[set[str]]) -> None:
            with suppress(RuntimeError):  # the loop has ended, and with it who waited for the answer
                loop.call_soon_threadsafe(self._stored, lot, done)

        future.add_done_callback(back)

    def _stored(self, lot: list[tuple[Delivery, Callable[[str], None]]], done: Future[set[str]]) -> None:
        try:
            new = done.result()
        except StorageError:
            outcomes = ["not stored"] * len(lot)
        else:
            outcomes = []
            for delivery, _ in lot:
                outcomes.append("accepted" if delivery.key in new else "duplicate")
                new.discard(delivery.key)
        if self._gathered:
            self._store()
        else:
            self._under_way = False
        for (_, told), outcome in zip(lot, outcomes, strict=True):
            told(outcome)
