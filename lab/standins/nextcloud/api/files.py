"""/remote.php/dav/files/USER/...: the user's files over WebDAV, and what others share with him."""

from email.utils import formatdate

from starlette.responses import FileResponse, Response

from lab.standins.nextcloud.api.call import Call
from lab.standins.nextcloud.payloads import multistatus
from lab.standins.nextcloud.state import shares, trash
from lab.standins.nextcloud.state.errors import DavError
from lab.standins.nextcloud.state.filecache import Entry
from lab.standins.nextcloud.state.home import Home


async def handle(call: Call) -> Response:
    """Answer one request."""
    home, path = shares.locate(call.home, "/".join(["files", *call.path]))
    match call.request.method:
        case "PROPFIND":
            return _propfind(call, home, path)
        case "GET" | "HEAD":
            return _get(call, home, path)
        case "PUT":
            return await _put(call, home, path)
        case "MKCOL":
            home.make_folder(path)
            return Response(status_code=201, headers=_identity(call, home, path))
        case "MOVE":
            return _move(call, home, path)
        case "COPY":
            other, target = call.target()
            if other.owner != home.owner:
                raise DavError(501, "NotImplemented", "Copies between accounts are left out here")
            new = home.copy(path, target, overwrite=call.overwrite)
            return Response(status_code=201 if new else 204)
        case "DELETE":
            if home.owner != call.home.owner:
                trash.keep_for_deleter(call.home, home, path, "/".join(call.path))
            home.delete(path)
            return Response(status_code=204)
        case "OPTIONS":
            return Response(headers={"DAV": "1, 3, extended-mkcol"})
        case _:
            raise call.no_such_method()


def _propfind(call: Call, home: Home, path: str) -> Response:
    entry = home.get(path)
    if call.depth == "0" or not entry.folder:
        below = []
    elif call.depth == "1":
        below = [(each.name, each) for each in home.children(path)]
        below += _mounts(call) if path == "files" else []
    else:
        raise DavError(403, "Forbidden", "Depth infinity is not supported")
    base = ["files", call.home.owner, *call.path]
    resources = [(base, entry), *(([*base, name], each) for name, each in below)]
    return multistatus.response(
        (segments, each.folder, multistatus.properties(each, call.instance_id))
        for segments, each in resources
    )


def _mounts(call: Call) -> list[tuple[str, Entry]]:
    """The folders that others share, which are in the root of one's files."""
    located = [
        (share.mount, shares.locate(call.home, share.mount))
        for share in shares.received(call.home.instance, call.home.owner)
    ]
    return [(mount.removeprefix("files/"), home.get(path)) for mount, (home, path) in located]


def _move(call: Call, home: Home, path: str) -> Response:
    other, target = call.target()
    if other.owner == home.owner:
        new = home.move(path, target, overwrite=call.overwrite)
    else:
        new = other.find(target) is None
        home.move_to(other, path, target)
    return Response(status_code=201 if new else 204, headers=_identity(call, other, target))


def _get(call: Call, home: Home, path: str) -> Response:
    entry = home.get(path)
    if entry.folder:
        raise DavError(
            405, "MethodNotAllowed", "This is the WebDAV interface. It can only be accessed by clients."
        )
    if not (home.folder / path).exists():
        raise DavError(503, "ServiceUnavailable", "Could not open file: the file is indexed but not on disk")
    headers = {"Last-Modified": formatdate(entry.mtime, usegmt=True)} | _tags(call, entry)
    return FileResponse(home.folder / path, headers=headers)


async def _put(call: Call, home: Home, path: str) -> Response:
    if call.request.headers.get("if-none-match") == "*" and home.find(path):
        raise DavError(
            412, "PreconditionFailed", "An If-None-Match header was specified, but the ETag matched"
        )
    mtime = call.mtime()
    new = await home.receive(path, call.request.stream(), mtime)
    return Response(status_code=201 if new else 204, headers=written(call, home, path, mtime))


def written(call: Call, home: Home, path: str, mtime: int | None) -> dict[str, str]:
    """Headers that say to a client what its upload has become."""
    return _identity(call, home, path) | ({} if mtime is None else {"X-OC-MTime": "accepted"})


def _identity(call: Call, home: Home, path: str) -> dict[str, str]:
    return _tags(call, home.get(path))


def _tags(call: Call, entry: Entry) -> dict[str, str]:
    etag = f'"{entry.etag}"'
    return {"ETag": etag, "OC-ETag": etag, "OC-FileId": multistatus.file_id(entry, call.instance_id)}
