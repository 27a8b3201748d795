"""Where a tree is looked at: on this machine's disk, or where else its documents show (sources.nextcloud.webdav)."""

import stat
from collections.abc import Iterator
from typing import Literal, Protocol

from relays.sources.nextcloud import tree
from relays.sources.nextcloud.tree import Stat
from relays.sources.nextcloud.watch import Hints, Watch

Seen = Stat | Literal["folder", "other"] | None
"""What is at a path: a document, a folder, what is neither, or nothing."""


class Watching(Protocol):
    """Puts hints about a tree into a queue."""

    @property
    def alive(self) -> bool:
        """Whether it still hears."""

    def unwatched(self) -> set[str]:
        """The folders that it does not reach."""

    def stop(self) -> None:
        """Hear nothing more."""


class Scanning(Protocol):
    """The files below a folder, without the temporary and hidden ones, in the order of the bytes of their paths."""

    def __iter__(self) -> Iterator[tuple[str, Stat]]: ...

    def is_unreadable(self, path: str) -> bool:
        """Whether not finding the path means nothing. To be asked after the last file."""


class Backend(Protocol):
    """A tree. No method waits for anybody; paths are relative to its root, and an empty one is the root.

    `name` distinguishes it from others. `is_local`: whether whatever is written there is heard. `is_known`: whether it
    was looked at at all. `is_unreachable`: whether it cannot be looked at any more, so that what is known of it gets
    old. `known_since`: what is different now was done after that, by the clock of Nextcloud; 0 if that is not known.
    """

    name: str
    is_local: bool
    is_known: bool
    is_unreachable: bool
    known_since: float

    def identity(self) -> object | None:
        """What distinguishes the tree from one that takes its place. None if it is gone."""

    def look(self, path: str) -> Seen:
        """What is at a path."""

    def uploaded(self, path: str) -> int | None:
        """When the document at a path was uploaded, 0 if it came otherwise, None if the backend does not say."""

    def is_gone(self, path: str) -> bool:
        """Whether there is certainly nothing at a path."""

    def scan(self, folder: str = "") -> Scanning:
        """Look for all files below a folder."""

    def watch(self, hints: Hints) -> Watching:
        """Have hints put into a queue from now on. OSError if the tree cannot be watched."""


class Disk:
    """The tree at `root` on the disk."""

    is_known = True
    is_unreachable = False
    known_since = 0.0

    def __init__(self, root: str) -> None:
        self.name = root
        self.is_local = tree.is_local(root)

    def identity(self) -> object | None:
        return tree.identity(self.name)

    def look(self, path: str) -> Seen:
        status = tree.look(self.name, path)
        if status is None:
            return None
        return "folder" if stat.S_ISDIR(status.st_mode) else tree.stat_of(status) or "other"

    def uploaded(self, path: str) -> int | None:
        return None

    def is_gone(self, path: str) -> bool:
        return tree.is_gone(self.name, path)

    def scan(self, folder: str = "") -> Scanning:
        return tree.Scan(self.name, folder)

    def watch(self, hints: Hints) -> Watching:
        return Watch(self.name, hints)
