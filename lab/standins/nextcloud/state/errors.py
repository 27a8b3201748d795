"""Errors as sabre/dav, the WebDAV library of Nextcloud, words them."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

from starlette.responses import Response


class DavError(Exception):
    """A WebDAV request that fails with `status`; `kind` is the exception a real server names in the body."""

    def __init__(
        self, status: int, kind: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind if "\\" in kind else f"Sabre\\DAV\\Exception\\{kind}"
        self.headers = headers

    def response(self) -> Response:
        """The HTTP answer with its XML body."""
        message = "".join(character for character in str(self) if character.isprintable())  # as XML must be
        body = (
            '<?xml version="1.0" encoding="utf-8"?>\n'
            '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">\n'
            f"  <s:exception>{escape(self.kind)}</s:exception>\n"
            f"  <s:message>{escape(message)}</s:message>\n"
            "</d:error>\n"
        )
        return Response(body, self.status, self.headers, media_type="application/xml")
