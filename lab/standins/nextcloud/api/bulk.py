"""POST /remote.php/dav/bulk: the desktop client's way to send many small files at once."""

import hashlib
import io
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from starlette.responses import Response

from lab.standins.nextcloud.api.call import Call, client_mtime
from lab.standins.nextcloud.payloads import multistatus
from lab.standins.nextcloud.state import names, shares
from lab.standins.nextcloud.state.errors import DavError


class Malformed(Exception):
    """The multipart body breaks off or lies about a part."""


@dataclass(frozen=True)
class Part:
    """One file of the body."""

    path: str
    mtime: int | None
    content: bytes


async def handle(call: Call) -> Response:
    """Write each part as it is parsed: 200, or 400 at the first malformed one; what is written stays."""
    if call.request.method != "POST":
        raise call.no_such_method()
    body = await call.request.body()
    results: dict[str, Mapping[str, object]] = {}
    status = 200
    try:
        for part in parse(call.request.headers.get("content-type", ""), body):
            results[part.path] = _write(call, part)
    except Malformed:
        status = 400
    # PHP, which knows one kind of array, writes an empty object as a list.
    return Response(json.dumps(results) if results else "[]", status, media_type="text/html")


def parse(content_type: str, body: bytes) -> Iterator[Part]:
    """Parts of a multipart/related body, checked against their X-File-MD5.

    Raises:
        Malformed: at the part that is wrong.
    """
    mime_type, _, parameter = content_type.partition(";")
    key, _, boundary = parameter.partition("=")
    if mime_type.strip() != "multipart/related" or key.strip() != "boundary":
        raise Malformed("Content-Type must be multipart/related with a boundary")
    marker = b"--" + boundary.strip().strip('"').encode()
    position = 0
    while not body.startswith(marker + b"--\r\n", position):
        if not body.startswith(marker + b"\r\n", position):
            raise Malformed("Boundary not found where it should be.")
        head_end = body.find(b"\r\n\r\n", position)
        if head_end < 0:
            raise Malformed("An error occurred while reading headers of a part")
        headers = _headers(body[position + len(marker) + 2 : head_end].decode(errors="replace"))
        start = head_end + 4
        try:
            content = body[start : start + int(headers["content-length"])]
            digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
            path, intact = headers["x-file-path"], digest == headers["x-file-md5"]
            mtime = client_mtime(headers.get("x-file-mtime", headers.get("x-oc-mtime")))
        except (KeyError, ValueError, DavError) as error:
            raise Malformed("A header of a part is missing or wrong") from error
        if not intact:
            raise Malformed("Computed md5 hash is incorrect.")
        yield Part(path, mtime, content)
        position = start + len(content) + 2


def _headers(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _write(call: Call, part: Part) -> Mapping[str, object]:
    segments = [segment for segment in part.path.split("/") if segment]
    home, path = shares.locate(call.home, "/".join(["files", *segments]))
    if not segments:
        return {"error": True, "message": "Could not create as provided path is empty"}
    reasons = [reason for segment in segments if (reason := names.refusal(segment))]
    if ".." in segments or reasons:
        return {"error": True, "message": reasons[0] if reasons else "Path contains invalid segments"}
    try:
        home.write(path, io.BytesIO(part.content))
    except OSError:
        return {"error": True, "message": f'Could not create path "/{home.owner}/{path}"'}
    home.touch(path, int(time.time()) if part.mtime is None else part.mtime)
    entry = home.get(path)
    return {
        "error": False,
        "etag": entry.etag,
        "fileid": multistatus.file_id(entry, call.instance_id),
        "permissions": "RGDNVW",
    }
