"""How a handler becomes a route: body, session, transaction, error answer.

Handlers are plain functions from a Call to a Response, or to a Question that another server has to answer first.
Everything they do to the database is one transaction, and what follows a Question another one; it is kept when they
raise an ApiError, as the real server has no such transactions either (a failed login still counts), and undone when
they fail otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lab.standins.mattermost.api import outage
from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.payloads.error import response as error_response
from lab.standins.mattermost.state.errors import CLOSE, NO_COOKIE, ApiError
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row, new_id

API = "/api/v4"


@dataclass(frozen=True)
class Question:
    """What has to be asked of another server, beside the loop and any transaction, and what is made of its answer."""

    ask: Callable[[], Any]
    then: Callable[[Any], Response]


Handler = Callable[[Call], Response | Question]


def instance_of(request: Request) -> Instance:
    """The server this request came to."""
    return cast(Instance, request.app.state.instance)


def route(method: str, path: str, answer: Callable[..., object]) -> Route:
    """A Starlette route for exactly this method (Starlette would add HEAD to GET)."""
    made = Route(path, answer, methods=[method])
    made.methods = {method}
    return made


def endpoint(
    method: str, path: str, handler: Handler, *, session: bool = True, longest: int | None = None
) -> Route:
    """A route of the API below /api/v4. With ``session`` the caller must be logged in: 401 otherwise.

    Where files are uploaded the body has another limit than the release's: ``longest``.
    """

    def with_session(call: Call) -> Response | Question:
        if session and call.maybe_user is None:
            ended = NO_COOKIE if call.token else None
            raise ApiError("api.context.session_expired.app_error", 401, headers=ended)
        if call.body_truncated:
            raise ApiError("api.context.request_body_too_large.app_error", 413, headers=CLOSE)
        return handler(call)

    return handled(method, API + path, with_session, use_session=True, longest=longest)


def handled(
    method: str, path: str, handler: Handler, *, use_session: bool, longest: int | None = None
) -> Route:
    """A route whose errors are Mattermost's. Without ``use_session`` credentials are not even looked at."""

    async def answer(request: Request) -> Response:
        instance = instance_of(request)
        body, truncated = await _read(request, longest or instance.release.body_limit)
        request_id = new_id()

        def begun() -> Response | Question:
            token, user = _session(instance, request) if use_session else ("", None)
            if instance.store.is_away:
                outage.refuse(method, path)
            return handler(Call(instance, request, body, truncated, token, user))

        def transact(work: Callable[[], Response | Question]) -> Response | Question:
            with instance.store.transaction():
                try:
                    return work()
                except ApiError as error:
                    return error_response(error, request_id)

        response = transact(begun)
        while isinstance(response, Question):
            response = transact(partial(response.then, await asyncio.to_thread(response.ask)))
        response.headers["X-Request-Id"] = request_id
        version = instance.release.version
        response.headers["X-Version-Id"] = f"{version}.{version}.standin.false"
        return response

    return route(method, path, answer)


async def _read(request: Request, limit: int) -> tuple[bytes, bool]:
    """The body up to the limit, and whether there was more. All of it is taken from the connection."""
    kept = bytearray()
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        kept += chunk[: limit - len(kept)]
    return bytes(kept), size > limit


def _session(instance: Instance, request: Request) -> tuple[str, Row | None]:
    """The token of the Authorization header and its account.

    A token of a person stops working while EnableUserAccessTokens is off, a bot's goes on (measured on
    Mattermost 5.37). A token in the query string is refused.
    """
    if "access_token" in request.query_params:
        raise ApiError("api.context.token_provided.app_error", 401)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() not in {"bearer", "token"} or not token:
        return "", None
    store = instance.store
    user = store.one(
        "SELECT users.* FROM sessions JOIN users ON users.id = user_id WHERE token = ?", token
    ) or store.one(
        "SELECT users.* FROM access_tokens JOIN users ON users.id = user_id WHERE token = ? "
        "AND (bot_owner IS NOT NULL OR ?)",
        token,
        instance.config.service("EnableUserAccessTokens"),
    )
    return token, user if user is not None and user["delete_at"] == 0 else None
