"""How a handler becomes a route: its caller, its parameters, its errors."""

import json
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.payloads.error import response as error_response
from lab.standins.gitlab.state.errors import ApiError
from lab.standins.gitlab.state.git import GitError
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import User

Handler = Callable[[Call], Response]


def endpoint(
    instance: Instance, handler: Handler, *, public: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """Turn a plain function into an endpoint that runs it in a thread; anonymous callers only if `public`."""

    async def respond(request: Request) -> Response:
        try:
            user = await run_in_threadpool(authenticate, instance, request)
            call = Call(instance, request, await _parameters(request), user)
            if not public:
                _ = call.user
            return await run_in_threadpool(partial(handler, call))
        except ApiError as error:
            return error_response(error)
        except GitError as error:
            return JSONResponse({"message": str(error)}, 400)

    return respond


def authenticate(instance: Instance, request: Request) -> User | None:
    """The user whose token a request carries; None without one.

    Raises 401 for a wrong one, 403 for a request that writes with the scope `read_api`.
    """
    token = token_of(request)
    if token is None:
        return None
    known = instance.users.token(token)
    if known is None:
        raise ApiError(401, message="401 Unauthorized")
    if request.method not in ("GET", "HEAD") and "api" not in known["scope"].split():
        raise ApiError(403, error="insufficient_scope")
    return instance.users.get(known["user_id"])


def token_of(request: Request) -> str | None:
    """The personal access token that a request carries."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return request.headers.get("private-token") or (bearer.strip() if scheme.lower() == "bearer" else None)


async def _parameters(request: Request) -> dict[str, Any]:
    params: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/json":
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            raise ApiError(
                400, error="The provided content-type 'application/json' is not valid JSON"
            ) from None
        if isinstance(body, dict):
            params.update(body)
    elif kind == "application/x-www-form-urlencoded":
        # Not by Starlette's parser, which takes bytes that are not percent-encoded for Latin-1.
        text = (await request.body()).decode(errors="replace")
        params.update(_grouped(parse_qsl(text, keep_blank_values=True)))
    elif kind == "multipart/form-data":
        params.update(_grouped((await request.form()).multi_items()))
    return params


def _grouped(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Form fields as parameters: `name[]` collects a list, of any other name the last value counts."""
    params: dict[str, Any] = {}
    for name, value in pairs:
        if name.endswith("[]"):
            params.setdefault(name.removesuffix("[]"), []).append(value)
        else:
            params[name] = value
    return params
