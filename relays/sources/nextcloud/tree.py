"""Looking at a tree on disk: names and metadata only, no document is ever opened.

Paths are relative to the root of the tree, with names that are not UTF-8 as `os.fsdecode` gives them.
"""

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# Of a document that an earlier release has put down.
UNKNOWN_DATE = -1

_ABSENT = (errno.ENOENT, errno.ENOTDIR)
_MOUNTS = Path("/proc/self/mountinfo")
BOUND = "/run/passerelle"
"""How the folders begin that the service's trees are mounted on."""
_LOCAL = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "tmpfs")

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
    """The metadata of what is there, None if nothing is; links are not followed, in the folders above neither."""
    try:
        _refuse_links(root, path)
        return os.lstat(f"{root}/{path}")
    except OSError:
        return None


def is_gone(root: str, path: str) -> bool:
    """Whether there is certainly nothing; of what lies in a folder that cannot be read nothing is certain."""
    try:
        _refuse_links(root, path)
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
    """The files below a folder as they are found, without the temporary and hidden ones, in the order of their bytes.

    An empty `folder` is the root. After the last file, `is_unreadable` says what could not be looked at. No more than
    the names in the folders on the way to a file are held in memory.
    """

    def __init__(self, root: str, folder: str = "") -> None:
        self._root = os.fsencode(root)
        self._folder = folder
        self._unreadable: set[str] = set()

    def __iter__(self) -> Iterator[tuple[str, Stat]]:
        if _is_hidden(self._folder.split("/")):
            return
        top = os.fsencode(self._folder)
        for path in in_order(self._names, top + b"/" if top else b""):
            try:
                known = stat_of(os.lstat(self._root + b"/" + path))
            except OSError:
                continue
            if known is not None:
                yield os.fsdecode(path), known

    def is_unreadable(self, path: str) -> bool:
        """Whether the path is in a folder that could not be read, so that not finding it means nothing."""
        return any(not folder or path.startswith(folder + "/") for folder in self._unreadable)

    def _names(self, folder: bytes) -> list[bytes]:
        """What is in a folder and not ignored; a folder's name ends with a slash."""
        names = []
        try:
            for name, is_folder in _entries(self._root + b"/" + folder[:-1]):
                if is_folder:
                    if not name.startswith(b"."):
                        names.append(name + b"/")
                elif not _TEMPORARY.match(os.fsdecode(name)):
                    names.append(name)
        except OSError as error:
            # A folder that is gone has no files; of one that cannot be read nothing is known. A root is never gone.
            if not folder or error.errno not in _ABSENT:
                self._unreadable.add(os.fsdecode(folder).rstrip("/"))
        return names


def in_order(names: Callable[[bytes], list[bytes]], top: bytes) -> Iterator[bytes]:
    """The paths of all files below `top` in the order of their bytes.

    `names` gives the names in a folder; those of folders, like `top` unless it is empty, end with a slash.
    """
    waiting = [(top, _last_first(names(top)))]
    while waiting:
        folder, below = waiting[-1]
        if not below:
            waiting.pop()
        elif (path := folder + below.pop()).endswith(b"/"):
            waiting.append((path, _last_first(names(path))))
        else:
            yield path


def folders(root: str) -> Iterator[tuple[str, int]]:
    """The folders that a scan looks into, the root apart, with their inodes."""
    waiting = [""]
    while waiting:
        current = waiting.pop()
        with suppress(OSError), os.scandir(f"{root}/{current}" if current else root) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                    path = f"{current}/{entry.name}" if current else entry.name
                    waiting.append(path)
                    yield path, entry.inode()


def identity(root: str) -> tuple[int, int, str] | None:
    """What distinguishes the tree from one in its place: inode, and for a mount what is mounted. None if it is gone.

    A bind mount goes on showing a folder that was renamed or deleted, and the kernel says so in mountinfo. Below BOUND
    a folder that nothing is mounted on is what an earlier mount has left: the tree was not there at the start.
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
    is_left = not source and root.startswith(BOUND)
    if is_left or source.endswith("//deleted") or not stat.S_ISDIR(status.st_mode):
        return None
    return status.st_dev, status.st_ino, source


def is_local(root: str) -> bool:
    """Whether the kernel reports all that is written below a root; of network storage it says what this host wrote."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
    kind, deepest = "", -1
    for line in mounts.splitlines():
        fields = line.split(" ")
        point = _unescape(fields[4]).rstrip("/")
        # Of mounts over one another the last one shows.
        if (root == point or root.startswith(f"{point}/")) and len(point) >= deepest:
            kind, deepest = fields[fields.index("-") + 1], len(point)
    return kind in _LOCAL


def _is_hidden(folders: list[str]) -> bool:
    return any(folder.startswith(".") for folder in folders)


def _entries(folder: bytes) -> Iterator[tuple[bytes, bool]]:
    """The names in a folder, each with whether it is one of a folder. OSError."""
    # What was a folder a moment ago may be a link elsewhere now.
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        with os.scandir(opened) as entries:
            for entry in entries:
                yield os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)
    finally:
        os.close(opened)


def _refuse_links(root: str, path: str) -> None:
    """OSError unless all that is above a path in the tree are folders."""
    folder = root
    for name in path.split("/")[:-1]:
        folder += f"/{name}"
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "not a folder")


def _last_first(names: list[bytes]) -> list[bytes]:
    names.sort(reverse=True)
    return names


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
