"""/remote.php/dav/uploads/USER/ID/...: chunked upload, version 2.

Chunks rest in data/USER/uploads/ID; only the final MOVE of ID/.file touches the user's tree. An upload that is
abandoned stays (a real server removes it after a day).
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.responses import Response

from lab.standins.nextcloud.api import files
from lab.standins.nextcloud.api.call import Call
from lab.standins.nextcloud.payloads import multistatus
from lab.standins.nextcloud.state import disk
from lab.standins.nextcloud.state.errors import DavError

_BLOCK = 64 * 1024


async def handle(call: Call) -> Response:
    """Answer one request."""
    uploads = call.home.folder / "uploads"
    match call.request.method, call.path:
        case "MKCOL", [transfer]:
            if (uploads / transfer).exists():
                raise DavError(405, "MethodNotAllowed", "The resource you tried to create already exists")
            (uploads / transfer).mkdir(parents=True)
            return Response(status_code=201)
        case "PUT", [transfer, chunk]:
            return await _put(call, _existing(uploads / transfer), chunk)
        case "PROPFIND", [transfer]:
            return _propfind(call, transfer, _existing(uploads / transfer))
        case "MOVE", [transfer, ".file"]:
            return await _assemble(call, _existing(uploads / transfer))
        case "DELETE", [*names] if names:
            disk.remove(_existing(uploads.joinpath(*names)))
            return Response(status_code=204)
        case _:
            raise call.no_such_method()


def _existing(path: Path) -> Path:
    if not path.exists():
        raise DavError(404, "NotFound", f"File with name {path.name} could not be located")
    return path


async def _put(call: Call, folder: Path, chunk: str) -> Response:
    target = folder / chunk
    if target.exists():
        await disk.receive_over(target, call.request.stream())
        return Response(status_code=204)
    await disk.receive_new(target, disk.part_file(target, folder), call.request.stream())
    return Response(status_code=201)


def _propfind(call: Call, transfer: str, folder: Path) -> Response:
    base = ["uploads", call.home.owner, transfer]
    resources: list[tuple[list[str], bool, dict[str, str]]] = [
        (base, True, {"d:resourcetype": "<d:collection/>"})
    ]
    for chunk in _chunks(folder):
        values = {"d:resourcetype": "", "d:getcontentlength": str(chunk.stat().st_size)}
        resources.append(([*base, chunk.name], False, values))
    return multistatus.response(resources)


async def _assemble(call: Call, folder: Path) -> Response:
    home, path = call.target()
    chunks = _chunks(folder)
    expected, actual = (
        call.request.headers.get("oc-total-length"),
        sum(chunk.stat().st_size for chunk in chunks),
    )
    if expected is not None and expected != str(actual):
        raise DavError(
            400, "BadRequest", f"Chunks on server do not sum up to {expected} but to {actual} bytes"
        )
    known = home.find(path)
    if known and known.folder:
        raise DavError(400, "BadRequest", f"The given destination {path} is a directory.")
    mtime = call.mtime()
    new = await home.receive(path, _content(chunks), mtime)
    disk.remove(folder)
    return Response(status_code=201 if new else 204, headers=files.written(call, home, path, mtime))


def _chunks(folder: Path) -> list[Path]:
    """Chunks in natural order: web clients count 1, 2, 10, the desktop client pads with zeros."""
    complete = [chunk for chunk in folder.iterdir() if chunk.suffix != ".part"]
    return sorted(
        complete, key=lambda chunk: [int(run) if run.isdigit() else run for run in _runs(chunk.name)]
    )


def _runs(name: str) -> list[str]:
    return re.split(r"(\d+)", name)


async def _content(chunks: list[Path]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        with chunk.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
