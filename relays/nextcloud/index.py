"""The index: the documents of a tree that are known, stored beside the outbox and mirrored in memory.

Changes are gathered and written by `apply` inside the transaction that also stores the notifications about them:
a document is known exactly when its notification is stored.
"""

import os
from bisect import bisect_left, insort
from collections.abc import Collection, Iterator

from relays.engine import Database
from relays.nextcloud.tree import Stat
from relays.store import Store

_READ_AT_ONCE = 1000


class Index:
    """The known documents of the tree called `tree`.

    `known_before` is a time in seconds since the epoch if some of them may be missing: what changed before is known.
    """

    def __init__(self, store: Store, tree: str) -> None:
        self._tree = tree
        self.is_new = not store.read("SELECT 1 FROM trees WHERE tree = ?", (tree,))
        rescued = store.read("SELECT known_before FROM rescued_trees WHERE tree = ?", (tree,))
        self.known_before: float | None = rescued[0][0] if rescued else None
        # By folder, with the folders in order: those below one follow each other.
        self._documents: dict[str, dict[str, Stat]] = {}
        self._folders: list[str] = []
        self._by_inode: dict[int, str] = {}
        self._changed: dict[str, Stat | None] = {}
        for path, known in self._read(store):
            self._add(path, known)

    def __len__(self) -> int:
        return sum(map(len, self._documents.values()))

    def get(self, path: str) -> Stat | None:
        """What is remembered of the document at a path."""
        return self._documents.get(_folder(path), {}).get(path)

    def path_of(self, inode: int) -> str | None:
        """Where the document with an inode was last."""
        return self._by_inode.get(inode)

    def below(self, folder: str) -> Iterator[str]:
        """The paths of the known documents below a folder; an empty one is the root."""
        if not folder:
            inside = self._folders
        else:
            # The names that start with `folder/` end before `folder0`, for 0 comes after /.
            first, last = (bisect_left(self._folders, folder + end) for end in "/0")
            inside = [folder, *self._folders[first:last]]
        for each in inside:
            yield from self._documents.get(each, ())

    def put(self, path: str, known: Stat) -> None:
        """A document is at a path, as it is now."""
        before = self.get(path)
        if before is not None and before.inode != known.inode and self._by_inode.get(before.inode) == path:
            # The number is free for another document, which would be taken for this one.
            del self._by_inode[before.inode]
        if before != known:
            self._add(path, known)
            self._changed[path] = known
        elif self._by_inode.get(known.inode) != path:
            self._by_inode[known.inode] = path

    def note(self, path: str, seen: Stat) -> None:
        """The document at a path is another file now, of which nothing is told yet."""
        self._by_inode[seen.inode] = path

    def remove(self, path: str) -> None:
        """There is no document at a path any more."""
        folder = _folder(path)
        known = self._documents.get(folder, {}).pop(path, None)
        if known is not None:
            self._changed[path] = None
            if not self._documents[folder]:
                del self._documents[folder]
                del self._folders[bisect_left(self._folders, folder)]
            if self._by_inode.get(known.inode) == path:
                del self._by_inode[known.inode]

    def _add(self, path: str, known: Stat) -> None:
        folder = _folder(path)
        if folder not in self._documents:
            self._documents[folder] = {}
            insort(self._folders, folder)
        self._documents[folder][path] = known
        self._by_inode[known.inode] = path

    def _read(self, store: Store) -> Iterator[tuple[str, Stat]]:
        # Part by part: all rows at once would take as much memory again as the index itself.
        last = b""
        while rows := store.read(
            "SELECT path, inode, size, mtime_ns, ctime_ns FROM documents WHERE tree = ? AND path > ?"
            " ORDER BY path LIMIT ?",
            (self._tree, last, _READ_AT_ONCE),
        ):
            for path, *values in rows:
                yield os.fsdecode(path), Stat(*values)
            last = rows[-1][0]

    @property
    def has_changes(self) -> bool:
        """Whether there is something for `apply`."""
        return bool(self._changed) or self.is_new or self.known_before is not None

    def apply(self, db: Database) -> None:
        """Write what changed since `settled` was last called."""
        db.execute("INSERT INTO trees (tree) VALUES (?) ON CONFLICT (tree) DO NOTHING", (self._tree,))
        db.execute("DELETE FROM rescued_trees WHERE tree = ?", (self._tree,))
        for path, known in self._changed.items():
            where = (self._tree, os.fsencode(path))
            db.execute("DELETE FROM documents WHERE tree = ? AND path = ?", where)
            if known is not None:
                values = (known.inode, known.size, known.mtime_ns, known.ctime_ns)
                db.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)", (*where, *values))

    def settled(self) -> None:
        """What `apply` wrote is committed."""
        self._changed.clear()
        self.is_new = False
        self.known_before = None


def forget_others(db: Database, trees: Collection[str]) -> None:
    """Forget the trees that are not among `trees`: if one of them is watched again, what it has by then is no news."""
    for (tree,) in db.execute("SELECT tree FROM trees UNION SELECT tree FROM documents").fetchall():
        if tree not in trees:
            db.execute("DELETE FROM documents WHERE tree = ?", (tree,))
            db.execute("DELETE FROM rescued_trees WHERE tree = ?", (tree,))
            db.execute("DELETE FROM trees WHERE tree = ?", (tree,))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
