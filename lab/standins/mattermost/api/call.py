"""One request to the server: who calls and what the request says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request

from lab.standins.mattermost.payloads.gojson import loads
from lab.standins.mattermost.state.errors import invalid_body, invalid_url
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row, Store

_ID = re.compile(r"[A-Za-z0-9]{26}")


@dataclass(frozen=True)
class Call:
    """One request.

    ``body`` holds at most the release's limit; ``body_truncated`` says whether there was more.
    ``maybe_user`` is the account behind the session, if there is one.
    """

    instance: Instance
    request: Request
    body: bytes
    body_truncated: bool
    token: str
    maybe_user: Row | None

    @property
    def user(self) -> Row:
        """The caller's account, on routes that need a session."""
        assert self.maybe_user is not None
        return self.maybe_user

    @property
    def store(self) -> Store:
        return self.instance.store

    @property
    def is_admin(self) -> bool:
        return "system_admin" in self.user["roles"].split()

    def path(self, name: str) -> str:
        """A parameter of the path."""
        return cast(str, self.request.path_params[name])

    def id(self, name: str) -> str:
        """An id from the path; ``me`` stands for the caller. Malformed: 400."""
        value = self.path(name)
        if name == "user_id" and value == "me":
            return cast(str, self.user["id"])
        if not _ID.fullmatch(value):
            raise invalid_url(name)
        return value

    def flag(self, name: str) -> bool:
        """A boolean of the query string."""
        return self.request.query_params.get(name) in {"true", "1", "t"}

    def number(self, name: str, default: int) -> int:
        """A number of the query string; anything else is the default."""
        text = self.request.query_params.get(name, "")
        return int(text) if text.isascii() and text.isdigit() else default

    def page(self) -> tuple[int, int]:
        """``per_page`` (60 unless given, at most 200) and the offset that ``page`` gives."""
        size = min(self.number("per_page", 60), 200)
        return size, size * self.number("page", 0)

    def json_object(self, name: str) -> dict[str, Any]:
        """The body as a JSON object, whatever its Content-Type. Anything else: 400 naming ``name``."""
        value = loads(self.body)
        if not isinstance(value, dict):
            raise invalid_body(name)
        return value

    def fields(self, name: str, kinds: Mapping[str, type]) -> dict[str, Any]:
        """The body's fields of these types; a missing or null one has its type's zero value.

        A value of the wrong type is refused in 11.6 and taken as zero in 5.37.
        """
        given = self.json_object(name)
        values: dict[str, Any] = {}
        for key, kind in kinds.items():
            value = given.get(key)
            if type(value) is not kind:
                if value is not None and not self.instance.release.wrong_types_are_zero:
                    raise invalid_body(name)
                value = kind()
            values[key] = value
        return values
