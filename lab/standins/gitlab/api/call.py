"""What every REST resource shares: parameters, authentication, errors and pagination."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lab.standins.gitlab.state.git import GitError
from lab.standins.gitlab.state.models import User

if TYPE_CHECKING:
    from lab.standins.gitlab.state.instance import Instance

_TRUE = {"true", "1", "t", "on", "yes"}
_FALSE = {"false", "0", "f", "off", "no"}


class ApiError(Exception):
    """An answer other than success.

    GitLab uses two keys, both modelled: `message` for its own errors and `error` for those of its parameter
    validation and for the few endpoints that bypass its helper, hook creation among them.
    """

    def __init__(
        self, status: int, *, message: Any = None, error: str | None = None, location: str | None = None
    ) -> None:
        super().__init__(message or error)
        self.status = status
        self.headers = {"Location": location} if location else None
        self.body = {"message": message} if error is None else {"error": error}


def not_found(what: str | None = None) -> ApiError:
    """404 as GitLab words it, with or without the kind of record."""
    return ApiError(404, message=f"404 {what} Not Found" if what else "404 Not found")


@dataclass
class Call:
    """One request to the API, with its parameters read."""

    gitlab: Instance
    request: Request
    params: dict[str, Any]
    current_user: User | None

    @property
    def user(self) -> User:
        """Whoever calls. Raises 401 for nobody."""
        if self.current_user is None:
            raise ApiError(401, message="401 Unauthorized")
        return self.current_user

    def segment(self, name: str) -> str:
        """A part of the path, decoded."""
        return unquote(self.request.path_params[name])

    def number(self, name: str) -> int:
        """A part of the path that is an id. Raises 400 for anything else."""
        value = self.segment(name)
        if not value.isdigit():
            raise ApiError(400, error=f"{name} is invalid")
        return int(value)

    def text(self, name: str) -> str | None:
        """An optional string."""
        value = self.params.get(name)
        return None if value is None else str(value)

    def required(self, name: str) -> str:
        """A string that must be there. Raises 400."""
        value = self.text(name)
        if value is None:
            raise ApiError(400, error=f"{name} is missing")
        if not value.strip():
            raise ApiError(400, error=f"{name} is empty")
        return value

    def flag(self, name: str) -> bool | None:
        """An optional boolean, in any of the spellings that GitLab takes. Raises 400."""
        value = self.params.get(name)
        if value is None or isinstance(value, bool):
            return value
        spelling = str(value).lower()
        if spelling not in _TRUE | _FALSE:
            raise ApiError(400, error=f"{name} is invalid")
        return spelling in _TRUE

    def names(self, name: str) -> list[str] | None:
        """An optional list of words, given as an array or separated by commas."""
        value = self.params.get(name)
        if value is None:
            return None
        words = value if isinstance(value, list) else str(value).split(",")
        return [str(word).strip() for word in words if str(word).strip()]

    def ids(self, name: str) -> list[int] | None:
        """An optional list of ids; 0 stands for nobody, as in GitLab. Raises 400."""
        words = self.names(name)
        if words is None:
            return None
        if not all(word.isdigit() for word in words):
            raise ApiError(400, error=f"{name} is invalid")
        return [int(word) for word in words if int(word)]

    def _positive(self, name: str, default: int) -> int:
        value = self.text(name) or str(default)
        if not value.isdigit() or int(value) == 0:
            raise ApiError(400, error=f"{name} is invalid")
        return int(value)

    def page(self, records: Sequence[Any]) -> Response:
        """One page of a list, with GitLab's pagination headers."""
        number, size = self._positive("page", 1), min(100, self._positive("per_page", 20))
        pages = max(1, -(-len(records) // size))
        base = str(self.request.url.replace(query=""))

        def link(target: int, relation: str) -> str:
            query = urlencode({**self.request.query_params, "page": target, "per_page": size})
            return f'<{base}?{query}>; rel="{relation}"'

        following = number + 1 if number < pages else None
        previous = number - 1 if number > 1 else None
        links = [link(1, "first"), link(pages, "last")]
        if following:
            links.insert(0, link(following, "next"))
        if previous:
            links.insert(0, link(previous, "prev"))
        return JSONResponse(
            list(records[(number - 1) * size : number * size]),
            headers={
                "x-total": str(len(records)),
                "x-total-pages": str(pages),
                "x-page": str(number),
                "x-per-page": str(size),
                "x-next-page": str(following or ""),
                "x-prev-page": str(previous or ""),
                "link": ", ".join(links),
            },
        )


Handler = Callable[[Call], Response]


def endpoint(
    gitlab: Instance, handler: Handler, *, public: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """Turn a plain function into an endpoint that runs it in a thread; anonymous callers only if `public`."""

    async def respond(request: Request) -> Response:
        try:
            user = await run_in_threadpool(authenticate, gitlab, request)
            call = Call(gitlab, request, await _parameters(request), user)
            if not public:
                _ = call.user
            return await run_in_threadpool(partial(handler, call))
        except ApiError as error:
            return JSONResponse(error.body, error.status, error.headers)
        except GitError as error:
            return JSONResponse({"message": str(error)}, 400)

    return respond


def authenticate(gitlab: Instance, request: Request) -> User | None:
    """The user whose token a request carries; None without one.

    Raises 401 for a wrong one, 403 for a request that writes with the scope `read_api`.
    """
    token = token_of(request)
    if token is None:
        return None
    user = gitlab.users.by_token(token)
    if user is None:
        raise ApiError(401, message="401 Unauthorized")
    if request.method not in ("GET", "HEAD") and gitlab.users.token(token)["scope"] == "read_api":
        raise ApiError(403, error="insufficient_scope")
    return user


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


class KeepEncodedSlashes:
    """Keep `%2F` apart from `/` while routing: GitLab takes `group%2Fproject` as one id, servers decode it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "raw_path" in scope:
            raw = scope["raw_path"].decode("latin-1").partition("?")[0]
            segments = [unquote(segment).replace("/", "%2F") for segment in raw.split("/")]
            scope = {**scope, "path": "/".join(segments)}
        await self._app(scope, receive, send)
