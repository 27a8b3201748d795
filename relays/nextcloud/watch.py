"""Hearing of changes in a tree: watchdog's inotify observer, reduced to hints where to look.

Measured on watchdog 7.1, which is why nothing heard is believed:

- a queue that overflows is only logged, and what was lost is not reported;
- a folder that was moved out of the tree goes on being reported under its old path;
- in folders that were just created the end of writing may go unheard.
"""

import logging
import os
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

# Without opening, reading and writing, which would fill the kernel's queue with what says nothing.
_EVENTS: list[type[FileSystemEvent]] = [
    *(FileCreatedEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent),
    *(DirCreatedEvent, DirMovedEvent, DirDeletedEvent),
]


class Hint(NamedTuple):
    """Where to look, relative to the root, which is empty. `folder`: at all that is below as well.

    `moved_from`: it was renamed, and from where; empty if from outside the tree.
    """

    path: str
    folder: bool = False
    complete: bool = False
    moved_from: str | None = None


class Watch:
    """Puts hints about the tree at `root` into `hints`. OSError if the tree cannot be watched."""

    def __init__(self, root: str, hints: "SimpleQueue[Hint]") -> None:
        # Full events tell what was renamed into the tree (complete) from what was created (to be written yet).
        self._observer = InotifyObserver(generate_full_events=True)
        self._overflow = _OverflowSign(hints)
        logging.getLogger("watchdog").addHandler(self._overflow)
        self._observer.schedule(_Listener(root, hints), root, recursive=True, event_filter=_EVENTS)
        self._observer.start()

    @property
    def alive(self) -> bool:
        """Whether it still hears."""
        return self._observer.is_alive() and all(emitter.is_alive() for emitter in self._observer.emitters)

    def stop(self) -> None:
        """Hear nothing more."""
        self._observer.stop()
        logging.getLogger("watchdog").removeHandler(self._overflow)


class _Listener(FileSystemEventHandler):
    def __init__(self, root: str, hints: "SimpleQueue[Hint]") -> None:
        self._prefix = f"{root}/"
        self._hints = hints

    def on_any_event(self, event: FileSystemEvent) -> None:
        source, target = self._relative(event.src_path), self._relative(event.dest_path)
        if target:
            self._hints.put(Hint(target, event.is_directory, complete=True, moved_from=source))
        if source:
            self._hints.put(Hint(source, event.is_directory, complete=isinstance(event, FileClosedEvent)))

    def _relative(self, path: str | bytes) -> str:
        text = os.fsdecode(path)
        return text.removeprefix(self._prefix) if text.startswith(self._prefix) else ""


class _OverflowSign(logging.Handler):
    """Takes watchdog's log line about an overflow, its only sign, for a hint to look everywhere."""

    def __init__(self, hints: "SimpleQueue[Hint]") -> None:
        super().__init__(logging.WARNING)
        self._hints = hints

    def emit(self, record: logging.LogRecord) -> None:
        if "overflow" in record.getMessage():
            self._hints.put(Hint("", folder=True))
