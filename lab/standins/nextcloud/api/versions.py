"""/remote.php/dav/versions/USER/{versions/ID,restore}: earlier contents of a file, who wrote them, and their return.

Measured: a version is named by its date; the content that the file has is among them. Its author is the account that
wrote it, and there is none where a stranger or nobody did. A version that is restored takes the file away and comes
into its place (DELETE, MOVED_TO, ATTRIB), with its date and its author; there is no row of activity.
"""

from starlette.responses import Response

from lab.standins.nextcloud.api.dav import Call, Handler
from lab.standins.nextcloud.payloads import multistatus
from lab.standins.nextcloud.state import database, disk, filecache, shares
from lab.standins.nextcloud.state.errors import DavError
from lab.standins.nextcloud.state.filecache import Entry
from lab.standins.nextcloud.state.home import Home
from lab.standins.nextcloud.state.site import Site


def handler(site: Site) -> Handler:
    """The handler of the versions of a site."""

    async def handle(call: Call) -> Response:
        match call.request.method, call.path:
            case "PROPFIND", ["versions", number]:
                home, entry = _find(site, call, number)
                return _propfind(site, call, number, entry)
            case "MOVE", ["versions", number, version] if call.destination("versions")[:1] == ["restore"]:
                home, entry = _find(site, call, number)
                _restore(home, entry, version)
                return Response(status_code=201)
            case _:
                raise call.no_such_method()

    return handle


def _find(site: Site, call: Call, number: str) -> tuple[Home, Entry]:
    """The file with a number, whoever of those that share with the account has it."""
    user = call.home.owner
    for owner in {user, *(share.owner for share in shares.received(site, user))}:
        with filecache.opened(site, owner) as cache:
            entry = cache.by_number(int(number)) if number.isdecimal() else None
        if entry is not None:
            return Home(site, owner, call.home.actor), entry
    raise DavError(404, "NotFound", "Node not found")


def _propfind(site: Site, call: Call, number: str, entry: Entry) -> Response:
    base = ["versions", call.home.owner, "versions", number]
    resources: list[tuple[list[str], bool, dict[str, str]]] = [
        (base, True, {"d:resourcetype": "<d:collection/>"})
    ]
    with database.connect(site) as connection:
        rows = connection.execute(
            "SELECT timestamp, size, author FROM versions WHERE fileid = ? ORDER BY timestamp",
            (entry.fileid,),
        ).fetchall()
    # What came onto the disk otherwise has no author.
    known = {entry.mtime: (entry.size, "")} | {row["timestamp"]: (row["size"], row["author"]) for row in rows}
    for timestamp, (size, author) in known.items():
        values = {"d:getcontentlength": str(size)} | ({"nc:version-author": author} if author else {})
        resources.append(([*base, str(timestamp)], False, values))
    return multistatus.response(resources)


def _restore(home: Home, entry: Entry, version: str) -> None:
    kept = home.version(entry.path, int(version) if version.isdecimal() else 0)
    if not kept.is_file():
        raise DavError(404, "NotFound", "Node not found")
    home.keep_version(entry.path)
    target = home.folder / entry.path
    disk.remove(target)
    kept.rename(target)
    disk.set_mtime(target, int(version))
    with filecache.opened(home.site, home.owner) as cache:
        cache.record(entry.path, written=True)
        cache.propagate(entry.path)
