"""Entry to /remote.php: maintenance, authentication, and which part of the DAV tree a URL names."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from lab.standins.nextcloud.state import accounts, names, shares
from lab.standins.nextcloud.state.errors import DavError
from lab.standins.nextcloud.state.home import Home
from lab.standins.nextcloud.state.site import Site

ROOT = "/remote.php/dav/"
_LEGACY_ROOT = "/remote.php/webdav"


@dataclass(frozen=True)
class Call:
    """One authenticated DAV request; `path` are the segments after the collection and the user."""

    request: Request
    home: Home
    instance_id: str
    path: list[str]

    @property
    def depth(self) -> str:
        return self.request.headers.get("depth", "1")

    @property
    def overwrite(self) -> bool:
        return self.request.headers.get("overwrite", "T").upper() != "F"

    def destination(self, collection: str) -> list[str]:
        """Segments of the Destination header below `collection` of the same user.

        Raises:
            DavError: 400 without the header, 502 for one outside of the user's collection.
        """
        value = self.request.headers.get("destination")
        if not value:
            raise DavError(400, "BadRequest", "The destination header was not supplied")
        raw_path = urlsplit(value).path.encode("latin-1")
        segments = _segments(raw_path)
        base = [*ROOT.strip("/").split("/"), collection, self.home.owner]
        if segments[: len(base)] != base:
            raise DavError(502, "BadGateway", "The destination is not below the user's own collection")
        return segments[len(base) :]

    def target(self) -> tuple[Home, str]:
        """Whose home the destination is in, and where there; errors as `destination`."""
        return shares.locate(self.home, "/".join(["files", *self.destination("files")]))

    def mtime(self) -> int | None:
        """The date the client gives the file with X-OC-Mtime, or None."""
        return client_mtime(self.request.headers.get("x-oc-mtime"))

    def no_such_method(self) -> DavError:
        return DavError(405, "MethodNotAllowed", f"{self.request.method} is not supported here")


Handler = Callable[[Call], Awaitable[Response]]


def client_mtime(value: str | None) -> int | None:
    """Parse a modification time sent by a client.

    Raises:
        DavError: 400 for anything but a number of seconds greater than one day.
    """
    if value is None:
        return None
    if not value.strip().isdecimal() or int(value) <= 24 * 60 * 60:
        raise DavError(
            400, "BadRequest", f'X-OC-MTime header must be a valid integer (unix timestamp), got "{value}".'
        )
    return int(value)


async def answer(site: Site, collections: dict[str, Handler], request: Request) -> Response:
    """Answer any request below /remote.php; `collections` has a handler by first segment."""
    try:
        return await _answer(site, collections, request)
    except DavError as error:
        return error.response()
    except PermissionError:
        # Measured on Nextcloud 32.0.1: uploads into a tree that root made end so.
        return DavError(403, "Forbidden", "").response()
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is left to read it


async def _answer(site: Site, collections: dict[str, Handler], request: Request) -> Response:
    settings = site.settings()
    if not settings.get("installed"):
        raise DavError(503, "ServiceUnavailable", "Nextcloud is not installed")
    site.close_data_to_others()
    if settings.get("maintenance"):
        raise DavError(
            503,
            "OCA\\DAV\\Exception\\ServerMaintenanceMode",
            "System is in maintenance mode.",
            {"X-Nextcloud-Maintenance-Mode": "1", "Retry-After": "120"},
        )
    user = accounts.login(site, request.headers.get("authorization"))
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
    return await handler(Call(request, Home(site, user), str(settings["instanceid"]), path))


def _below_root(request: Request, user: str) -> list[str]:
    raw_path: bytes = request.scope["raw_path"]
    if raw_path.startswith(_LEGACY_ROOT.encode()):
        return ["files", user, *_segments(raw_path)[2:]]
    return _segments(raw_path)[2:]


def _segments(raw_path: bytes) -> list[str]:
    try:
        return names.segments(raw_path)
    except ValueError as error:
        raise DavError(400, "OCA\\DAV\\Connector\\Sabre\\Exception\\InvalidPath", str(error)) from error
