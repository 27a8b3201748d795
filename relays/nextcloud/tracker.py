"""The tracker: compares the tree on disk with the index, and tells what happened to documents.

What was heard of the tree only says where to look; what is there decides:

    at a known path             the same document; if its size or its date changed, a new version of it
    at a new path, known inode  the document that was elsewhere, if it is not there any more: moved, which is no news
    else                        a document to be told of, once, when it is complete: moved in if that was heard
    a known path, nothing there after a moment: deleted

Complete means that its writer closed it or that it was renamed into place. Where nothing of that was heard (it was
found by a scan), and for every new version, it is complete once it has not changed for a while. An empty file is
given longer: some programs create a document first and write it afterwards (measured on Nextcloud 32: davfs, "new
text file"). An overwrite that its client broke off looks like one that was finished (measured there as well).

A document that vanishes is remembered for a moment: programs that save by replacing, and Nextcloud when it restores
a version, take it away and put it back.

The index learns of a document when its news are taken, and not before: what is never told is found again.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from relays.nextcloud.agenda import Agenda
from relays.nextcloud.index import Index
from relays.nextcloud.news import Kind, News
from relays.nextcloud.place import Place
from relays.nextcloud.tree import Stat, is_ignored

SETTLE_SECONDS = 3.0
EMPTY_SECONDS = 10.0
GRACE_SECONDS = 2.0
# After an upload Nextcloud sets the date that the client gave.
_DATE_SECONDS = 2.0


@dataclass(frozen=True)
class _Pending:
    """What is not told yet: as what, as it was seen last, since when it has been like that, and if it can be told."""

    kind: Kind
    seen: Stat
    since: float
    ready: bool


class Tracker:
    """Watches over the tree at `place` with what the index knows. `wall` is the clock of the file system."""

    def __init__(
        self, place: Place, index: Index, agenda: Agenda, wall: Callable[[], float] = time.time
    ) -> None:
        self._place = place
        self._index = index
        self._agenda = agenda
        self._wall = wall
        self._pending: dict[str, _Pending] = {}
        self._lost: set[str] = set()
        self._vanished: set[str] = set()

    def ready(self) -> dict[str, Kind]:
        """What there is to tell, by the paths, in the order in which it was found out."""
        return {path: pending.kind for path, pending in self._pending.items() if pending.ready}

    def about(self, path: str) -> tuple[Kind, Stat]:
        """Of a path that is ready: what there is to tell, and the document as it was seen last."""
        pending = self._pending[path]
        return pending.kind, pending.seen

    def take_news(self, paths: Iterable[str] | None = None) -> list[News]:
        """What there is to tell, of these paths or of all; the index knows it from now on."""
        now = datetime.now()
        news = []
        for path in self.ready() if paths is None else paths:
            pending = self._pending.pop(path)
            if pending.kind is Kind.DELETED:
                self._index.remove(path)
            else:
                self._index.put(path, pending.seen)
                self._agenda.put(_DATE_SECONDS, self._reconsider, path)
            news.append(News(pending.kind, path, pending.seen.size, now))
        return news

    def record(self, before: float) -> None:
        """The very first look: what is there is known already, except what changed after `before`."""
        for path, seen in self._place.scan():
            if seen.ctime < before:
                self._index.put(path, seen)
            else:
                self._consider(path, seen)

    def resume(self) -> None:
        """The first look of this process. If nothing known is left, it is another tree, and nothing was deleted."""
        known = list(self._index.below(""))
        missing = self.scan()
        if len(missing) == len(known):
            self._vanished = set(missing)

    def look(self, path: str, *, complete: bool = False, moved_from: str | None = None) -> None:
        """Look at a path. `complete`: its writer has finished. `moved_from`: it was renamed, from outside if empty."""
        if is_ignored(path):
            return
        seen = self._place.look(path)
        if seen is None:
            self._miss(path)
        elif seen == "folder":
            self.look_below(path, moved_from=moved_from)
        elif isinstance(seen, Stat):
            heard = Kind.NEW if complete else None
            if moved_from == "":
                heard = Kind.MOVED_IN
            elif moved_from and (before := self._pending.pop(moved_from, None)):
                # Renamed before it was told.
                heard = before.kind
            self._consider(path, seen, heard, moved_from)

    def look_below(self, folder: str, *, moved_from: str | None = None) -> None:
        """Look at all of a folder, and once more when what is going on in it has settled."""
        self.scan(folder, moved_from)
        self._agenda.put(SETTLE_SECONDS, self._scan_again, folder)

    def scan(self, folder: str = "", moved_from: str | None = None) -> list[str]:
        """Compare all of a folder with the index; an empty one is the root. The paths that are missing."""
        scan = self._place.scan(folder)
        unseen = set(self._index.below(folder))
        changed = []
        for path, seen in scan:
            unseen.discard(path)
            if self._index.get(path) != seen:
                changed.append((seen.ctime_ns, path, seen))
        # In the order in which they came.
        for _, path, seen in sorted(changed, key=lambda entry: entry[:2]):
            origin = moved_from + path.removeprefix(folder) if moved_from else moved_from
            self._consider(path, seen, None, origin)
        # After the moves, so that what was found elsewhere is not missing.
        missing = [
            path for path in unseen if self._index.get(path) is not None and not scan.is_unreadable(path)
        ]
        for path in missing:
            self._miss(path)
        return missing

    @property
    def has_lost(self) -> bool:
        """Whether there is something for `forget`."""
        return bool(self._lost)

    def forget(self) -> None:
        """Give up the documents that are still not found. To be called when all that was heard has been looked at."""
        lost, self._lost = self._lost, set()
        for path in sorted(lost):
            known = self._index.get(path)
            if known is None or not self._place.is_gone(path):
                continue
            if path in self._vanished:
                self._index.remove(path)
            else:
                self._pending[path] = _Pending(Kind.DELETED, known, 0.0, ready=True)

    def _scan_again(self, folder: str) -> None:
        self.scan(folder)

    def _consider(
        self, path: str, seen: Stat, heard: Kind | None = None, moved_from: str | None = None
    ) -> None:
        """A document is at a path. `heard`: what it is if it was not known, and that it is complete."""
        self._follow_move(path, seen, moved_from)
        known = self._index.get(path)
        if known is not None:
            if _is_unchanged(known, seen):
                self._index.put(path, seen)
                self._pending.pop(path, None)
                return
            self._index.note(path, seen)
        now = time.monotonic()
        before = self._pending.get(path)
        same = before is not None and before.seen == seen
        since = before.since if before is not None and same else now
        # Either clock may prove that it has settled: the wall clock for what is old, ours if that was set back.
        settled = max(0.0 if seen.is_certain else self._wall() - seen.ctime, now - since)
        complete = seen.is_certain or (heard and known is None)
        needed = EMPTY_SECONDS if seen.size == 0 else 0.0 if complete else SETTLE_SECONDS
        if known is not None:
            kind = Kind.VERSION
        elif heard is not None:
            kind = heard
        elif before is not None:
            kind = before.kind
        else:
            # What came with its folder is old, unless it was uploaded into it since.
            kind = Kind.MOVED_IN if moved_from == "" and settled >= SETTLE_SECONDS else Kind.NEW
        ready = settled >= needed or (before is not None and same and before.ready)
        self._pending[path] = _Pending(kind, seen, since, ready)
        if not ready:
            self._agenda.put(needed - settled, self._reconsider, path)

    def _follow_move(self, path: str, seen: Stat, moved_from: str | None) -> None:
        """Let the index know a document under its new path. What it replaces there stays known, to be compared."""
        origin = self._index.path_of(seen.inode)
        if origin is None or origin == path or not self._has_moved(origin, seen, moved_from):
            return
        known = self._index.get(origin)
        self._index.remove(origin)
        self._pending.pop(origin, None)
        if known is not None and self._index.get(path) is None:
            self._index.put(path, known)

    def _has_moved(self, origin: str, seen: Stat, moved_from: str | None) -> bool:
        still = self._place.look(origin)
        if isinstance(still, Stat) and still.inode == seen.inode:
            return False
        if seen.is_certain:
            return True
        known = self._index.get(origin)
        # The number of an inode is used again, even at once, so without the news of a rename it proves nothing alone.
        return moved_from == origin or (
            known is not None and (known.size, known.mtime_ns) == (seen.size, seen.mtime_ns)
        )

    def _reconsider(self, path: str) -> None:
        self.look(path)

    def _miss(self, path: str) -> None:
        pending = self._pending.get(path)
        if pending is not None and pending.kind is not Kind.DELETED:
            del self._pending[path]
        if self._index.get(path) is not None:
            self._agenda.put(GRACE_SECONDS, self._lose, path)

    def _lose(self, path: str) -> None:
        self._lost.add(path)


def _is_unchanged(known: Stat, seen: Stat) -> bool:
    if (known.size, known.mtime_ns) == (seen.size, seen.mtime_ns):
        return True
    if seen.is_certain or (known.inode, known.size) != (seen.inode, seen.size):
        return False
    return seen.ctime - known.ctime < _DATE_SECONDS
