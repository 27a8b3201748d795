"""The tracker: compares the tree on disk with the index, and tells which documents are new.

What was heard of the tree only says where to look; what is there decides:

    at a known path             the same document, whatever became of its content (overwritten, version restored)
    at a new path, known inode  the document that was elsewhere, if it is not there any more: moved
    else                        a new document, to be announced once, when it is complete

Complete means that its writer closed it or that it was renamed into place. Where nothing of that was heard (it was
found by a scan), it is complete once it has not changed for a while. An empty file is given longer: some programs
create a document first and write it afterwards (measured on Nextcloud 32: davfs, "new text file").

A document that vanishes is remembered for a moment: programs that save by replacing, and Nextcloud when it restores
a version, take it away and put it back.
"""

import stat
import time
from collections.abc import Callable

from relays.nextcloud import tree
from relays.nextcloud.agenda import Agenda
from relays.nextcloud.index import Index
from relays.nextcloud.tree import Stat

SETTLE_SECONDS = 3.0
EMPTY_SECONDS = 10.0
GRACE_SECONDS = 2.0
# After an upload Nextcloud sets the date that the client gave.
_DATE_SECONDS = 2.0


class Tracker:
    """Watches over the tree at `root` with what the index knows. `wall` is the clock of the file system."""

    def __init__(
        self, root: str, index: Index, agenda: Agenda, wall: Callable[[], float] = time.time
    ) -> None:
        self._root = root
        self._index = index
        self._agenda = agenda
        self._wall = wall
        self._waiting: dict[str, tuple[Stat, float]] = {}
        self._new: list[tuple[str, Stat]] = []

    def take_new(self) -> list[tuple[str, Stat]]:
        """The new documents since the last call, in the order in which they came."""
        new, self._new = self._new, []
        return new

    def record(self, before: float) -> None:
        """The very first look: what is there is known already, except what changed after `before`."""
        for path, seen in tree.scan(self._root).files.items():
            if seen.ctime < before:
                self._index.put(path, seen)
            else:
                self._consider(path, seen, complete=False)

    def look(self, path: str, *, complete: bool = False, moved_from: str = "") -> None:
        """Look at a path. `complete`: its writer has finished. `moved_from`: it was renamed, from there."""
        if tree.is_ignored(path):
            return
        status = tree.look(self._root, path)
        if status is None:
            self._miss(path)
        elif stat.S_ISDIR(status.st_mode):
            self.look_below(path, moved_from=moved_from)
        elif (seen := tree.stat_of(status)) is not None:
            self._consider(path, seen, complete, moved_from)

    def look_below(self, folder: str, *, moved_from: str = "") -> None:
        """Look at all of a folder, and once more when what is going on in it has settled."""
        self.scan(folder, moved_from)
        self._agenda.put(SETTLE_SECONDS, self.scan, folder)

    def scan(self, folder: str = "", moved_from: str = "") -> None:
        """Compare all of a folder with the index; an empty one is the root."""
        found = tree.scan(self._root, folder)
        unknown = []
        for path, seen in found.files.items():
            if self._index.get(path) is None:
                unknown.append((seen.ctime_ns, path, seen))
            else:
                self._index.put(path, seen)
        for _, path, seen in sorted(unknown, key=lambda entry: entry[:2]):
            origin = moved_from + path.removeprefix(folder) if moved_from else ""
            self._consider(path, seen, complete=False, moved_from=origin)
        for path in self._index.below(folder):
            if path not in found.files and not found.is_unreadable(path):
                self._miss(path)

    def _consider(self, path: str, seen: Stat, complete: bool, moved_from: str = "") -> None:
        if self._index.get(path) is not None:
            self._index.put(path, seen)
            return
        origin = self._index.path_of(seen.inode)
        if origin is not None and self._has_moved(origin, seen, moved_from):
            self._index.remove(origin)
            self._index.put(path, seen)
            return
        wait = self._time_to_wait(path, seen, complete)
        if wait > 0:
            self._agenda.put(wait, self._reconsider, path)
            return
        self._waiting.pop(path, None)
        self._index.put(path, seen)
        self._new.append((path, seen))
        self._agenda.put(_DATE_SECONDS, self._reconsider, path)

    def _has_moved(self, origin: str, seen: Stat, moved_from: str) -> bool:
        still = tree.look(self._root, origin)
        if still is not None and still.st_ino == seen.inode:
            return False
        known = self._index.get(origin)
        # The number of an inode is used again, even at once, so without the news of a rename it proves nothing alone.
        return moved_from == origin or (
            known is not None and (known.size, known.mtime_ns) == (seen.size, seen.mtime_ns)
        )

    def _time_to_wait(self, path: str, seen: Stat, complete: bool) -> float:
        now = time.monotonic()
        before, since = self._waiting.get(path, (None, now))
        self._waiting[path] = (seen, since if before == seen else now)
        # Either clock may prove that it has settled: the wall clock for what is old, ours if that was set back.
        settled = max(self._wall() - seen.ctime, now - self._waiting[path][1])
        needed = EMPTY_SECONDS if seen.size == 0 else 0.0 if complete else SETTLE_SECONDS
        return needed - settled

    def _reconsider(self, path: str) -> None:
        self.look(path)

    def _miss(self, path: str) -> None:
        self._waiting.pop(path, None)
        if self._index.get(path) is not None:
            self._agenda.put(GRACE_SECONDS, self._forget, path)

    def _forget(self, path: str) -> None:
        if tree.look(self._root, path) is None:
            self._index.remove(path)
