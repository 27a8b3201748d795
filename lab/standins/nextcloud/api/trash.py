"""/remote.php/dav/trashbin/USER/{trash,restore}: deleted files, their return and their end."""

import time
from pathlib import PurePosixPath
from xml.sax.saxutils import escape

from starlette.responses import Response

from lab.standins.nextcloud.api.dav import Call, Handler
from lab.standins.nextcloud.payloads import multistatus
from lab.standins.nextcloud.state import database, disk, filecache, shares
from lab.standins.nextcloud.state.errors import DavError
from lab.standins.nextcloud.state.filecache import Entry
from lab.standins.nextcloud.state.home import Home
from lab.standins.nextcloud.state.site import Site

_FOLDER = "files_trashbin/files"


def handler(site: Site) -> Handler:
    """The handler of the trash bins of a site."""

    async def handle(call: Call) -> Response:
        match call.request.method, call.path:
            case "PROPFIND", ["trash"]:
                return _propfind(site, call)
            case "MOVE", ["trash", item] if call.destination("trashbin")[:1] == ["restore"]:
                _restore(site, call.home, item)
                return Response(status_code=201)
            case "DELETE", ["trash", item]:
                _purge(site, call.home, item)
                return Response(status_code=204)
            case "DELETE", ["trash"]:
                for entry in call.home.children(_FOLDER):
                    _purge(site, call.home, entry.name)
                return Response(status_code=204)
            case _:
                raise call.no_such_method()

    return handle


def _propfind(site: Site, call: Call) -> Response:
    base = ["trashbin", call.home.owner, "trash"]
    resources: list[tuple[list[str], bool, dict[str, str]]] = [
        (base, True, {"d:resourcetype": "<d:collection/>"})
    ]
    if call.depth != "0":
        for entry in call.home.children(_FOLDER):
            name, timestamp = _parse(entry.name)
            location = _location(site, call.home, name, timestamp)
            values = multistatus.properties(entry, call.instance_id) | {
                "nc:trashbin-filename": escape(name),
                "nc:trashbin-original-location": escape(f"{location}/{name}".lstrip("/")),
                "nc:trashbin-deletion-time": str(timestamp),
            }
            resources.append(([*base, entry.name], entry.folder, values))
    return multistatus.response(resources)


def _restore(site: Site, home: Home, item: str) -> None:
    """Back to where it was, or to the root when that folder is gone: MOVED_TO, ATTRIB (measured)."""
    entry = _item(home, item)
    name, timestamp = _parse(item)
    location = _location(site, home, name, timestamp)
    folder = f"files/{location}".rstrip("/")
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
    _forget(site, home, name, timestamp)


def keep_for_deleter(deleter: Home, owner: Home, path: str, view: str) -> None:
    """Have a copy of what somebody else's share is about to lose in the trash of who deletes it (measured).

    `view` is its path in the files of the deleter.
    """
    location, _, name = view.rpartition("/")
    trash = deleter.folder / _FOLDER
    trash.mkdir(parents=True, exist_ok=True)
    timestamp = int(time.time())
    while (trash / f"{name}.d{timestamp}").exists():
        timestamp += 1
    kept = f"{_FOLDER}/{name}.d{timestamp}"
    disk.copy(owner.folder / path, deleter.folder / kept)
    with filecache.opened(deleter.site, deleter.owner) as cache:
        cache.record_copy(kept, kept)
    with database.connect(deleter.site) as connection:
        connection.execute(
            "INSERT INTO files_trash VALUES (?, ?, ?, ?)", (deleter.owner, name, timestamp, location)
        )


def _purge(site: Site, home: Home, item: str) -> None:
    home.purge(_item(home, item).path)
    _forget(site, home, *_parse(item))


def _item(home: Home, item: str) -> Entry:
    return home.get(f"{_FOLDER}/{item}")


def _parse(item: str) -> tuple[str, int]:
    name, _, timestamp = item.rpartition(".d")
    if not name or not timestamp.isdecimal():
        raise DavError(404, "NotFound", "Node not found")
    return name, int(timestamp)


def _location(site: Site, home: Home, name: str, timestamp: int) -> str:
    with database.connect(site) as connection:
        row = connection.execute(
            "SELECT location FROM files_trash WHERE owner = ? AND name = ? AND timestamp = ?",
            (home.owner, name, timestamp),
        ).fetchone()
    return row["location"] if row else ""


def _forget(site: Site, home: Home, name: str, timestamp: int) -> None:
    with database.connect(site) as connection:
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
