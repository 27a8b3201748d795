"""Documents that are known and found in another place: renamed, which is no news.

Several may change places at once: two that exchange their names, or many whose names go round. So what a document takes
the place of stays known there, to be compared with it, until it is found elsewhere as well.

What is renamed several times within moments, by itself or with the folder that it is in, is seen only where it stays,
so the renames before that are remembered.
"""

from collections import deque
from collections.abc import Iterator

from relays.sources.nextcloud.backend import Backend
from relays.sources.nextcloud.index import Index
from relays.sources.nextcloud.tree import Stat

_MOST_UNSEEN = 10_000


class Moves:
    """Of the documents of `index`, which are in `backend`."""

    def __init__(self, backend: Backend, index: Index) -> None:
        self._backend = backend
        self._index = index
        # What has taken the place of a document that the index still has there.
        self._arrived: dict[str, Stat] = {}
        # With the conversations about them.
        self._conversations: dict[str, str] = {}
        # From where something was renamed to a path at which it was not seen, the latest ones.
        self._unseen: dict[str, str] = {}
        # All the latest renames in their order, of folders too, from where and to where; from nowhere what was made.
        self._renames: deque[tuple[str, str]] = deque(maxlen=_MOST_UNSEEN)

    def origin_of(self, path: str, moved_from: str) -> str:
        """Where what was renamed to a path was seen last, by all the renames that were heard of it."""
        self._renames.append((moved_from, path))
        origin = self._unseen.pop(moved_from, moved_from)
        self._unseen.pop(path, None)
        self._unseen[path] = origin
        if len(self._unseen) > _MOST_UNSEEN:
            del self._unseen[next(iter(self._unseen))]
        return origin

    def begins(self, path: str) -> None:
        """What is at a path by now is seen there."""
        self._unseen.pop(path, None)

    def was_made(self, path: str) -> None:
        """What is at a path by now was made there."""
        self._renames.append(("", path))
        self.begins(path)

    def has_arrived(self, path: str, seen: Stat) -> bool:
        """Whether what is seen at a path is a known document, and the index has the one there that was there before."""
        arrived = self._arrived.get(path)
        return arrived is not None and arrived.inode == seen.inode

    def over(self, path: str) -> None:
        """What was at a path before is gone for good, or there again."""
        self._arrived.pop(path, None)
        self._conversations.pop(path, None)

    def follow(self, path: str, seen: Stat, moved_from: str | None) -> str | None:
        """Let the index know a document under the path at which it was seen; the path that it left, if it left one."""
        origin = self._index.path_of(seen.inode)
        if origin is None or origin == path or not self._has_moved(origin, path, seen, moved_from):
            return None
        arrived, about_arrived = self._arrived.pop(origin, None), self._conversations.pop(origin, "")
        if arrived is not None and arrived.inode == seen.inode:
            # It was there for a moment only. What it had replaced stays known, and is missing.
            known: Stat | None = arrived
            conversation = about_arrived
        else:
            known, conversation = self._index.get(origin), self._index.conversation(origin)
            self._index.remove(origin)
            if arrived is not None:
                self._index.put(origin, arrived)
                self._index.converse(origin, about_arrived)
        if known is not None and self._index.get(path) is None:
            self._index.put(path, known)
            self._index.converse(path, conversation)
        elif known is not None:
            self._arrived[path], self._conversations[path] = known, conversation
        return origin

    def _has_moved(self, origin: str, path: str, seen: Stat, moved_from: str | None) -> bool:
        still = self._backend.look(origin)
        if isinstance(still, Stat) and still.inode == seen.inode:
            return False
        if seen.is_certain:
            return True
        arrived = self._arrived.get(origin)
        known = arrived if arrived and arrived.inode == seen.inode else self._index.get(origin)
        # The number of an inode is used again, even at once, so without the news of a rename it proves nothing alone.
        return (
            moved_from == origin
            or origin in self._before(path)
            or (known is not None and (known.size, known.mtime_ns) == (seen.size, seen.mtime_ns))
        )

    def _before(self, path: str) -> Iterator[str]:
        """Where what is at a path was before, the latest first, by each rename of it and of the folders it was in."""
        for source, target in reversed(self._renames):
            if path == target or path.startswith(f"{target}/"):
                if not source:
                    return
                path = source + path.removeprefix(target)
                yield path
