"""The XML of errors."""

from xml.sax.saxutils import escape

from starlette.responses import Response

from lab.standins.nextcloud.state.errors import DavError


def response(error: DavError) -> Response:
    """The HTTP answer with its XML body."""
    message = "".join(character for character in str(error) if character.isprintable())  # as XML must be
    body = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">\n'
        f"  <s:exception>{escape(error.kind)}</s:exception>\n"
        f"  <s:message>{escape(message)}</s:message>\n"
        "</d:error>\n"
    )
    return Response(body, error.status, error.headers, media_type="application/xml")
