"""One request to the API: who calls and what the request says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.state.errors import ApiError
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import User

_TRUE = {"true", "1", "t", "on", "yes"}
_FALSE = {"false", "0", "f", "off", "no"}


@dataclass
class Call:
    """One request to the API, with its parameters read."""

    instance: Instance
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
