"""The tracker: compares the tree on disk with the index, and says what happened to documents.

What was heard of the tree only says where to look; what is there decides:

    at a known path             the same document; if its size or its date changed, a new version of it
    at a new path, known inode  the document that was elsewhere, if it is not there any more (sources.nextcloud.moves)
    else                        a document to be announced, once, when it is complete: moved in if that was heard
    a known path, nothing there after a moment: deleted

Complete means that its writer closed it or that it was renamed into place, or, where nothing of that could be heard,
that it has not changed for a while (open_writers). An overwrite that its client broke off looks like one
that was finished (measured on Nextcloud 32).

A document that vanishes is remembered for a moment: programs that save by replacing, and Nextcloud when it restores
a version, take it away and put it back.

The index learns of a document when its news are taken, and not before: what is never announced is found again. So no
more of them are held in memory at once than a bound; the others are found by the next scan, which comes soon then.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from relays.sources.nextcloud.backend import Backend
from relays.sources.nextcloud.changes import Kind, News
from relays.sources.nextcloud.diff import DATE_SECONDS, is_alike, is_as_long, is_unchanged, side_by_side
from relays.sources.nextcloud.index import Index
from relays.sources.nextcloud.moves import Moves
from relays.sources.nextcloud.open_writers import SETTLE_SECONDS, OpenWriters
from relays.sources.nextcloud.timer_queue import TimerQueue
from relays.sources.nextcloud.tree import Stat, is_ignored

GRACE_SECONDS = 2.0
MOST_PENDING = 20_000
_AT_ONCE = 5000


@dataclass(frozen=True)
class Pending:
    """What is not announced yet: as what, as it was seen last, since when it has been like that, and if it can be.

    `created`, `closed`: what was heard of its writer. `after`: it became like that after then (Backend.known_since).
    """

    kind: Kind
    seen: Stat
    since: float
    ready: bool
    created: bool = False
    closed: bool = False
    after: float = 0.0


class Tracker:
    """Watches over the tree of `backend` with what the index knows. `wall` is the clock of the file system."""

    def __init__(
        self, backend: Backend, index: Index, timers: TimerQueue, wall: Callable[[], float] = time.time
    ) -> None:
        self._backend = backend
        self._index = index
        self._timers = timers
        self._wall = wall
        self._moves = Moves(backend, index)
        self._writing = OpenWriters(backend.is_local)
        self._pending: dict[str, Pending] = {}
        # With what was known of them then (Backend.known_since).
        self._missing: dict[str, float] = {}
        self._lost: set[str] = set()
        self._is_other_tree = False

    def ready(self) -> dict[str, Kind]:
        """What there is to announce, by the paths, in the order in which it was found out."""
        return {path: pending.kind for path, pending in self._pending.items() if pending.ready}

    def about(self, path: str) -> Pending:
        """What there is to announce of a path that is ready."""
        return self._pending[path]

    def known(self, path: str) -> Stat | None:
        """The document at a path as it was known before."""
        return self._index.get(path)

    def take_news(self, paths: Iterable[str] | None = None) -> list[News]:
        """What there is to announce, of these paths or of all; the index knows it from now on."""
        now = datetime.now()
        news = []
        for path in self.ready() if paths is None else paths:
            pending = self._pending.pop(path)
            known = self._index.get(path)
            self._moves.over(path)
            if pending.kind is Kind.DELETED:
                self._index.remove(path)
            else:
                self._index.put(path, pending.seen)
                self._timers.put(DATE_SECONDS, self._reconsider, path)
            # Where another document took its place, it may be one with the same content.
            if pending.kind is not Kind.VERSION or known is None or not is_alike(known, pending.seen):
                news.append(News(pending.kind, path, pending.seen.size, now))
        return news

    def hears(self, folder: str, since: float) -> None:
        """All that happens below a folder is heard since then, in seconds since the epoch; never: infinity."""
        self._writing.hears(folder, since)
        for path, pending in self._pending.items() if not folder else ():
            if not pending.ready:
                self._timers.put(0.0, self._reconsider, path)

    def record(self, before: float) -> Iterator[None]:
        """The very first look: what is there is known already, except what changed after `before`.

        Now and then it stops for what the index has learnt to be stored.
        """
        for path, seen, known in side_by_side(self._backend.scan(), self._index.below("")):
            if seen is None:
                continue
            if known is None and seen.ctime < before:
                self._index.add(path, seen)
            elif known != seen:
                self._consider(path, seen)
            if self._index.unwritten >= _AT_ONCE:
                yield

    def resume(self) -> None:
        """The first look of this process. If nothing known is left, it is another tree, and nothing was deleted."""
        known = len(self._index)
        missing, count = self._find("", None)
        if count == known > 0:
            self._timers.put(GRACE_SECONDS, self._give_up_all, "")
        else:
            self._miss_all(missing, count)

    def look(
        self, path: str, *, created: bool = False, closed: bool = False, moved_from: str | None = None
    ) -> None:
        """Look at a path.

        `created`, `closed`: that was heard of its writer. `moved_from`: it was renamed, from outside if empty.
        """
        if moved_from is not None:
            moved_from = self._moves.origin_of(path, moved_from)
        elif created:
            self._moves.was_made(path)
        if is_ignored(path):
            return
        seen = self._backend.look(path)
        if seen is None:
            self._miss(path)
            return
        self._moves.begins(path)
        if seen == "folder":
            self._look_below(path, moved_from)
        elif isinstance(seen, Stat):
            heard = Kind.NEW if closed or moved_from is not None else None
            if moved_from == "":
                heard = Kind.MOVED_IN
            elif moved_from and (before := self._pending.pop(moved_from, None)):
                # Renamed before it was announced.
                heard = before.kind
            self._consider(path, seen, heard, moved_from, created=created)

    def look_below(self, folder: str, *, moved_from: str | None = None) -> None:
        """Look at all of a folder, and once more when what is going on in it has settled."""
        if moved_from is not None:
            moved_from = self._moves.origin_of(folder, moved_from)
            if self._backend.look(folder) is not None:
                self._moves.begins(folder)
        self._look_below(folder, moved_from)

    def _look_below(self, folder: str, moved_from: str | None) -> None:
        self.scan(folder, moved_from)
        self._timers.put(SETTLE_SECONDS, self._scan_again, folder)

    def scan(self, folder: str = "", moved_from: str | None = None) -> None:
        """Compare all of a folder with the index; an empty one is the root."""
        self._miss_all(*self._find(folder, moved_from))

    @property
    def has_lost(self) -> bool:
        """Whether there is something for `forget`."""
        return bool(self._lost) or self._is_other_tree

    def forget(self) -> None:
        """Give up the documents that are still not found. To be called when all that was heard has been looked at."""
        lost, self._lost = self._lost, set()
        for path in sorted(lost):
            known, after = self._index.get(path), self._missing.pop(path, 0.0)
            if known is None or not self._backend.is_gone(path):
                continue
            if self._has_room(path):
                self._pending[path] = Pending(Kind.DELETED, known, 0.0, ready=True, after=after)
        if self._is_other_tree:
            self._is_other_tree = False
            for path, seen, _ in side_by_side(self._backend.scan(), self._index.below("")):
                if seen is None and self._backend.is_gone(path):
                    self._moves.over(path)
                    self._index.remove(path)
                if self._index.unwritten >= MOST_PENDING:
                    self._is_other_tree = True
                    break

    def _find(self, folder: str, moved_from: str | None) -> tuple[list[str], int]:
        """Consider all documents below a folder; those that are missing, the first ones, and how many."""
        changed: list[tuple[int, str, Stat]] = []
        missing: list[str] = []
        count = 0
        scan = self._backend.scan(folder)
        for path, seen, known in side_by_side(scan, self._index.below(folder)):
            if seen is None:
                count += 1
                if len(missing) < MOST_PENDING:
                    missing.append(path)
            elif known != seen:
                changed.append((seen.ctime_ns, path, seen))
            if len(changed) >= _AT_ONCE:
                self._consider_all(changed, folder, moved_from)
        self._consider_all(changed, folder, moved_from)
        # After the moves, so that what was found elsewhere is not missing.
        lost = [
            path for path in missing if self._index.get(path) is not None and not scan.is_unreadable(path)
        ]
        return lost, count - len(missing) + len(lost)

    def _consider_all(
        self, changed: list[tuple[int, str, Stat]], folder: str, moved_from: str | None
    ) -> None:
        # In the order in which they came.
        for _, path, seen in sorted(changed, key=lambda entry: entry[:2]):
            origin = moved_from + path.removeprefix(folder) if moved_from else moved_from
            self._consider(path, seen, None, origin)
        changed.clear()

    def _miss_all(self, missing: list[str], count: int) -> None:
        for path in missing:
            self._miss(path)
        if count > len(missing):
            self._come_back()

    def _consider(
        self,
        path: str,
        seen: Stat,
        heard: Kind | None = None,
        moved_from: str | None = None,
        *,
        created: bool = False,
    ) -> None:
        """A document is at a path. `heard`: what it is if it was not known, and that it is complete."""
        self._missing.pop(path, None)
        left = self._moves.follow(path, seen, moved_from)
        if left is not None:
            self._pending.pop(left, None)
            self._missing.pop(left, None)
        known = self._index.get(path)
        before = self._pending.get(path)
        same = before is not None and before.seen == seen
        closed = heard is not None or (before is not None and before.closed and is_as_long(before.seen, seen))
        if known is not None:
            if not self._moves.has_arrived(path, seen) and (
                is_unchanged(known, seen) or (not closed and self._writing.is_only_dated(path, known, seen))
            ):
                self._index.put(path, seen)
                self._pending.pop(path, None)
                return
            self._index.note(path, seen)
        if before is None and not self._has_room(path):
            return
        created = created or (before is not None and before.created)
        now = time.monotonic()
        since = before.since if before is not None and same else now
        # Either clock may prove that it has settled: the wall clock for what is old, ours if that was set back.
        settled = max(0.0 if seen.is_certain else self._wall() - seen.ctime, now - since)
        needed = self._writing.seconds_needed(
            path, seen, closed=closed, is_known=known is not None, is_heard=created or known is not None
        )
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
        after = before.after if before is not None and same else self._backend.known_since
        self._pending[path] = Pending(kind, seen, since, ready, created, closed, after)
        if not ready:
            self._timers.put(needed - settled, self._reconsider, path)

    def _has_room(self, path: str) -> bool:
        if len(self._pending) < MOST_PENDING or path in self._pending:
            return True
        self._come_back()
        return False

    def _come_back(self) -> None:
        self._timers.put(SETTLE_SECONDS, self._scan_again, "")

    def _scan_again(self, folder: str) -> None:
        self.scan(folder)

    def _reconsider(self, path: str) -> None:
        self.look(path)

    def _miss(self, path: str) -> None:
        pending = self._pending.get(path)
        if pending is not None and pending.kind is not Kind.DELETED:
            del self._pending[path]
        if self._index.get(path) is not None:
            self._missing.setdefault(path, self._backend.known_since)
            self._timers.put(GRACE_SECONDS, self._lose, path)

    def _lose(self, path: str) -> None:
        self._lost.add(path)

    def _give_up_all(self, folder: str) -> None:
        self._is_other_tree = True
