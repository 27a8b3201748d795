"""The files of an account as the WebDAV of Nextcloud shows them.

Measured on Nextcloud 32: PROPFIND gives each file and folder a number that stays when it is renamed (`oc:fileid`), and
an etag that changes with its content; a folder's changes with anything below it, up to the root. `occ files:scan` may
change the etag of a file and leave its content. `nc:upload_time` is when a file was uploaded, 0 if it came otherwise,
and a copy has that of what was copied. An upload is seen when it is complete. Depth 1 is all there is: the whole of a
folder, without pages. Names are percent-encoded UTF-8.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote

from relays.sources.nextcloud.cloud import Cloud, CloudError
from relays.sources.nextcloud.multistatus import ForeignError, Listed, Multistatus

_ROOT = "/remote.php/dav/files"
_VERSIONS = "/remote.php/dav/versions"
_ASKED = (
    b'<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" '
    b'xmlns:nc="http://nextcloud.org/ns"><d:prop>'
    b"<d:resourcetype/><d:getetag/><d:getcontentlength/><d:getlastmodified/><oc:fileid/><nc:upload_time/>"
    b"</d:prop></d:propfind>"
)
_ASKED_OF_VERSIONS = (
    b'<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:nc="http://nextcloud.org/ns"><d:prop>'
    b"<nc:version-author/></d:prop></d:propfind>"
)
_EXPECTED = (HTTPStatus.MULTI_STATUS, HTTPStatus.NOT_FOUND)
# Of an etag and of the name of an account.
_LONGEST = 255
_MOST_VERSIONS = 10_000


@dataclass(frozen=True, slots=True)
class Resource:
    """A file or a folder. `address` is the path that the requests of a folder go to; `size` is 0 for a folder.

    `modified` and `uploaded` are seconds since the epoch; 0 if that is not known.
    """

    name: str
    address: str
    is_folder: bool
    number: int
    etag: str
    size: int
    modified: int
    uploaded: int


Take = Callable[[Resource], object]


def address_of(user: str, folder: str) -> str:
    """The path that requests about a folder of an account's files go to."""
    return f"{_ROOT}/{quote(user)}{quote(folder)}"


def read(
    cloud: Cloud, address: str, depth: int, take: Take = lambda found: None
) -> tuple[Resource, float] | None:
    """What is at an address, and since when, by the clock of Nextcloud; None if there is nothing.

    What is in it goes to `take` if `depth` is 1. CloudError for whatever else is answered, cut answers and those of
    others included: what was taken then is worth nothing.
    """
    itself: list[Resource] = []

    def found(each: Listed) -> None:
        is_below = bool(itself)
        if is_below and depth == 0:
            raise ForeignError
        resource = _resource(each, address, is_below)
        take(resource) if is_below else itself.append(resource)

    moment = _ask(cloud, address, depth, _ASKED, found)
    if moment is None:
        return None
    if not itself:
        raise _foreign()
    return itself[0], moment


def authors(cloud: Cloud, number: int) -> dict[int, str]:
    """Who wrote the versions of a file, by the date of the version; the newest is the content that it has.

    Without those of which it is not known. CloudError.
    """
    user = quote(cloud.account.user)
    found: dict[int, str] = {}

    def note(each: Listed) -> None:
        if each.name.isdecimal() and (author := each.values.get("version-author")):
            found[int(each.name)] = author[:_LONGEST]
        if len(found) > _MOST_VERSIONS:
            raise ForeignError

    _ask(cloud, f"{_VERSIONS}/{user}/versions/{number}", 1, _ASKED_OF_VERSIONS, note)
    return found


def _ask(
    cloud: Cloud, address: str, depth: int, asked: bytes, found: Callable[[Listed], None]
) -> float | None:
    headers = {"Depth": str(depth), "Content-Type": "application/xml"}
    multistatus = Multistatus(found)
    started = time.monotonic()
    try:
        answer = cloud.ask("PROPFIND", address, _EXPECTED, headers=headers, body=asked, take=multistatus.take)
        if answer.status == HTTPStatus.NOT_FOUND:
            if b"http://sabredav.org/ns" not in answer.content:
                raise ForeignError
            return None
        multistatus.end()
        # It was looked at before it was answered.
        return _moment(answer.headers) - (time.monotonic() - started)
    except (ForeignError, ValueError, LookupError, TypeError):
        raise _foreign() from None


def _moment(headers: Mapping[str, str]) -> float:
    with suppress(KeyError, ValueError):
        return parsedate_to_datetime(headers["Date"]).timestamp()
    return time.time()


def _foreign() -> CloudError:
    return CloudError("the answer is not that of Nextcloud's WebDAV", "correct nextcloud.url")


def _resource(found: Listed, address: str, is_below: bool) -> Resource:
    """ForeignError, ValueError or LookupError if it is not what was asked."""
    values = found.values
    number = int(values["fileid"])
    if not 0 < number < 2**63 or len(values["getetag"]) > _LONGEST:
        raise ForeignError
    below = f"{address}/{quote(found.raw_name, errors='surrogateescape')}" if is_below else address
    return Resource(
        found.name,
        below if found.is_folder else "",
        found.is_folder,
        number,
        values["getetag"],
        0 if found.is_folder else int(values["getcontentlength"]),
        int(parsedate_to_datetime(values["getlastmodified"]).timestamp()),
        int(values.get("upload_time", "0")),
    )
