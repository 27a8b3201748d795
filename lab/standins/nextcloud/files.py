"""/remote.php/dav/files/USER/...: the user's files over WebDAV."""

from email.utils import formatdate

from starlette.responses import FileResponse, Response

from lab.standins.nextcloud import multistatus
from lab.standins.nextcloud.dav import Call
from lab.standins.nextcloud.errors import DavError
from lab.standins.nextcloud.filecache import Entry


async def handle(call: Call) -> Response:
    """Answer one request."""
    path = "/".join(["files", *call.path])
    match call.request.method:
        case "PROPFIND":
            return _propfind(call, path)
        case "GET" | "HEAD":
            return _get(call, path)
        case "PUT":
            return await _put(call, path)
        case "MKCOL":
            call.home.make_folder(path)
            return Response(status_code=201, headers=_identity(call, path))
        case "MOVE":
            new = call.home.move(path, _target(call), overwrite=call.overwrite)
            return Response(status_code=201 if new else 204, headers=_identity(call, _target(call)))
        case "COPY":
            new = call.home.copy(path, _target(call), overwrite=call.overwrite)
            return Response(status_code=201 if new else 204)
        case "DELETE":
            call.home.delete(path)
            return Response(status_code=204)
        case "OPTIONS":
            return Response(headers={"DAV": "1, 3, extended-mkcol"})
        case _:
            raise call.no_such_method()


def _propfind(call: Call, path: str) -> Response:
    entry = call.home.get(path)
    if call.depth == "0" or not entry.folder:
        entries = [entry]
    elif call.depth == "1":
        entries = [entry, *call.home.children(path)]
    else:
        raise DavError(403, "Forbidden", "Depth infinity is not supported")

    def resource(each: Entry) -> tuple[list[str], bool, dict[str, str]]:
        below = each.path.split("/")[1:]
        return ["files", call.home.owner, *below], each.folder, multistatus.properties(each, call.instance_id)

    return multistatus.response(map(resource, entries))


def _get(call: Call, path: str) -> Response:
    entry = call.home.get(path)
    if entry.folder:
        raise DavError(
            405, "MethodNotAllowed", "This is the WebDAV interface. It can only be accessed by clients."
        )
    if not (call.home.folder / path).exists():
        raise DavError(503, "ServiceUnavailable", "Could not open file: the file is indexed but not on disk")
    headers = {"Last-Modified": formatdate(entry.mtime, usegmt=True)} | _tags(call, entry)
    return FileResponse(call.home.folder / path, headers=headers)


async def _put(call: Call, path: str) -> Response:
    if call.request.headers.get("if-none-match") == "*" and call.home.find(path):
        raise DavError(
            412, "PreconditionFailed", "An If-None-Match header was specified, but the ETag matched"
        )
    mtime = call.mtime()
    new = await call.home.receive(path, call.request.stream(), mtime)
    return Response(status_code=201 if new else 204, headers=written(call, path, mtime))


def written(call: Call, path: str, mtime: int | None) -> dict[str, str]:
    """Headers that tell a client what its upload has become."""
    return _identity(call, path) | ({} if mtime is None else {"X-OC-MTime": "accepted"})


def _identity(call: Call, path: str) -> dict[str, str]:
    return _tags(call, call.home.get(path))


def _tags(call: Call, entry: Entry) -> dict[str, str]:
    etag = f'"{entry.etag}"'
    return {"ETag": etag, "OC-ETag": etag, "OC-FileId": multistatus.file_id(entry, call.instance_id)}


def _target(call: Call) -> str:
    return "/".join(["files", *call.destination("files")])
