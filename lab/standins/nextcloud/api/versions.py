"""/remote.php/dav/versions/USER/{versions/ID,restore}: earlier contents of a file, and their return."""

from starlette.responses import Response

from lab.standins.nextcloud.api.call import Call
from lab.standins.nextcloud.payloads import multistatus
from lab.standins.nextcloud.state import versions
from lab.standins.nextcloud.state.filecache import Entry
from lab.standins.nextcloud.state.home import Home


async def handle(call: Call) -> Response:
    """Answer one request."""
    match call.request.method, call.path:
        case "PROPFIND", ["versions", number]:
            home, entry = versions.find(call.home, number)
            return _propfind(call, home, entry, number)
        case "MOVE", ["versions", number, version] if call.destination("versions")[:1] == ["restore"]:
            home, entry = versions.find(call.home, number)
            versions.restore(home, entry, version)
            return Response(status_code=201)
        case _:
            raise call.no_such_method()


def _propfind(call: Call, home: Home, entry: Entry, number: str) -> Response:
    base = ["versions", call.home.owner, "versions", number]
    resources: list[tuple[list[str], bool, dict[str, str]]] = [
        (base, True, {"d:resourcetype": "<d:collection/>"})
    ]
    for timestamp, (size, author) in versions.known(home, entry).items():
        values = {"d:getcontentlength": str(size)} | ({"nc:version-author": author} if author else {})
        resources.append(([*base, str(timestamp)], False, values))
    return multistatus.response(resources)
