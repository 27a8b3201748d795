"""The files of an account as the WebDAV of Nextcloud shows them.

Measured on Nextcloud 32: PROPFIND gives each file and folder a number that stays when it is renamed (`oc:fileid`), and
an etag that changes with its content; a folder's changes with anything below it, up to the root. An upload is seen
when it is complete. Depth 1 is all there is: the whole of a folder, without pages. Names are percent-encoded UTF-8.
"""

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree

from relays.nextcloud.cloud import Cloud, CloudError

_ROOT = "/remote.php/dav/files"
_DAV, _OC = "{DAV:}", "{http://owncloud.org/ns}"
_ASKED = (
    b'<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop>'
    b"<d:resourcetype/><d:getetag/><d:getcontentlength/><oc:fileid/></d:prop></d:propfind>"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """A file or a folder. `address` is the path that its requests go to; `size` is 0 for a folder."""

    name: str
    address: str
    is_folder: bool
    number: int
    etag: str
    size: int

    @property
    def content(self) -> int:
        """A number that tells one content from another."""
        return int.from_bytes(hashlib.blake2b(self.etag.encode(), digest_size=7).digest())


def address_of(user: str, folder: str) -> str:
    """The path that requests about a folder of an account's files go to."""
    return f"{_ROOT}/{quote(user)}{quote(folder)}"


def read(cloud: Cloud, address: str, depth: int) -> tuple[Resource, list[Resource]] | None:
    """What is at an address, and what is in it if `depth` is 1; None if there is nothing.

    CloudError for whatever else is answered, cut answers and those of others included.
    """
    expected = (HTTPStatus.MULTI_STATUS, HTTPStatus.NOT_FOUND)
    headers = {"Depth": str(depth), "Content-Type": "application/xml"}
    answer = cloud.ask("PROPFIND", address, expected, headers=headers, body=_ASKED)
    is_dav = b"http://sabredav.org/ns" in answer.content
    if answer.status == HTTPStatus.NOT_FOUND and is_dav:
        return None
    try:
        resources = list(_resources(ElementTree.fromstring(answer.content), address))  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError):
        raise CloudError("the answer is not that of Nextcloud's WebDAV", "correct nextcloud.url") from None
    (_, itself), *others = resources
    below = [resource for parent, resource in others if parent]
    if len(below) < len(others) or (depth == 0 and others):
        raise CloudError("the answer is about something else", "correct nextcloud.url")
    return itself, below


def _resources(root: ElementTree.Element, address: str) -> Iterator[tuple[bool, Resource]]:
    """Each resource, and whether it lies in the first one. ValueError or LookupError if it is not what was asked."""
    own: list[str] = []
    for response in root.iterfind(f"{_DAV}response"):
        segments = urlsplit(_text(response, f"{_DAV}href")).path.rstrip("/").split("/")
        name = unquote(segments[-1], errors="surrogateescape")
        if not name or "/" in name:
            raise ValueError(name)
        own = own or segments
        inside = segments[:-1] == own and len(segments) == len(own) + 1
        found = _found(response)
        is_folder = found.find(f"{_DAV}resourcetype/{_DAV}collection") is not None
        number = int(_text(found, f"{_OC}fileid"))
        if not 0 < number < 2**63:
            raise ValueError(number)
        size = 0 if is_folder else int(_text(found, f"{_DAV}getcontentlength"))
        yield (
            inside,
            Resource(
                unicodedata.normalize("NFC", name),
                f"{address}/{quote(name, errors='surrogateescape')}" if inside else address,
                is_folder,
                number,
                _text(found, f"{_DAV}getetag"),
                size,
            ),
        )
    if not own:
        raise LookupError


def _found(response: ElementTree.Element) -> ElementTree.Element:
    for each in response.iterfind(f"{_DAV}propstat"):
        properties = each.find(f"{_DAV}prop")
        if " 200 " in _text(each, f"{_DAV}status") and properties is not None:
            return properties
    raise LookupError


def _text(element: ElementTree.Element, path: str) -> str:
    text = element.findtext(path)
    if not text:
        raise LookupError(path)
    return text
