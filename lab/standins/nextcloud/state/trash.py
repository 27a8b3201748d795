"""The trash bin: what deleted files leave there, their return and their end."""

import time
from pathlib import PurePosixPath

from lab.standins.nextcloud.state import disk, filecache, shares, store
from lab.standins.nextcloud.state.errors import DavError
from lab.standins.nextcloud.state.filecache import Entry
from lab.standins.nextcloud.state.home import Home

FOLDER = "files_trashbin/files"


def restore(home: Home, item: str) -> None:
    """Back to where it was, or to the root when that folder is gone: MOVED_TO, ATTRIB (measured)."""
    entry = _item(home, item)
    name, timestamp = parse(item)
    former = location(home, name, timestamp)
    folder = f"files/{former}".rstrip("/")
    if home.find(folder) is None and shares.locate(home, folder)[0].owner == home.owner:
        folder = "files"
    other, folder = shares.locate(home, folder)
    target = f"{folder}/{_free_name(other, folder, name)}"
    if other.owner == home.owner:
        home.rename(entry.path, target)
    else:
        home.hand_over(other, entry.path, target)
    disk.set_mtime(other.folder / target, entry.mtime)
    other.restored(target)
    _forget(home, name, timestamp)


def keep_for_deleter(deleter: Home, owner: Home, path: str, view: str) -> None:
    """Have a copy of what somebody else's share is about to lose in the trash of who deletes it (measured).

    `view` is its path in the files of the deleter.
    """
    location, _, name = view.rpartition("/")
    trash = deleter.folder / FOLDER
    trash.mkdir(parents=True, exist_ok=True)
    timestamp = int(time.time())
    while (trash / f"{name}.d{timestamp}").exists():
        timestamp += 1
    kept = f"{FOLDER}/{name}.d{timestamp}"
    disk.copy(owner.folder / path, deleter.folder / kept)
    with filecache.opened(deleter.instance, deleter.owner) as cache:
        cache.record_copy(path, kept, owner.owner)
    with store.connect(deleter.instance) as connection:
        connection.execute(
            "INSERT INTO files_trash VALUES (?, ?, ?, ?)", (deleter.owner, name, timestamp, location)
        )


def purge(home: Home, item: str) -> None:
    """Delete something in the trash for good."""
    home.purge(_item(home, item).path)
    _forget(home, *parse(item))


def _item(home: Home, item: str) -> Entry:
    return home.get(f"{FOLDER}/{item}")


def parse(item: str) -> tuple[str, int]:
    """The name of something in the trash and when it was deleted. Raises DavError 404."""
    name, _, timestamp = item.rpartition(".d")
    if not name or not timestamp.isdecimal():
        raise DavError(404, "NotFound", "Node not found")
    return name, int(timestamp)


def location(home: Home, name: str, timestamp: int) -> str:
    """The folder that something in the trash was in."""
    with store.connect(home.instance) as connection:
        row = connection.execute(
            "SELECT location FROM files_trash WHERE owner = ? AND name = ? AND timestamp = ?",
            (home.owner, name, timestamp),
        ).fetchone()
    return row["location"] if row else ""


def _forget(home: Home, name: str, timestamp: int) -> None:
    with store.connect(home.instance) as connection:
        connection.execute(
            "DELETE FROM files_trash WHERE owner = ? AND name = ? AND timestamp = ?",
            (home.owner, name, timestamp),
        )


def _free_name(home: Home, folder: str, name: str) -> str:
    """`name`, or `name (restored)`, `name (restored 2)` when it is taken."""
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
    free, number = name, 1
    while (home.folder / folder / free).exists():
        free = f"{stem} (restored{'' if number == 1 else f' {number}'}){suffix}"
        number += 1
    return free
