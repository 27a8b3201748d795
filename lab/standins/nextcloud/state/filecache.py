"""The index of what Nextcloud believes is on disk: file ids, etags, sizes.

WebDAV answers from here, so a file put on disk by hand is not listed until `occ files:scan` or a request for
its very path (as on Nextcloud 32.0.1).
"""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lab.standins.nextcloud.state import store
from lab.standins.nextcloud.state.instance import Instance


@dataclass(frozen=True)
class Entry:
    """One row; `path` is relative to the owner's home."""

    fileid: int
    path: str
    folder: bool
    size: int
    mtime: int
    uploaded: int
    etag: str

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


class FileCache:
    """The index of one owner, within one transaction."""

    def __init__(self, connection: sqlite3.Connection, home: Path, owner: str) -> None:
        self._connection = connection
        self._home = home
        self._owner = owner

    def get(self, path: str) -> Entry | None:
        row = self._row(path)
        return None if row is None else self._entry(row)

    def children(self, path: str) -> list[Entry]:
        rows = self._connection.execute(
            "SELECT * FROM filecache WHERE owner = ? AND parent = ? AND path != '' ORDER BY path",
            (self._owner, path),
        ).fetchall()
        return [self._entry(row) for row in rows]

    def record(self, path: str, *, written: bool = False) -> bool:
        """Take one path over from the disk, keeping its id. True when the row is new or has changed.

        `written` says that the content is new even where date and size are not.

        Raises:
            OSError: the path is not on disk or cannot be looked at.
        """
        status = (self._home / path).stat()
        folder = (self._home / path).is_dir()
        size, mtime = (0 if folder else status.st_size), int(status.st_mtime)
        # As it is stored: the size of a folder is a sum over all that is below.
        known = self._row(path)
        found = (folder, mtime, size)
        same = known is not None and (known["folder"], known["storage_mtime"], known["size"]) == found
        if same and not written:
            return False
        self._connection.execute(
            "INSERT INTO filecache (owner, path, parent, folder, size, mtime, storage_mtime, etag) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (owner, path) DO UPDATE SET folder = excluded.folder, size = excluded.size, "
            "mtime = excluded.mtime, storage_mtime = excluded.storage_mtime, etag = excluded.etag",
            (self._owner, path, _parent(path), folder, size, mtime, mtime, secrets.token_hex(16)),
        )
        return True

    def set_uploaded(self, path: str, moment: int) -> None:
        """Note when a file was uploaded."""
        self._connection.execute(
            "UPDATE filecache SET uploaded = ? WHERE owner = ? AND path = ?", (moment, self._owner, path)
        )

    def record_copy(self, source: str, target: str, owner: str = "") -> None:
        """Take a copy over with everything under it; files show the date, upload and etag of what was copied.

        That is in the home of another `owner` if one is given.
        """
        self.record(target)
        if (self._home / target).is_dir():
            for child in (self._home / target).iterdir():
                self.record_copy(f"{source}/{child.name}", f"{target}/{child.name}", owner)
            return
        copied = self._connection.execute(
            "SELECT mtime, uploaded, etag FROM filecache WHERE owner = ? AND path = ?",
            (owner or self._owner, source),
        ).fetchone()
        if copied is not None:
            self._connection.execute(
                "UPDATE filecache SET mtime = ?, uploaded = ?, etag = ? WHERE owner = ? AND path = ?",
                (*copied, self._owner, target),
            )

    def propagate(self, path: str) -> None:
        """Give every parent of `path` a new etag, and the folder it is in the date it now has on disk."""
        if path and (self._home / _parent(path)).exists():
            self.record(_parent(path))
        while path:
            path = _parent(path)
            self._connection.execute(
                "UPDATE filecache SET etag = ? WHERE owner = ? AND path = ?",
                (secrets.token_hex(16), self._owner, path),
            )

    def move(self, source: str, target: str, owner: str = "") -> None:
        """Follow a rename, to the home of another `owner` if one is given; ids stay."""
        owner = owner or self._owner
        FileCache(self._connection, self._home, owner).remove(target)
        self._connection.execute(
            "UPDATE filecache SET owner = ?, path = ?, parent = ? WHERE owner = ? AND path = ?",
            (owner, target, _parent(target), self._owner, source),
        )
        length = len(source) + 1
        self._connection.execute(
            "UPDATE filecache SET owner = ?, path = ? || substr(path, ?), parent = ? || substr(parent, ?) "
            "WHERE owner = ? AND substr(path, 1, ?) = ?",
            (owner, target, length, target, length, self._owner, length, source + "/"),
        )

    def remove(self, path: str) -> None:
        """Forget a path with everything under it."""
        self._connection.execute(
            "DELETE FROM filecache WHERE owner = ? AND (path = ? OR substr(path, 1, ?) = ?)",
            (self._owner, path, len(path) + 1, path + "/"),
        )

    def by_number(self, fileid: int) -> Entry | None:
        """The file with a number, if it is the owner's."""
        row = self._connection.execute(
            "SELECT * FROM filecache WHERE owner = ? AND fileid = ?", (self._owner, fileid)
        ).fetchone()
        return None if row is None else self._entry(row)

    def _row(self, path: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._connection.execute(
            "SELECT * FROM filecache WHERE owner = ? AND path = ?", (self._owner, path)
        ).fetchone()
        return found

    def _entry(self, row: sqlite3.Row) -> Entry:
        size = row["size"]
        if row["folder"]:
            prefix = row["path"] + "/" if row["path"] else ""
            size = self._connection.execute(
                "SELECT coalesce(sum(size), 0) FROM filecache WHERE owner = ? AND substr(path, 1, ?) = ?",
                (self._owner, len(prefix), prefix),
            ).fetchone()[0]
        return Entry(
            row["fileid"],
            row["path"],
            bool(row["folder"]),
            size,
            row["mtime"],
            row["uploaded"],
            row["etag"],
        )


@contextmanager
def opened(instance: Instance, owner: str) -> Iterator[FileCache]:
    """The index of one owner, committed at the end of the block."""
    with store.connect(instance) as connection:
        yield FileCache(connection, instance.data / owner, owner)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
