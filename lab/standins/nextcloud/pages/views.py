"""What a person sees in a browser: a folder's files, and a way to put one there."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.templating import Jinja2Templates

from lab.standins.nextcloud.state import users
from lab.standins.nextcloud.state.errors import DavError
from lab.standins.nextcloud.state.filecache import Entry
from lab.standins.nextcloud.state.home import Home
from lab.standins.nextcloud.state.instance import Instance

_SESSION = "nc_session_id"
_TEMPLATES = Jinja2Templates(Path(__file__).parent / "templates")


def routes(instance: Instance) -> list[BaseRoute]:
    """The pages of a site."""
    sessions: dict[str, str] = {}

    async def root(request: Request) -> Response:
        return RedirectResponse("/apps/files/", 302)

    async def files(request: Request) -> Response:
        if not instance.installed:
            return PlainTextResponse("Nextcloud n’est pas installé.", 503)
        instance.close_data_to_others()
        if instance.maintenance:
            return PlainTextResponse("Cette instance Nextcloud est actuellement en maintenance.", 503)
        user = sessions.get(request.cookies.get(_SESSION, "")) or users.login(
            instance, request.headers.get("authorization")
        )
        if user is None:
            return PlainTextResponse(
                "Identifiez-vous.", 401, {"WWW-Authenticate": 'Basic realm="Nextcloud", charset="UTF-8"'}
            )
        answer = _listing(request, Home(instance, user))
        if request.cookies.get(_SESSION) not in sessions:
            # Nextcloud opens a session for whoever shows a password; the next page takes its cookie.
            token = secrets.token_urlsafe(24)
            sessions[token] = user
            answer.set_cookie(_SESSION, token, httponly=True)
        return answer

    async def file(request: Request) -> Response:
        return RedirectResponse(f"/apps/files/?openfile={request.path_params['number']}", 303)

    return [
        Route("/", root),
        Route("/apps/files/", files),
        Route("/apps/files", files),
        Route("/index.php/apps/files/", files),
        Route("/index.php/f/{number:int}", file),
    ]


def _listing(request: Request, home: Home) -> Response:
    segments = [
        part for part in request.query_params.get("dir", "/").split("/") if part not in {"", ".", ".."}
    ]
    path = "/".join(["files", *segments])
    try:
        folder = home.get(path)
    except DavError:
        return PlainTextResponse("Ce dossier n’existe pas.", 404)
    entries = sorted(home.children(folder.path), key=lambda entry: (not entry.folder, entry.name.casefold()))
    context = {
        "user": home.owner,
        "trail": [("/".join(segments[: depth + 1]), name) for depth, name in enumerate(segments)],
        "dav": "/remote.php/dav/" + quote("/".join(["files", home.owner, *segments])),
        "rows": [_row(entry) for entry in entries],
    }
    return _TEMPLATES.TemplateResponse(request, "files.html", context)


def _row(entry: Entry) -> dict[str, str | bool]:
    return {
        "name": entry.name,
        "folder": entry.folder,
        "path": entry.path.removeprefix("files"),
        "href": quote(entry.name),
        "size": _human(entry.size),
        "modified": f"{datetime.fromtimestamp(entry.mtime, UTC):%d/%m/%Y %H:%M} UTC",
    }


def _human(size: int) -> str:
    value = float(size)
    for unit in ("o", "Ko", "Mo"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} Go"
