"""The connections that are open. There is a limit to them: whose sender has shown nothing makes room for newcomers.

So nobody holds a place by being first. A request of GitLab is complete within milliseconds, long before it is the one
that has been there for longest.
"""

from collections.abc import Iterator
from typing import Protocol

# Descriptors are left for the spool and for Mattermost: systemd gives a service 1,024 of them.
MOST = 512


class Expendable(Protocol):
    """What is asked of a connection."""

    @property
    def expendable(self) -> bool:
        """Whether nothing speaks for it."""

    def give_up(self) -> None:
        """Close at once, and leave the crowd by that."""

    def give_up_if_late(self, now: float) -> None:
        """Close, or answer, if it takes longer than it may."""

    def give_way(self) -> None:
        """Wait no longer than a moment for what is still to come."""


class ConnectionLimit:
    """Those that are open, in the order in which they came."""

    def __init__(self) -> None:
        self._members: dict[Expendable, None] = {}

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Expendable]:
        """Those of now, however many leave meanwhile."""
        return iter(list(self._members))

    def add(self, member: Expendable) -> None:
        """One more."""
        self._members[member] = None

    def discard(self, member: Expendable) -> bool:
        """One less; False if it was none of them."""
        return self._members.pop(member, member) is None

    def make_room(self) -> bool:
        """Have the one leave that has been there for longest of those that nothing speaks for; False without any."""
        found = next((member for member in self._members if member.expendable), None)
        if found is not None:
            found.give_up()
        return found is not None
