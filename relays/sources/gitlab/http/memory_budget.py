"""Memory for the bodies of requests while they come in and are being stored: so much for all of them together.

Small ones need none of it, for as many of them as there can be connections fit beside it. For a large one, as much as
its whole length is set aside before it is read, so that two halves never wait for each other.

Who has shown the right token goes first, and a smaller body before a larger one; there is no line that somebody could
hold by being there first. A body whose sender has shown no secret yet gives its place up to any that goes before it,
so what strangers send costs GitLab nothing.
"""

from itertools import count
from typing import Protocol

# The largest body that needs no room.
SMALL_BYTES = 64 * 1024
ROOM_BYTES = 64 * 1024 * 1024


class Guest(Protocol):
    """A body that needs room for `length` bytes."""

    length: int

    @property
    def trusted(self) -> bool:
        """Whether its sender has shown a secret."""

    def come_in(self) -> None:
        """There is room now."""

    def give_way(self) -> None:
        """Another one needs the room."""


class MemoryBudget:
    """A budget of so many bytes, used by one loop."""

    def __init__(self, size: int = ROOM_BYTES) -> None:
        self._free = size
        self._inside: set[Guest] = set()
        self._waiting: dict[Guest, int] = {}
        self._arrivals = count()

    def ask(self, guest: Guest) -> bool:
        """Whether there is room for it, perhaps that of others, who give way; if not, it waits to `come_in`."""
        if self._admit(guest):
            return True
        self._waiting[guest] = next(self._arrivals)
        return False

    def leave(self, guest: Guest) -> None:
        """It needs no room, or none any more."""
        self._waiting.pop(guest, None)
        if guest in self._inside:
            self._remove(guest)
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting:
            # Among equals the latest: who has waited for long will be given up by its sender soon.
            first = min(self._waiting, key=lambda guest: (_rank(guest), -self._waiting[guest]))
            if not self._admit(first):
                return
            del self._waiting[first]
            first.come_in()

    def _admit(self, guest: Guest) -> bool:
        if self._free < guest.length:
            behind = [each for each in self._inside if not each.trusted and _rank(guest) < _rank(each)]
            if self._free + sum(each.length for each in behind) < guest.length:
                return False
            for other in sorted(behind, key=_rank, reverse=True):
                if self._free < guest.length:
                    self._remove(other)
                    other.give_way()
        self._inside.add(guest)
        self._free -= guest.length
        return True

    def _remove(self, guest: Guest) -> None:
        self._inside.remove(guest)
        self._free += guest.length


def _rank(guest: Guest) -> tuple[bool, int]:
    return not guest.trusted, guest.length
