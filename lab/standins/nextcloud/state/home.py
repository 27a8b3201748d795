"""One user's files: every change made on disk and in the index together.

Paths are relative to the home: `files/Documents_RH/contrat.pdf`. The rules are Nextcloud 32.0.1's; the errors
are the WebDAV ones, since all callers but occ speak WebDAV.
"""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from lab.standins.nextcloud.state import activity, disk, filecache, names, scan, store
from lab.standins.nextcloud.state.activity import Actor
from lab.standins.nextcloud.state.errors import DavError
from lab.standins.nextcloud.state.filecache import Entry
from lab.standins.nextcloud.state.instance import Instance


class Home:
    """The home of one account; `actor` is who changes something in it, the owner unless given."""

    def __init__(self, instance: Instance, owner: str, actor: Actor | None = None) -> None:
        self.instance = instance
        self.owner = owner
        self.actor = actor or Actor(owner)
        self.folder = instance.data / owner

    def find(self, path: str) -> Entry | None:
        """Entry of a path. One that is on disk and not yet indexed is indexed by being asked for."""
        with filecache.opened(self.instance, self.owner) as cache:
            if cache.get(path) is None and self._on_disk(path):
                try:
                    scan.scan(cache, self.folder, path, scan.Counts(), recursive=False)
                except scan.ListingFailed as error:
                    raise DavError(
                        503, "ServiceUnavailable", "Storage is temporarily not available"
                    ) from error
            return cache.get(path)

    def get(self, path: str) -> Entry:
        """As `find`; raises DavError 404 for a path that is nowhere."""
        if entry := self.find(path):
            return entry
        raise DavError(404, "NotFound", f"File with name //{path.partition('/')[2]} could not be located")

    def children(self, path: str) -> list[Entry]:
        """What the index knows in a folder."""
        with filecache.opened(self.instance, self.owner) as cache:
            return cache.children(path)

    async def receive(self, path: str, body: AsyncIterator[bytes], mtime: int | None) -> bool:
        """Store an upload. True when the file is new.

        Raises:
            DavError: 400 refused name, 409 no such folder or a folder of that name.
            PermissionError: the folder is closed to the web server.
        """
        known = self.find(path)
        if known and known.folder:
            raise DavError(409, "Conflict", "PUT is not allowed on non-files.")
        self.check_target(path, "Files cannot be created in non-existent collections")
        target = self.folder / path
        if known:
            self.keep_version(path)
            await disk.receive_over(target, body)
        else:
            await disk.receive_new(target, disk.part_file(target, self._part_folder(target)), body)
        if mtime is not None:
            disk.set_mtime(target, mtime)
        self._written(path)
        with filecache.opened(self.instance, self.owner) as cache:
            cache.set_uploaded(path, int(time.time()))
        self._tell("changed" if known else "created", path)
        return known is None

    def write(self, path: str, source: BinaryIO) -> None:
        """Store content under its final name at once, as the bulk endpoint and `occ files:put` do.

        Raises:
            OSError: no such folder, one that cannot be written, or a folder of that name.
        """
        known = self.find(path)
        if known and not known.folder:
            self.keep_version(path)
        disk.write_directly(self.folder / path, source)
        self._written(path)
        self._tell("changed" if known else "created", path)

    def touch(self, path: str, mtime: int) -> None:
        """Set the date of a file or folder."""
        disk.set_mtime(self.folder / path, mtime)
        self._written(path)

    def make_folder(self, path: str) -> None:
        """Create a folder. Raises DavError 405 if there is one, else as `receive`."""
        if self.find(path):
            raise DavError(405, "MethodNotAllowed", "The resource you tried to create already exists")
        self.check_target(path, "Parent node does not exist")
        (self.folder / path).mkdir()
        self._written(path)
        self._tell("created", path)

    def move(self, source: str, target: str, *, overwrite: bool) -> bool:
        """Rename. True when the target is new; an old target goes to the trash first.

        Raises:
            DavError: 404 no source, 412 target there and not to be overwritten, else as `receive`.
        """
        existed = self._clear_way(source, target, overwrite=overwrite)
        self.rename(source, target)
        beside = source.rpartition("/")[0] == target.rpartition("/")[0]
        self._tell("renamed" if beside else "moved", target, former=source)
        return not existed

    def move_to(self, other: "Home", source: str, target: str) -> None:
        """Move into the home of another account; ids stay. Errors as `move`."""
        self.get(source)
        other.check_target(target, "The destination node is not found")
        if other.find(target) is not None:
            other.delete(target)
        self.hand_over(other, source, target)
        other._tell("arrived", target)

    def hand_over(self, other: "Home", source: str, target: str) -> None:
        """Rename on disk and in the index into the home of another account, with no question asked."""
        (self.folder / source).rename(other.folder / target)
        with filecache.opened(self.instance, self.owner) as cache:
            cache.move(source, target, other.owner)
            cache.propagate(source)
        with filecache.opened(self.instance, other.owner) as cache:
            cache.propagate(target)

    def copy(self, source: str, target: str, *, overwrite: bool) -> bool:
        """Copy a file or a folder; answers and errors as `move`."""
        existed = self._clear_way(source, target, overwrite=overwrite)
        disk.copy(self.folder / source, self.folder / target)
        with filecache.opened(self.instance, self.owner) as cache:
            cache.record_copy(source, target)
            cache.propagate(target)
        self._tell("created", target)
        return not existed

    def delete(self, path: str) -> None:
        """Move to the trash: MOVED_FROM in the tree. Raises DavError 404."""
        if path == "files":
            raise DavError(403, "Forbidden", "The root of the files cannot be deleted")
        entry = self.get(path)
        parent, _, name = path.rpartition("/")
        trash = self.folder / "files_trashbin" / "files"
        trash.mkdir(parents=True, exist_ok=True)
        self._tell("deleted", path)
        timestamp = int(time.time())
        while (trash / f"{name}.d{timestamp}").exists():
            timestamp += 1
        self.rename(entry.path, f"files_trashbin/files/{name}.d{timestamp}")
        location = parent.removeprefix("files").strip("/")
        with store.connect(self.instance) as connection:
            connection.execute(
                "INSERT INTO files_trash VALUES (?, ?, ?, ?)", (self.owner, name, timestamp, location)
            )

    def rename(self, source: str, target: str) -> None:
        """Rename on disk and in the index, with no question asked."""
        (self.folder / source).rename(self.folder / target)
        with filecache.opened(self.instance, self.owner) as cache:
            cache.move(source, target)
            cache.propagate(source)
            cache.propagate(target)

    def purge(self, path: str) -> None:
        """Delete from the disk for good."""
        disk.remove(self.folder / path)
        with filecache.opened(self.instance, self.owner) as cache:
            cache.remove(path)
            cache.propagate(path)

    def _on_disk(self, path: str) -> bool:
        try:
            (self.folder / path).stat()
        except (OSError, ValueError):  # not there, no name for a file system, a folder closed to us
            return False
        return True

    def check_target(self, path: str, message: str) -> None:
        """DavError 409 with `message` if the folder of a new file is not there, 400 if its name is refused."""
        parent, _, name = path.rpartition("/")
        folder = self.find(parent)
        if folder is None or not folder.folder:
            raise DavError(409, "Conflict", message)
        if reason := names.refusal(name):
            raise DavError(400, "OCA\\DAV\\Connector\\Sabre\\Exception\\InvalidPath", reason)

    def _clear_way(self, source: str, target: str, *, overwrite: bool) -> bool:
        self.get(source)
        if source == "files":
            raise DavError(403, "Forbidden", "The root of the files cannot be moved or copied")
        if source == target:
            raise DavError(403, "Forbidden", "Source and destination uri are identical.")
        if target.startswith(source + "/"):
            raise DavError(
                409, "Conflict", "The destination may not be part of the same subtree as the source path."
            )
        self.check_target(target, "The destination node is not found")
        existed = self.find(target) is not None
        if existed and not overwrite:
            raise DavError(
                412,
                "PreconditionFailed",
                "The destination node already exists, and the overwrite header is set to false",
            )
        if existed:
            self.delete(target)
        return existed

    def _part_folder(self, target: Path) -> Path:
        in_storage = self.instance.settings().get("part_file_in_storage", True)
        return target.parent if in_storage else self.folder / "files"

    def keep_version(self, path: str) -> None:
        """Copy the content of a file to files_versions; an empty one gets no version."""
        source = self.folder / path
        status = source.stat()
        if status.st_size == 0:
            return
        version = self.version(path, int(status.st_mtime))
        version.parent.mkdir(parents=True, exist_ok=True)
        disk.copy(source, version)
        disk.set_mtime(version, int(status.st_mtime))

    def version(self, path: str, timestamp: int) -> Path:
        """Where the content of a file of a date is kept."""
        return self.folder / "files_versions" / f"{path.removeprefix('files/')}.v{timestamp}"

    def restored(self, path: str) -> None:
        """Record that something came back from the trash."""
        self._tell("restored", path)

    def _tell(self, action: activity.Action, path: str, former: str = "") -> None:
        activity.record(self.instance, self.owner, self.actor, action, path, self.get(path).fileid, former)

    def _written(self, path: str) -> None:
        with filecache.opened(self.instance, self.owner) as cache:
            cache.record(path, written=True)
            cache.propagate(path)
            entry = cache.get(path)
        if entry is not None and not entry.folder:
            with store.connect(self.instance) as connection:
                connection.execute(
                    "INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?)",
                    (entry.fileid, entry.mtime, entry.size, self.actor.uid),
                )
