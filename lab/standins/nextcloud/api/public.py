"""/public.php/dav/files/TOKEN/NAME: what strangers upload by a link.

Measured: where files are dropped, a name that is taken gets a number, and what somebody with a nickname drops goes into
a folder of that name. A link that may change files overwrites them, and the nickname makes no folder.
"""

from pathlib import PurePosixPath
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from lab.standins.nextcloud.api.call import client_mtime
from lab.standins.nextcloud.payloads.error import response
from lab.standins.nextcloud.state import names, shares
from lab.standins.nextcloud.state.activity import Actor
from lab.standins.nextcloud.state.errors import DavError
from lab.standins.nextcloud.state.home import Home
from lab.standins.nextcloud.state.instance import Instance

ROOT = "/public.php/dav/files/"


async def answer(instance: Instance, request: Request) -> Response:
    """Answer any request below /public.php."""
    try:
        return await _answer(instance, request)
    except DavError as error:
        return response(error)


async def _answer(instance: Instance, request: Request) -> Response:
    raw_path: bytes = request.scope["raw_path"]
    token, *path = [*names.segments(raw_path)[3:], ""]
    path = [segment for segment in path if segment]
    share = shares.of_link(instance, token)
    if share is None or not raw_path.startswith(ROOT.encode()):
        raise DavError(404, "NotFound", "Node not found")
    if request.method != "PUT" or not path:
        raise DavError(405, "MethodNotAllowed", "Only PUT is allowed on files drop")
    given = request.headers.get("x-nc-nickname", "").strip()
    nickname = unquote(given) if share.is_drop else ""
    if not given and len(path) > 1:
        raise DavError(400, "BadRequest", "A nickname header is required when uploading subfolders")
    home = Home(instance, share.owner, Actor(nickname=given))
    folder = share.path
    for part in [*([nickname] if nickname else []), *path[:-1]]:
        folder = f"{folder}/{part}"
        if home.find(folder) is None:
            home.make_folder(folder)
    target = _free(home, folder, path[-1]) if share.is_drop else f"{folder}/{path[-1]}"
    new = await home.receive(target, request.stream(), client_mtime(request.headers.get("x-oc-mtime")))
    return Response(status_code=201 if new else 204)


def _free(home: Home, folder: str, name: str) -> str:
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
    target, number = f"{folder}/{name}", 2
    while home.find(target) is not None:
        target, number = f"{folder}/{stem} ({number}){suffix}", number + 1
    return target
