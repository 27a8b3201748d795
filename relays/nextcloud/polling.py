"""A tree that does not reach the disk, as a copy in memory of what WebDAV shows of it.

The etag of the root tells every few seconds whether anything has changed, and the etags of folders where. A copy is
taken over as a whole: where it could not be read to its end, nothing is known, and the last one stays. Every hour all
folders are read, as what was put into an external storage behind Nextcloud's back changes no etag until somebody looks.

A document is gone when two readings in a row have not found it: one that moves while the tree is read may be in none
of the folders.
"""

import itertools
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from queue import SimpleQueue

from relays.nextcloud import dav
from relays.nextcloud.cloud import Account, Cloud, CloudError
from relays.nextcloud.dav import Resource
from relays.nextcloud.place import Scanning, Seen, Watching
from relays.nextcloud.tree import Stat, is_ignored
from relays.nextcloud.watch import Hint
from relays.worker import Worker

log = logging.getLogger(__name__)

DEFAULT_SECONDS = 15
HIGHEST_SECONDS = 3600
_ALL_SECONDS = 3600.0
_ANSWER_SECONDS = 60.0
_PATIENCE_SECONDS = 2 * _ANSWER_SECONDS
# Each wrong password makes Nextcloud slower to answer for the address that it comes from.
_AFTER_REFUSAL_SECONDS = 3600.0
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder as it was listed; a higher `turn` is a later one."""

    number: int
    etag: str
    turn: int
    files: Mapping[str, Stat]
    folders: Sequence[Resource]


class _ChangedError(Exception):
    """A folder is not there any more."""


class Polling(Worker):
    """The tree that `folder` is in the files of an account, looked at every `seconds`."""

    def __init__(self, account: Account, folder: str, seconds: float) -> None:
        super().__init__("polling", _PATIENCE_SECONDS)
        self.name = f"webdav:{folder}"
        self.is_known = False
        self.trouble = False
        self._cloud = Cloud(account, _ANSWER_SECONDS)
        self._address = dav.address_of(account.user, folder)
        self._seconds = seconds
        self._stopping = threading.Event()
        self._hints: SimpleQueue[Hint] | None = None
        self._identity: int | None = None
        self._folders: dict[str, _Folder] = {}
        self._files: dict[str, Stat] = {}
        self._files_before: dict[str, Stat] | None = None
        self._turns = itertools.count()
        self._all_at = 0.0
        self._reason = ""

    def identity(self) -> object | None:
        return self._identity

    def look(self, path: str) -> Seen:
        return self._files.get(path) or ("folder" if path in self._folders else None)

    def is_gone(self, path: str) -> bool:
        before = self._files_before
        return before is not None and path not in self._files and path not in before

    def scan(self, folder: str = "") -> Scanning:
        return _Scan(self._files, f"{folder}/" if folder else "")

    def watch(self, hints: "SimpleQueue[Hint]") -> Watching:
        self._hints = hints
        return _Watching(self)

    def stop(self) -> None:
        self._stopping.set()

    def work(self) -> None:
        while not self._stopping.is_set():
            until = time.monotonic() + self._seconds
            try:
                self._read()
            except CloudError as error:
                if error.status == HTTPStatus.UNAUTHORIZED:
                    until += _AFTER_REFUSAL_SECONDS
                self._tell(str(error), error.remedy)
            else:
                self._tell("")
            while time.monotonic() < until and not self._stopping.wait(min(1.0, self._seconds)):
                self.beat()

    def _read(self) -> None:
        """Take over what there is now, all of it or nothing."""
        for _ in range(_ATTEMPTS):
            found = dav.read(self._cloud, self._address, 0)
            if found is None or not found[0].is_folder:
                self._identity, self.is_known = None, True
                return
            try:
                folders = self._walk(found[0])
            except _ChangedError:
                continue
            self._take_over(found[0].number, folders)
            return
        raise CloudError("the tree changes while it is read")

    def _walk(self, root: Resource) -> dict[str, _Folder]:
        everything = time.monotonic() >= self._all_at
        known = self._folders.get("")
        if known is not None and not everything and (known.number, known.etag) == (root.number, root.etag):
            return self._folders
        walked: dict[str, _Folder] = {}
        waiting = [("", root)]
        while waiting:
            path, resource = waiting.pop()
            folder = self._folders.get(path)
            if (
                folder is None
                or everything
                or (folder.number, folder.etag) != (resource.number, resource.etag)
            ):
                folder = self._list(path, resource)
            walked[path] = folder
            waiting += [(_below(path, each.name), each) for each in folder.folders]
        if everything:
            self._all_at = time.monotonic() + _ALL_SECONDS
        return walked

    def _list(self, path: str, resource: Resource) -> _Folder:
        self.beat()
        if self._stopping.is_set():
            raise CloudError("the service ends")
        found = dav.read(self._cloud, resource.address, 1)
        if found is None:
            raise _ChangedError
        itself, below = found
        shown = [each for each in below if not is_ignored(_below(path, each.name))]
        files = {
            # Of an etag it is only known whether it is another one, as of a date.
            _below(path, each.name): Stat(each.number, each.size, each.content, 0)
            for each in shown
            if not each.is_folder
        }
        folders = [each for each in below if each.is_folder and not each.name.startswith(".")]
        return _Folder(itself.number, itself.etag, next(self._turns), files, folders)

    def _take_over(self, number: int, folders: dict[str, _Folder]) -> None:
        before = self._files if self.is_known and self._identity is not None else None
        news = folders is not self._folders or self._files_before is not before
        if folders is not self._folders:
            self._files = _files(folders)
            self._folders = folders
        self._files_before = before
        self._identity, self.is_known = number, True
        if news and self._hints is not None:
            self._hints.put(Hint("", folder=True))

    def _tell(self, reason: str, remedy: str = "") -> None:
        self.trouble = bool(reason)
        if reason == self._reason or self._stopping.is_set():
            return
        if not reason:
            log.info("polling works again tree=%s", self.name)
        elif remedy:
            log.error(
                "polling trouble tree=%s reason=%s: %s; nothing is lost meanwhile", self.name, reason, remedy
            )
        else:
            log.warning(
                "polling trouble tree=%s reason=%s: Nextcloud is asked again; nothing is lost meanwhile",
                self.name,
                reason,
            )
        self._reason = reason


class _Watching:
    def __init__(self, polling: Polling) -> None:
        self._polling = polling

    @property
    def alive(self) -> bool:
        return self._polling.is_alive()

    def unheard(self) -> set[str]:
        return set()

    def stop(self) -> None:
        self._polling.stop()


class _Scan:
    def __init__(self, files: Mapping[str, Stat], prefix: str) -> None:
        self._files = files
        self._prefix = prefix

    def __iter__(self) -> Iterator[tuple[str, Stat]]:
        return ((path, seen) for path, seen in self._files.items() if path.startswith(self._prefix))

    def is_unreadable(self, path: str) -> bool:
        return False


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _files(folders: Mapping[str, _Folder]) -> dict[str, Stat]:
    """All files; one that moved while the tree was read is where it was seen last."""
    files: dict[str, Stat] = {}
    places: dict[int, tuple[int, str]] = {}
    for folder in folders.values():
        for path, seen in folder.files.items():
            turn, other = places.get(seen.inode, (-1, ""))
            if folder.turn < turn:
                continue
            if other:
                del files[other]
            files[path] = seen
            places[seen.inode] = folder.turn, path
    return files
