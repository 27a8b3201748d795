"""Documents as they are, beside what is known of them."""

import os
from collections.abc import Iterable, Iterator

from relays.sources.nextcloud.tree import UNKNOWN_DATE, Stat

# After an upload Nextcloud sets the date that the client gave.
DATE_SECONDS = 2.0


def side_by_side(
    found: Iterable[tuple[str, Stat]], known: Iterable[tuple[str, Stat]]
) -> Iterator[tuple[str, Stat | None, Stat | None]]:
    """Each path that is in one or both of them, with what is there and what is known.

    Both have to be in the order of the bytes of their paths.
    """
    all_found, all_known = iter(found), iter(known)
    here, there = next(all_found, None), next(all_known, None)
    while here is not None or there is not None:
        if here is not None and there is not None and here[0] == there[0]:
            yield here[0], here[1], there[1]
            here, there = next(all_found, None), next(all_known, None)
        elif there is None or (here is not None and os.fsencode(here[0]) < os.fsencode(there[0])):
            assert here is not None
            yield here[0], here[1], None
            here = next(all_found, None)
        else:
            yield there[0], None, there[1]
            there = next(all_known, None)


def is_unchanged(known: Stat, seen: Stat) -> bool:
    """Whether a known document is as it was, but for a date that was set when it had just come."""
    if is_alike(known, seen):
        return True
    if seen.is_certain or not is_as_long(known, seen):
        return False
    return seen.ctime - known.ctime < DATE_SECONDS


def is_alike(known: Stat, seen: Stat) -> bool:
    """Whether nothing speaks for another content."""
    return known.size == seen.size and known.mtime_ns in (seen.mtime_ns, UNKNOWN_DATE)


def is_as_long(before: Stat, seen: Stat) -> bool:
    """Whether it is the same file and of the same size."""
    return (before.inode, before.size) == (seen.inode, seen.size)
