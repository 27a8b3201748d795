"""Looking at a tree on disk: names and metadata only, no document is ever opened.

Paths are relative to the root of the tree, with names that are not UTF-8 as `os.fsdecode` gives them.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_ABSENT = (errno.ENOENT, errno.ENOTDIR)
_MOUNTS = Path("/proc/self/mountinfo")

# Nextcloud 32 writes an upload to `<hash>.ocTransferId<n>.part`, older ones to `<name>.ocTransferId<n>.part`.
_TEMPORARY = re.compile(
    r"[.~]|.*\.(?:(?:part|filepart|tmp|crdownload)$|octransferid)", re.IGNORECASE | re.DOTALL
)


class Stat(NamedTuple):
    """What is remembered of a file."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @property
    def is_certain(self) -> bool:
        """Whether a server showed it: it is complete, its number is its own for ever, and `ctime` is not known."""
        return not self.ctime_ns

    @property
    def ctime(self) -> float:
        """Seconds since the epoch of the last change, which unlike mtime no client can set."""
        return self.ctime_ns / 1e9


def is_ignored(path: str) -> bool:
    """Whether a file is temporary or hidden, or lies in a hidden folder."""
    *folders, name = path.split("/")
    return bool(_TEMPORARY.match(name)) or _is_hidden(folders)


def look(root: str, path: str) -> os.stat_result | None:
    """The metadata of what is there, None if nothing is; links are not followed."""
    try:
        return os.lstat(f"{root}/{path}")
    except OSError:
        return None


def is_gone(root: str, path: str) -> bool:
    """Whether there is certainly nothing; of what lies in a folder that cannot be read nothing is certain."""
    try:
        os.lstat(f"{root}/{path}")
    except OSError as error:
        return error.errno in _ABSENT
    return False


def stat_of(status: os.stat_result) -> Stat | None:
    """What to remember of it, None unless it is a regular file."""
    if not stat.S_ISREG(status.st_mode):
        return None
    return Stat(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Scan:
    """The files below a folder as they are found, without the temporary and hidden ones.

    An empty `folder` is the root. After the last file, `is_unreadable` tells what could not be looked at.
    """

    def __init__(self, root: str, folder: str = "") -> None:
        self._root = root
        self._folder = folder
        self._unreadable: set[str] = set()

    def __iter__(self) -> Iterator[tuple[str, Stat]]:
        waiting = [self._folder] if not _is_hidden(self._folder.split("/")) else []
        while waiting:
            current = waiting.pop()
            prefix = f"{current}/" if current else ""
            try:
                for entry in _entries(f"{self._root}/{current}" if current else self._root):
                    name = entry.name
                    if entry.is_dir(follow_symlinks=False):
                        if not name.startswith("."):
                            waiting.append(prefix + name)
                    elif not _TEMPORARY.match(name) and (known := _stat_of_entry(entry)) is not None:
                        yield prefix + name, known
            except OSError as error:
                # A folder that is gone has no files; of one that cannot be read nothing is known. A root is never gone.
                if not current or error.errno not in _ABSENT:
                    self._unreadable.add(current)

    def is_unreadable(self, path: str) -> bool:
        """Whether the path is in a folder that could not be read, so that not finding it means nothing."""
        return any(not folder or path.startswith(folder + "/") for folder in self._unreadable)


def folders(root: str) -> Iterator[tuple[str, int]]:
    """The folders that a scan looks into, the root apart, with their inodes."""
    waiting = [""]
    while waiting:
        current = waiting.pop()
        with suppress(OSError):
            for entry in _entries(f"{root}/{current}" if current else root):
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                    path = f"{current}/{entry.name}" if current else entry.name
                    waiting.append(path)
                    yield path, entry.inode()


def identity(root: str) -> tuple[int, int, str] | None:
    """What tells the tree from one that takes its place: inode, and for a mount what is mounted. None if it is gone.

    A bind mount goes on showing a folder that was renamed or deleted, and the kernel tells it in mountinfo.
    """
    try:
        status = os.lstat(root)
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    source = ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if _unescape(fields[4]) == root:
            source = fields[3]
    if source.endswith("//deleted") or not stat.S_ISDIR(status.st_mode):
        return None
    return status.st_dev, status.st_ino, source


def _is_hidden(folders: list[str]) -> bool:
    return any(folder.startswith(".") for folder in folders)


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from entries


def _stat_of_entry(entry: os.DirEntry[str]) -> Stat | None:
    try:
        return stat_of(entry.stat(follow_symlinks=False))
    except OSError:
        return None


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
