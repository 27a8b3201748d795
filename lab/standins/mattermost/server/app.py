"""The ASGI application: all routes, unknown paths, the rate limit."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from lab.standins.mattermost.api import (
    actions,
    automation,
    bots,
    channels,
    commands,
    config,
    custom_emoji,
    execute,
    hooks,
    members,
    post_lists,
    posts,
    reactions,
    receive,
    system,
    teams,
    users,
)
from lab.standins.mattermost.api.endpoint import API
from lab.standins.mattermost.pages import press, run, views
from lab.standins.mattermost.server.rate_limit import RateLimit
from lab.standins.mattermost.state.errors import MESSAGES
from lab.standins.mattermost.state.instance import Instance

_RESOURCES = (
    system,
    users,
    automation,
    bots,
    config,
    teams,
    channels,
    members,
    posts,
    actions,
    post_lists,
    reactions,
    hooks,
    execute,
    commands,
    receive,
    views,
    run,
    press,
    custom_emoji,
)


def create_app(instance: Instance) -> Starlette:
    """The application that answers for this server."""
    app = Starlette(
        routes=[route for resource in _RESOURCES for route in resource.routes],
        middleware=[Middleware(RateLimit, instance=instance)],
        exception_handlers={404: _unknown, 405: _unknown},
    )
    app.router.redirect_slashes = False
    app.state.instance = instance
    return app


async def _unknown(request: Request, error: Exception) -> Response:
    """An unknown path, or a known one with another method: both 404 in the API."""
    assert isinstance(error, HTTPException)
    path = request.url.path
    if not path.startswith(f"{API}/"):
        return (
            Response(status_code=405) if error.status_code == 405 else PlainTextResponse(*receive.NOT_FOUND)
        )
    id = "api.context.404.app_error"
    content = {
        "id": id,
        "message": MESSAGES[id],
        "detailed_error": (
            f"There doesn't appear to be an api call for the url='{path}'.  "
            "Typo? are you missing a team_id or user_id as part of the url?"
        ),
        "status_code": 404,
    }
    return JSONResponse(content, 404, {"Content-Type": "text/plain; charset=utf-8"})
