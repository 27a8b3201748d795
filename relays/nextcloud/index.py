"""The index: the documents of a tree that are known, stored beside the outbox and mirrored in memory.

Changes are gathered and written by `apply` inside the transaction that also stores the notifications about them:
a document is known exactly when its notification is stored.
"""

import os
import sqlite3
from collections.abc import Iterator

from relays.nextcloud.tree import Stat
from relays.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS trees (
    tree TEXT PRIMARY KEY  -- looked at once, so that what is not in documents is new
);
CREATE TABLE IF NOT EXISTS documents (
    tree     TEXT NOT NULL,
    path     BLOB NOT NULL,  -- relative; names need not be UTF-8
    inode    BIGINT NOT NULL,
    size     BIGINT NOT NULL,
    mtime_ns BIGINT NOT NULL,
    ctime_ns BIGINT NOT NULL,
    PRIMARY KEY (tree, path)
);
"""


class Index:
    """The known documents of the tree called `tree`."""

    def __init__(self, store: Store, tree: str) -> None:
        self._tree = tree
        self.is_new = not store.read("SELECT 1 FROM trees WHERE tree = ?", (tree,))
        rows = store.read(
            "SELECT path, inode, size, mtime_ns, ctime_ns FROM documents WHERE tree = ?", (tree,)
        )
        self._documents = {os.fsdecode(path): Stat(*values) for path, *values in rows}
        self._by_inode = {known.inode: path for path, known in self._documents.items()}
        self._changed: dict[str, Stat | None] = {}

    def __len__(self) -> int:
        return len(self._documents)

    def get(self, path: str) -> Stat | None:
        """What is remembered of the document at a path."""
        return self._documents.get(path)

    def path_of(self, inode: int) -> str | None:
        """Where the document with an inode was last."""
        return self._by_inode.get(inode)

    def below(self, folder: str) -> Iterator[str]:
        """The paths of the known documents below a folder; an empty one is the root."""
        prefix = f"{folder}/" if folder else ""
        return (path for path in list(self._documents) if path.startswith(prefix))

    def put(self, path: str, known: Stat) -> None:
        """A document is at a path, as it is now."""
        before = self._documents.get(path)
        if before is not None and before.inode != known.inode and self._by_inode.get(before.inode) == path:
            # The number is free for another document, which would be taken for this one.
            del self._by_inode[before.inode]
        if before != known:
            self._documents[path] = known
            self._changed[path] = known
        self._by_inode[known.inode] = path

    def note(self, path: str, seen: Stat) -> None:
        """The document at a path is another file now, of which nothing is told yet."""
        self._by_inode[seen.inode] = path

    def remove(self, path: str) -> None:
        """There is no document at a path any more."""
        known = self._documents.pop(path, None)
        if known is not None:
            self._changed[path] = None
            if self._by_inode.get(known.inode) == path:
                del self._by_inode[known.inode]

    @property
    def has_changes(self) -> bool:
        """Whether there is something for `apply`."""
        return bool(self._changed) or self.is_new

    def apply(self, db: sqlite3.Connection) -> None:
        """Write what changed since `settled` was last called."""
        db.execute("INSERT INTO trees (tree) VALUES (?) ON CONFLICT (tree) DO NOTHING", (self._tree,))
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
