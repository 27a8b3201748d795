"""Whether a document may still be written to.

Nobody but its owner can ask the kernel who has a file open, so this goes by what is heard: a program that is done with
a file closes it. Where all is heard that happens to a document, one that was created or changed and not closed is held
open for writing by somebody, who may only be pausing. It is waited for, up to a bound: a host that was cut off may
leave a file behind that nobody will ever close.

Not all is heard everywhere: not before there was a watch on the folder, not after the kernel's queue was full, not
beyond the limit of watches, and on network storage nothing but what this host wrote. There, a document counts as
complete once it has not changed for a moment.
"""

import math

from relays.sources.nextcloud.tree import Stat

SETTLE_SECONDS = 3.0
# Some programs create a document first and write it afterwards (measured on Nextcloud 32: davfs, "new text file").
EMPTY_SECONDS = 10.0
OPEN_SECONDS = 600.0
# The clock of a file system is behind by up to a tick of the kernel.
_TICK_SECONDS = 0.1
_MOST_FOLDERS = 10_000


class OpenWriters:
    """Of a tree; `is_local`: the kernel hears of whatever is written there."""

    def __init__(self, is_local: bool) -> None:
        self._is_local = is_local
        self._since = math.inf
        self._folders: dict[str, float] = {}

    def hears(self, folder: str, since: float) -> None:
        """All that happens below a folder is heard since then, in seconds since the epoch; never: infinity."""
        if not folder or len(self._folders) >= _MOST_FOLDERS:
            self._since = since
            self._folders.clear()
        else:
            self._folders[folder] = since

    def seconds_needed(self, path: str, seen: Stat, *, closed: bool, is_known: bool, is_heard: bool) -> float:
        """How long a document has to have been as it is, to be complete.

        `closed`: its writer was heard to have finished; `is_heard`: had it not, that would have been heard. A known
        document is waited for in any case, for some programs save in several steps.
        """
        if seen.is_certain:
            return EMPTY_SECONDS if seen.size == 0 else 0.0
        if not closed and is_heard and self._is_heard(path, seen) and not _is_older(seen):
            return OPEN_SECONDS
        if seen.size == 0:
            return EMPTY_SECONDS
        return 0.0 if closed and not is_known else SETTLE_SECONDS

    def is_only_dated(self, path: str, known: Stat, seen: Stat) -> bool:
        """Whether a known document that nobody was heard to close was given another date, and no other content."""
        is_set = seen.mtime_ns % 1_000_000_000 == 0 or abs(seen.ctime_ns - seen.mtime_ns) > 1_000_000_000
        is_same = (known.inode, known.size) == (seen.inode, seen.size)
        return is_set and is_same and not seen.is_certain and self._is_heard(path, seen)

    def _is_heard(self, path: str, seen: Stat) -> bool:
        return seen.ctime > self._since_in(path) + _TICK_SECONDS

    def _since_in(self, path: str) -> float:
        if not self._is_local:
            return math.inf
        since, folder = self._since, path
        while self._folders and (folder := folder.rpartition("/")[0]):
            since = max(since, self._folders.get(folder, since))
        return since


def _is_older(seen: Stat) -> bool:
    """Whether the content was there before the document came, as with a hard link: nobody writes to it here."""
    return seen.ctime_ns - seen.mtime_ns > 1_000_000_000
