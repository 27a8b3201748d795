"""The XML of PROPFIND answers.

Every property the stand-in models is given, whichever ones the client asked for.
"""

from collections.abc import Iterable, Mapping
from email.utils import formatdate
from urllib.parse import quote
from xml.sax.saxutils import escape

from starlette.responses import Response

from lab.standins.nextcloud.state.filecache import Entry

_HEAD = (
    '<?xml version="1.0"?>\n'
    '<d:multistatus xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns" '
    'xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns">'
)


def file_id(entry: Entry, instance_id: str) -> str:
    """The id that Nextcloud shows to clients: eight digits and the installation."""
    return f"{entry.fileid:08d}{instance_id}"


def properties(entry: Entry, instance_id: str) -> dict[str, str]:
    """Properties of a file or folder; values are XML."""
    common = {
        "d:getlastmodified": formatdate(entry.mtime, usegmt=True),
        "d:getetag": f"&quot;{entry.etag}&quot;",
        "d:displayname": escape(entry.name),
        "oc:id": file_id(entry, instance_id),
        "oc:fileid": str(entry.fileid),
        "oc:size": str(entry.size),
        "nc:upload_time": str(entry.uploaded),
    }
    if entry.folder:
        return common | {"d:resourcetype": "<d:collection/>", "oc:permissions": "RGDNVCK"}
    return common | {
        "d:resourcetype": "",
        "d:getcontentlength": str(entry.size),
        "oc:permissions": "RGDNVW",
    }


def response(resources: Iterable[tuple[list[str], bool, Mapping[str, str]]]) -> Response:
    """207 answer for resources given as URL segments below /remote.php/dav, folder or not, and properties."""
    parts = [_HEAD]
    for segments, folder, values in resources:
        href = "/remote.php/dav/" + quote("/".join(segments)) + ("/" if folder else "")
        inner = "".join(
            f"<{name}>{value}</{name}>" if value else f"<{name}/>" for name, value in values.items()
        )
        parts.append(
            f"<d:response><d:href>{escape(href)}</d:href><d:propstat><d:prop>{inner}</d:prop>"
            "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
        )
    parts.append("</d:multistatus>")
    return Response("".join(parts), 207, {"DAV": "1, 3, extended-mkcol"}, media_type="application/xml")
