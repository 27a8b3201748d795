"""The index: the documents of a tree that are known, stored beside the outbox.

Changes are gathered in memory and written by `apply`, inside the transaction that also stores the notifications about
them: a document is known exactly when its notification is stored. All else stays in the database, so that it takes no
memory how many documents there are.
"""

import os
from collections.abc import Collection, Iterator
from heapq import merge

from relays.sources.nextcloud.tree import Stat
from relays.storage.engine import Database
from relays.storage.store import Store

_READ_AT_ONCE = 1000
# No path is longer (PATH_MAX), so that all come before it.
_LAST = b"\xff" * 4097


class Index:
    """The known documents of the tree called `tree`.

    `is_new`: the tree was never looked at as a whole, so that what is not known is not new. `known_before` is a time in
    seconds since the epoch if some documents may be missing: what changed before is known.
    """

    def __init__(self, store: Store, tree: str) -> None:
        self._store = store
        self._tree = tree
        self.is_new = not store.read("SELECT 1 FROM trees WHERE tree = ?", (tree,))
        rescued = store.read("SELECT known_before FROM rescued_trees WHERE tree = ?", (tree,))
        self.known_before: float | None = rescued[0][0] if rescued else None
        ((self._count,),) = store.read("SELECT count(*) FROM documents WHERE tree = ?", (tree,))
        self._changed: dict[str, Stat | None] = {}
        # By inode: where those that changed are now, and those that are another file of which nothing is announced yet.
        self._moved: dict[int, str] = {}
        self._noted: dict[str, int] = {}
        # Conversations that are others than those stored, by path.
        self._conversations: dict[str, str] = {}

    def __len__(self) -> int:
        return int(self._count)

    def get(self, path: str) -> Stat | None:
        """What is remembered of the document at a path."""
        if path in self._changed:
            return self._changed[path]
        rows = self._store.read(
            "SELECT inode, size, mtime_ns, ctime_ns FROM documents WHERE tree = ? AND path = ?",
            (self._tree, os.fsencode(path)),
        )
        return Stat(*rows[0]) if rows else None

    def conversation(self, path: str) -> str:
        """The conversation about the document at a path; empty if there is none yet."""
        if path in self._conversations:
            return self._conversations[path]
        rows = self._store.read(
            "SELECT conversation FROM documents WHERE tree = ? AND path = ?", (self._tree, os.fsencode(path))
        )
        return str(rows[0][0]) if rows else ""

    def converse(self, path: str, conversation: str) -> None:
        """The document that is known at a path is spoken of in this conversation."""
        self._conversations[path] = conversation

    def path_of(self, inode: int) -> str | None:
        """Where the document with an inode was last."""
        if inode in self._moved:
            return self._moved[inode]
        rows = self._store.read(
            "SELECT path FROM documents WHERE tree = ? AND inode = ?", (self._tree, inode)
        )
        paths = (os.fsdecode(path) for (path,) in rows)
        return next((path for path in paths if path not in self._changed), None)

    def below(self, folder: str) -> Iterator[tuple[str, Stat]]:
        """The known documents below a folder in the order of the bytes of their paths; an empty one is the root.

        Changes may be made meanwhile. Of those behind what was given last, some show and some do not.
        """
        # The names that start with `folder/` end before `folder0`, for 0 comes after /.
        first, end = (os.fsencode(folder) + sign for sign in (b"/", b"0")) if folder else (b"", _LAST)
        changed = sorted((os.fsencode(path), known) for path, known in self._changed.items() if known)
        last = None
        for raw, known in merge(
            self._stored(first, end), (each for each in changed if first < each[0] < end)
        ):
            path = os.fsdecode(raw)
            now = self._changed.get(path, known)
            if now is not None and path != last:
                last = path
                yield path, now

    def put(self, path: str, known: Stat) -> None:
        """A document is at a path, as it is now."""
        before = self.get(path)
        if before == known:
            if known.inode in self._moved:
                self._moved[known.inode] = path
            return
        self._forget_place(path, before)
        self._moved[known.inode] = path
        self._count += before is None
        self._changed[path] = known

    def add(self, path: str, known: Stat) -> None:
        """A document is at a path of which nothing was known."""
        self._count += 1
        self._moved[known.inode] = path
        self._changed[path] = known

    def note(self, path: str, seen: Stat) -> None:
        """The document at a path is another file now, of which nothing is announced yet."""
        self._moved[seen.inode] = path
        self._noted[path] = seen.inode

    def remove(self, path: str) -> None:
        """There is no document at a path any more."""
        known = self.get(path)
        self._forget_place(path, known)
        if known is not None:
            self._count -= 1
            self._changed[path] = None
            # What comes to this path is another document.
            self._conversations[path] = ""

    @property
    def has_changes(self) -> bool:
        """Whether there is something for `apply`."""
        return bool(self._changed) or self.is_new or self.known_before is not None

    @property
    def unwritten(self) -> int:
        """How many changes are held in memory."""
        return len(self._changed)

    def apply(self, db: Database, whole: bool = True) -> None:
        """Write what changed since `settled` was last called, and that the tree was looked at as a whole, if it was."""
        if whole:
            db.execute("INSERT INTO trees (tree) VALUES (?) ON CONFLICT (tree) DO NOTHING", (self._tree,))
            db.execute("DELETE FROM rescued_trees WHERE tree = ?", (self._tree,))
        for path, known in self._changed.items():
            where = (self._tree, os.fsencode(path))
            if known is None:
                db.execute("DELETE FROM documents WHERE tree = ? AND path = ?", where)
            else:
                db.execute(
                    "INSERT INTO documents (tree, path, inode, size, mtime_ns, ctime_ns) VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (tree, path) DO UPDATE SET inode = excluded.inode, size = excluded.size,"
                    " mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns",
                    (*where, *known),
                )
        for path, conversation in self._conversations.items():
            db.execute(
                "UPDATE documents SET conversation = ? WHERE tree = ? AND path = ? AND conversation <> ?",
                (conversation, self._tree, os.fsencode(path), conversation),
            )

    def settled(self, whole: bool = True) -> None:
        """What `apply` wrote is committed."""
        self._changed.clear()
        self._conversations.clear()
        self._moved = {inode: path for path, inode in self._noted.items()}
        if whole:
            self.is_new = False
            self.known_before = None

    def _forget_place(self, path: str, known: Stat | None) -> None:
        """The numbers that led to a path are free for other documents, which would be taken for this one."""
        for inode in (known.inode if known else None, self._noted.pop(path, None)):
            if inode is not None and self._moved.get(inode) == path:
                del self._moved[inode]

    def _stored(self, first: bytes, end: bytes) -> Iterator[tuple[bytes, Stat]]:
        # Part by part: all rows at once would take as much memory as there are documents.
        while rows := self._store.read(
            "SELECT path, inode, size, mtime_ns, ctime_ns FROM documents"
            " WHERE tree = ? AND path > ? AND path < ? ORDER BY path LIMIT ?",
            (self._tree, first, end, _READ_AT_ONCE),
        ):
            for path, *values in rows:
                yield path, Stat(*values)
            first = rows[-1][0]


def forget_others(db: Database, trees: Collection[str]) -> None:
    """Forget the trees that are not among `trees`: if one of them is watched again, what it has by then is no news."""
    for (tree,) in db.execute("SELECT tree FROM trees UNION SELECT tree FROM documents").fetchall():
        if tree not in trees:
            db.execute("DELETE FROM documents WHERE tree = ?", (tree,))
            # A document that comes back with its tree begins another conversation: nobody takes it in the former one.
            db.execute("DELETE FROM document_threads WHERE tree = ?", (tree,))
            db.execute("DELETE FROM rescued_trees WHERE tree = ?", (tree,))
            db.execute("DELETE FROM trees WHERE tree = ?", (tree,))
