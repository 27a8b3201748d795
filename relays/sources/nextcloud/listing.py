"""What was read of a tree over WebDAV: its folders, each as it was listed, and the documents in them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from relays.sources.nextcloud.dav import Resource
from relays.sources.nextcloud.tree import Stat, in_order


class Listed(NamedTuple):
    """A document, and when it was uploaded, in seconds since the epoch; 0 if it came otherwise."""

    seen: Stat
    uploaded: int


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it was listed; a higher `turn` is a later one."""

    number: int
    etag: str
    turn: int
    files: Mapping[str, Listed]
    folders: Sequence[Resource]


@dataclass(frozen=True)
class Listing:
    """A tree as it was read, by the paths of its folders; the root's is empty.

    `hidden` are paths of documents that moved while the tree was read, and were seen elsewhere later.
    """

    folders: Mapping[str, Folder] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()

    def file(self, path: str) -> Listed | None:
        """The document at a path."""
        folder, _, name = path.rpartition("/")
        listed = self.folders.get(folder)
        return listed.files.get(name) if listed is not None and path not in self.hidden else None

    def below(self, top: str) -> Iterator[tuple[str, Stat]]:
        """The documents below a folder in the order of the bytes of their paths; an empty one is the root."""
        for raw in in_order(self._names, os.fsencode(top) + b"/" if top else b""):
            path = os.fsdecode(raw)
            listed = self.file(path)
            if listed is not None:
                yield path, listed.seen

    def after(self, before: "Listing") -> "Listing":
        """This one, without the older places of documents that have moved since it was begun."""
        places: dict[int, tuple[int, str]] = {}
        hidden: set[str] = set()

        def place(number: int, turn: int, path: str) -> None:
            last = places.get(number)
            if last is None or turn >= last[0]:
                places[number] = turn, path
                hidden.update([last[1]] if last is not None else ())
            else:
                hidden.add(path)

        # What is where it was before has not moved.
        for path, folder in self.folders.items():
            former = before.folders.get(path)
            for name, listed in folder.files.items() if folder is not former else ():
                if (
                    former is None
                    or name not in former.files
                    or former.files[name].seen.inode != listed.seen.inode
                ):
                    place(listed.seen.inode, folder.turn, _below(path, name))
        came = frozenset(places)
        for path, folder in self.folders.items() if came else ():
            for name, listed in folder.files.items():
                whole = _below(path, name)
                if (
                    listed.seen.inode in came
                    and places[listed.seen.inode][1] != whole
                    and whole not in hidden
                ):
                    place(listed.seen.inode, folder.turn, whole)
        return Listing(self.folders, frozenset(hidden))

    def _names(self, folder: bytes) -> list[bytes]:
        listed = self.folders.get(os.fsdecode(folder[:-1]))
        if listed is None:
            return []
        files = [os.fsencode(name) for name in listed.files]
        return files + [os.fsencode(each.name) + b"/" for each in listed.folders]


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
