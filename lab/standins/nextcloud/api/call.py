"""One WebDAV request: where it leads, and what its headers say."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from lab.standins.nextcloud.state import names, shares
from lab.standins.nextcloud.state.errors import DavError
from lab.standins.nextcloud.state.home import Home

ROOT = "/remote.php/dav/"


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
        parts = segments(raw_path)
        base = [*ROOT.strip("/").split("/"), collection, self.home.owner]
        if parts[: len(base)] != base:
            raise DavError(502, "BadGateway", "The destination is not below the user's own collection")
        return parts[len(base) :]

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


def segments(raw_path: bytes) -> list[str]:
    """Decoded segments of a URL path. Raises DavError 400 for a path that cannot be."""
    try:
        return names.segments(raw_path)
    except ValueError as error:
        raise DavError(400, "OCA\\DAV\\Connector\\Sabre\\Exception\\InvalidPath", str(error)) from error
