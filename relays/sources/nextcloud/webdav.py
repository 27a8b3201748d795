"""A tree that does not reach the disk, as a copy in memory of what WebDAV shows of it.

The etag of the root says every few seconds whether anything has changed, and the etags of folders where. A copy is
taken over as a whole: where it could not be read to its end, nothing is known, and the last one stays. Every hour all
folders are read, as what was put into an external storage behind Nextcloud's back changes no etag until somebody looks.

More than a bound is not taken over: what is read is held in memory, so that a tree that is too large for it is a
trouble that is announced, and not the end of the relay.

A document is gone when two readings in a row have not found it: one that moves while the tree is read may be in none
of the folders.
"""

import itertools
import threading
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus

from relays.base.trouble import Trouble
from relays.base.worker import Worker
from relays.sources.nextcloud import dav
from relays.sources.nextcloud.backend import Scanning, Seen, Watching
from relays.sources.nextcloud.cloud import AFTER_REFUSAL_SECONDS, Account, Cloud, CloudError
from relays.sources.nextcloud.dav import Resource
from relays.sources.nextcloud.listing import Folder, Listed, Listing
from relays.sources.nextcloud.tree import Stat, is_ignored
from relays.sources.nextcloud.watch import Hints

_ALL_SECONDS = 3600.0
_ANSWER_SECONDS = 60.0
_TIMEOUT_SECONDS = 2 * _ANSWER_SECONDS
_ATTEMPTS = 5
_MOST_RESOURCES = 250_000
_MOST_CHARACTERS = 32_000_000


class _ChangedError(Exception):
    """A folder is not there any more."""


class WebDavPoller(Worker):
    """The tree that `folder` is in the files of an account, looked at every `seconds`.

    `known_since`: when the reading before the last one began, by the clock of Nextcloud, 0 if there was none. What is
    different since was done after that.
    """

    is_local = False

    def __init__(self, account: Account, folder: str, seconds: float) -> None:
        super().__init__("polling", _TIMEOUT_SECONDS)
        self.name = f"webdav:{folder}"
        self.is_known = False
        self.is_unreachable = False
        self.known_since = 0.0
        self._cloud = Cloud(account, _ANSWER_SECONDS)
        self._address = dav.address_of(account.user, folder)
        self._seconds = seconds
        self._stopping = threading.Event()
        self._hints: Hints | None = None
        self._identity: int | None = None
        self._listing = Listing()
        self._listing_before: Listing | None = None
        self._read_at = 0.0
        self._turns = itertools.count()
        self._all_at = 0.0
        self._trouble = Trouble(
            "polling",
            where=f"tree={self.name}",
            retry="Nextcloud is asked again",
            meanwhile="nothing is lost meanwhile",
        )

    def identity(self) -> object | None:
        return self._identity

    def look(self, path: str) -> Seen:
        listed = self._listing.file(path)
        return listed.seen if listed else "folder" if path in self._listing.folders else None

    def uploaded(self, path: str) -> int | None:
        listed = self._listing.file(path)
        return listed.uploaded if listed else None

    def is_gone(self, path: str) -> bool:
        before = self._listing_before
        return before is not None and self._listing.file(path) is None and before.file(path) is None

    def scan(self, folder: str = "") -> Scanning:
        return _Scan(self._listing, folder)

    def watch(self, hints: Hints) -> Watching:
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
                    until += AFTER_REFUSAL_SECONDS
                self._report(str(error), error.remedy)
            else:
                self._report("")
            while time.monotonic() < until and not self._stopping.wait(min(1.0, self._seconds)):
                self.beat()

    def _read(self) -> None:
        """Take over what there is now, all of it or nothing."""
        for _ in range(_ATTEMPTS):
            found = dav.read(self._cloud, self._address, 0)
            if found is None or not found[0].is_folder:
                self._identity, self.is_known = None, True
                return
            root, moment = found
            try:
                folders = self._walk(root)
            except _ChangedError:
                continue
            self._take_over(root.number, moment, folders)
            return
        raise CloudError("the tree changes while it is read")

    def _walk(self, root: Resource) -> Mapping[str, Folder]:
        everything = time.monotonic() >= self._all_at
        folders = self._listing.folders
        known = folders.get("")
        if known is not None and not everything and (known.number, known.etag) == (root.number, root.etag):
            return folders
        room = _Room()
        walked: dict[str, Folder] = {}
        waiting = [("", root)]
        while waiting:
            path, resource = waiting.pop()
            folder = folders.get(path)
            if (
                folder is None
                or everything
                or (folder.number, folder.etag) != (resource.number, resource.etag)
            ):
                folder = self._list(path, resource, room)
            else:
                room.take(len(path), len(folder.files) + 1)
            walked[path] = folder
            waiting += [(_below(path, each.name), each) for each in folder.folders]
        if everything:
            self._all_at = time.monotonic() + _ALL_SECONDS
        return walked

    def _list(self, path: str, resource: Resource, room: "_Room") -> Folder:
        self.beat()
        if self._stopping.is_set():
            raise CloudError("the service ends")
        files: dict[str, Listed] = {}
        folders: list[Resource] = []

        def take(each: Resource) -> None:
            if each.is_folder:
                if not each.name.startswith("."):
                    room.take(len(path) + len(each.name) + len(each.address), 1)
                    folders.append(each)
            elif not is_ignored(_below(path, each.name)):
                room.take(len(each.name), 1)
                # A server shows what is complete; when it was changed is not known.
                seen = Stat(each.number, each.size, each.modified * 1_000_000_000, 0)
                files[each.name] = Listed(seen, each.uploaded)

        found = dav.read(self._cloud, resource.address or self._address, 1, take)
        if found is None:
            raise _ChangedError
        return Folder(found[0].number, found[0].etag, next(self._turns), files, folders)

    def _take_over(self, number: int, moment: float, folders: Mapping[str, Folder]) -> None:
        before = self._listing if self.is_known and self._identity is not None else None
        is_news = folders is not self._listing.folders or self._listing_before is not before
        self.known_since, self._read_at = self._read_at, moment
        self._listing_before = before
        if folders is not self._listing.folders:
            self._listing = Listing(folders).after(self._listing)
        self._identity, self.is_known = number, True
        if is_news and self._hints is not None:
            self._hints.put_all()

    def _report(self, reason: str, remedy: str = "") -> None:
        self.is_unreachable = bool(reason)
        if not self._stopping.is_set():
            self._trouble.report(reason, remedy)


class _Watching:
    def __init__(self, polling: WebDavPoller) -> None:
        self._polling = polling

    @property
    def alive(self) -> bool:
        return self._polling.is_alive()

    def unwatched(self) -> set[str]:
        return set()

    def stop(self) -> None:
        self._polling.stop()


class _Scan:
    def __init__(self, listing: Listing, folder: str) -> None:
        self._listing = listing
        self._folder = folder

    def __iter__(self) -> Iterator[tuple[str, Stat]]:
        return self._listing.below(self._folder)

    def is_unreadable(self, path: str) -> bool:
        return False


class _Room:
    """How much may still be read."""

    def __init__(self) -> None:
        self._resources = 0
        self._characters = 0

    def take(self, characters: int, resources: int) -> None:
        """CloudError if there is no room for it."""
        self._resources += resources
        self._characters += characters
        if self._resources > _MOST_RESOURCES or self._characters > _MOST_CHARACTERS:
            raise CloudError(
                f"the tree is too large: more than {_MOST_RESOURCES} documents and folders, or very long names",
                "move some of it out of the tree, or have the relay watch folders of it as trees of their own",
            )


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
