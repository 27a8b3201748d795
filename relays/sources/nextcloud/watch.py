"""Hearing of changes in a tree: watchdog's inotify observer, reduced to hints where to look.

Measured on watchdog 7.1, which is why nothing heard is believed:

- a queue that overflows is only logged, and what was lost is not reported;
- a folder that was moved out of the tree goes on being reported under its old path;
- in folders that were just created the end of writing may be missed;
- a folder that no watch could be had for is passed over in silence;
- where two folders in turn had the same path, were moved out and are deleted, the thread that reads dies of it.
"""

import logging
import os
import re
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.inotify import InotifyObserver
from watchdog.observers.inotify_c import InotifyFD

from relays.sources.nextcloud import tree

# Without opening, reading and writing, which would fill the kernel's queue with what says nothing.
_EVENTS: list[type[FileSystemEvent]] = [
    *(FileCreatedEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent),
    *(DirCreatedEvent, DirMovedEvent, DirDeletedEvent),
]

_MOST_HINTS = 50_000
_MOST_MISSED = 1000

_DESCRIPTORS = Path("/proc/self/fd")
_WATCHED_INODE = re.compile(r"^inotify .*?\bino:([0-9a-f]+)", re.MULTILINE)


class Hint(NamedTuple):
    """Where to look, relative to the root, which is empty.

    `created`, `closed`: a file was; `moved_from`: it was renamed, and from where, empty if from outside the tree.
    `heard_since`: at a folder with all that is below, of which all is heard since then (seconds since the epoch).
    """

    path: str
    created: bool = False
    closed: bool = False
    moved_from: str | None = None
    heard_since: float | None = None


class Hints(SimpleQueue[Hint]):
    """A queue of hints that does not grow beyond a bound: what comes then is found by a look everywhere."""

    _is_full = False

    def put(self, item: Hint, block: bool = True, timeout: float | None = None) -> None:
        """Put a hint at the end, or, once, one to look everywhere."""
        if self.qsize() < _MOST_HINTS:
            self._is_full = False
            super().put(item)
        elif not self._is_full:
            self._is_full = True
            self.put_all()

    def put_all(self) -> None:
        """Put a hint to look everywhere: something was missed until now."""
        super().put(Hint("", heard_since=time.time()))


class Watch:
    """Puts hints about the tree at `root` into `hints`. OSError if the tree cannot be watched."""

    def __init__(self, root: str, hints: "Hints") -> None:
        self._root = root
        # Full events distinguish what was renamed into the tree (complete) from what was created (to be written yet).
        self._observer = _Observer(generate_full_events=True)
        self._overflow = _OverflowSign(hints)
        logging.getLogger("watchdog").addHandler(self._overflow)
        self._observer.schedule(_Listener(root, hints), root, recursive=True, event_filter=_EVENTS)
        try:
            self._observer.start()
        except OSError:
            self.stop()
            raise

    @property
    def alive(self) -> bool:
        """Whether it still hears."""
        threads = (self._observer, self._observer.reader, *self._observer.emitters)
        return all(thread.is_alive() for thread in threads)

    def unwatched(self) -> set[str]:
        """The folders that the kernel does not watch, the first ones, as it says itself; none where it does not say.

        It may be that some are only too new. What cannot be read is left out: no scan finds anything there either.
        """
        watched = _watched_inodes()
        root = tree.look(self._root, "")
        if root is None or root.st_ino not in watched:
            return set()
        missed = (path for path, inode in tree.folders(self._root) if inode not in watched)
        readable = (path for path in missed if os.access(f"{self._root}/{path}", os.R_OK))
        return set(islice(readable, _MOST_MISSED))

    def stop(self) -> None:
        """Hear nothing more."""
        logging.getLogger("watchdog").removeHandler(self._overflow)
        for stop in (self._observer.reader.stop, self._observer.stop):
            # What a reader died of it meets again when it clears away.
            with suppress(KeyError):
                stop()


class _Observer(InotifyObserver):
    @property
    def reader(self) -> InotifyFD:
        """The thread that reads from the kernel."""
        return self._inotify_fd


class _Listener(FileSystemEventHandler):
    def __init__(self, root: str, hints: "Hints") -> None:
        self._prefix = f"{root}/"
        self._hints = hints

    def on_any_event(self, event: FileSystemEvent) -> None:
        source, target = self._relative(event.src_path), self._relative(event.dest_path)
        # By now, there is a watch on a folder that is new.
        since = time.time() if event.is_directory else None
        if target:
            self._hints.put(Hint(target, moved_from=source, heard_since=since))
        if source:
            created = isinstance(event, FileCreatedEvent)
            closed = isinstance(event, FileClosedEvent)
            self._hints.put(Hint(source, created, closed, heard_since=since))

    def _relative(self, path: str | bytes) -> str:
        text = os.fsdecode(path)
        return text.removeprefix(self._prefix) if text.startswith(self._prefix) else ""


class _OverflowSign(logging.Handler):
    """Takes watchdog's log line about an overflow, its only sign, for a hint to look everywhere."""

    def __init__(self, hints: "Hints") -> None:
        super().__init__(logging.WARNING)
        self._hints = hints

    def emit(self, record: logging.LogRecord) -> None:
        if "overflow" in record.getMessage():
            self._hints.put_all()


def _watched_inodes() -> set[int]:
    watched: set[int] = set()
    for descriptor in _DESCRIPTORS.iterdir():
        # Others come and go meanwhile.
        with suppress(OSError):
            if str(descriptor.readlink()).endswith("inotify"):
                lines = Path(f"/proc/self/fdinfo/{descriptor.name}").read_text(encoding="ascii")
                watched.update(int(inode, 16) for inode in _WATCHED_INODE.findall(lines))
    return watched
