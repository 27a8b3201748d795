"""The ASGI application: which part answers where."""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from lab.standins.nextcloud.api import bulk, chunks, dav, files, ocs, public, status, trash, versions
from lab.standins.nextcloud.pages import views
from lab.standins.nextcloud.state.instance import Instance


def create_app(instance: Instance) -> ASGIApp:
    """Application for a site, installed or not."""
    collections = {
        "files": files.handle,
        "uploads": chunks.handle,
        "bulk": bulk.handle,
        "trashbin": trash.handle,
        "versions": versions.handle,
    }
    answer_dav = partial(dav.answer, instance, collections)
    web = Starlette(routes=[*status.routes(instance), *ocs.routes(instance), *views.routes(instance)])

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Beside the router, which matches decoded text: file names may hold bytes that are no UTF-8, and newlines.
        if scope["type"] == "http" and scope["raw_path"].startswith(b"/remote.php/"):
            response = await answer_dav(Request(scope, receive, send))
            await response(scope, receive, send)
        elif scope["type"] == "http" and scope["raw_path"].startswith(b"/public.php/"):
            response = await public.answer(instance, Request(scope, receive, send))
            await response(scope, receive, send)
        else:
            await web(scope, receive, send)

    return app
