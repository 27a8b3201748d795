"""/remote.php/dav/trashbin/USER/{trash,restore}: deleted files, their return and their end."""

from xml.sax.saxutils import escape

from starlette.responses import Response

from lab.standins.nextcloud.api.call import Call
from lab.standins.nextcloud.payloads import multistatus
from lab.standins.nextcloud.state import trash


async def handle(call: Call) -> Response:
    """Answer one request."""
    match call.request.method, call.path:
        case "PROPFIND", ["trash"]:
            return _propfind(call)
        case "MOVE", ["trash", item] if call.destination("trashbin")[:1] == ["restore"]:
            trash.restore(call.home, item)
            return Response(status_code=201)
        case "DELETE", ["trash", item]:
            trash.purge(call.home, item)
            return Response(status_code=204)
        case "DELETE", ["trash"]:
            for entry in call.home.children(trash.FOLDER):
                trash.purge(call.home, entry.name)
            return Response(status_code=204)
        case _:
            raise call.no_such_method()


def _propfind(call: Call) -> Response:
    base = ["trashbin", call.home.owner, "trash"]
    resources: list[tuple[list[str], bool, dict[str, str]]] = [
        (base, True, {"d:resourcetype": "<d:collection/>"})
    ]
    if call.depth != "0":
        for entry in call.home.children(trash.FOLDER):
            name, timestamp = trash.parse(entry.name)
            location = trash.location(call.home, name, timestamp)
            values = multistatus.properties(entry, call.instance_id) | {
                "nc:trashbin-filename": escape(name),
                "nc:trashbin-original-location": escape(f"{location}/{name}".lstrip("/")),
                "nc:trashbin-deletion-time": str(timestamp),
            }
            resources.append(([*base, entry.name], entry.folder, values))
    return multistatus.response(resources)
