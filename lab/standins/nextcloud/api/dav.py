"""Entry to /remote.php: maintenance, authentication, and which part of the DAV tree a URL names."""

from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from lab.standins.nextcloud.api.call import Call, Handler, segments
from lab.standins.nextcloud.payloads.error import response
from lab.standins.nextcloud.state import users
from lab.standins.nextcloud.state.errors import DavError
from lab.standins.nextcloud.state.home import Home
from lab.standins.nextcloud.state.instance import Instance

_LEGACY_ROOT = "/remote.php/webdav"


async def answer(instance: Instance, collections: Mapping[str, Handler], request: Request) -> Response:
    """Answer any request below /remote.php; `collections` has a handler by first segment."""
    try:
        return await _answer(instance, collections, request)
    except DavError as error:
        return response(error)
    except PermissionError:
        # Measured on Nextcloud 32.0.1: uploads into a tree that root made end so.
        return response(DavError(403, "Forbidden", ""))
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is left to read it


async def _answer(instance: Instance, collections: Mapping[str, Handler], request: Request) -> Response:
    settings = instance.settings()
    if not settings.get("installed"):
        raise DavError(503, "ServiceUnavailable", "Nextcloud is not installed")
    instance.close_data_to_others()
    if settings.get("maintenance"):
        raise DavError(
            503,
            "OCA\\DAV\\Exception\\ServerMaintenanceMode",
            "System is in maintenance mode.",
            {"X-Nextcloud-Maintenance-Mode": "1", "Retry-After": "120"},
        )
    user = users.login(instance, request.headers.get("authorization"))
    if user is None:
        raise DavError(
            401,
            "NotAuthenticated",
            "No public access to this resource., Username or password was incorrect",
            {"WWW-Authenticate": 'Basic realm="Nextcloud", charset="UTF-8"'},
        )
    collection, owner, *path = [*_below_root(request, user), "", ""]
    path = [segment for segment in path if segment]
    handler = collections.get(collection)
    # A user sees nobody else's home: to him the other collections are empty.
    if handler is None or (owner and owner != user):
        raise DavError(404, "NotFound", "Node not found")
    return await handler(Call(request, Home(instance, user), str(settings["instanceid"]), path))


def _below_root(request: Request, user: str) -> list[str]:
    raw_path: bytes = request.scope["raw_path"]
    if raw_path.startswith(_LEGACY_ROOT.encode()):
        return ["files", user, *segments(raw_path)[2:]]
    return segments(raw_path)[2:]
