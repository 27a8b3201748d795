"""The ASGI application."""

from functools import partial

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from lab.standins.nextcloud.api import bulk, chunks, dav, files, public, trash, versions
from lab.standins.nextcloud.pages import views
from lab.standins.nextcloud.state.site import Site


def build(site: Site) -> ASGIApp:
    """Application for a site, installed or not."""
    collections = {
        "files": files.handle,
        "uploads": chunks.handle,
        "bulk": bulk.handle,
        "trashbin": trash.handler(site),
        "versions": versions.handler(site),
    }
    answer_dav = partial(dav.answer, site, collections)
    web = views.build(site)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Beside the router, which matches decoded text: file names may hold bytes that are no UTF-8, and newlines.
        if scope["type"] == "http" and scope["raw_path"].startswith(b"/remote.php/"):
            response = await answer_dav(Request(scope, receive, send))
            await response(scope, receive, send)
        elif scope["type"] == "http" and scope["raw_path"].startswith(b"/public.php/"):
            response = await public.answer(site, Request(scope, receive, send))
            await response(scope, receive, send)
        else:
            await web(scope, receive, send)

    return app
