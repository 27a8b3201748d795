"""GitLab's REST API, in bounded time and memory; what each refusal means.

It is read with the token `gitlab-read-token`, and changed with `gitlab-write-token`.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import requests
from urllib3.exceptions import NewConnectionError

from relays.base import tls
from relays.base.bounded_json import HeavyError, read_json
from relays.base.errors import explain
from relays.base.settings import StartError, read_optional_secret
from relays.base.web import open_session

_LARGEST_PAGE = 32 * 1024 * 1024
_SETTING = "gitlab.url"
_VERBS = {"GET": "read", "POST": "change", "PUT": "change"}
_TIMEOUT = (5.0, 15.0)
_PAGE_SECONDS = 60.0

_MAY_READ = (
    "make one with the role Maintainer and the scope read_api, set gitlab.read_token and run the deploy again"
)
MAY_WRITE = (
    "make one with the role Developer and the scope api, set gitlab.write_token and run the deploy again"
)
"""What to do where the token is not one that may (Server)."""

Query = Mapping[str, str | int]
Places = Literal["projects", "groups", "users"]
Change = Literal["POST", "PUT"]


class GitLabError(Exception):
    """GitLab cannot be read now: the reason, and the remedy if it is in somebody's hands."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


class UnknownError(GitLabError):
    """GitLab knows nothing at that address, or does not show it to the token."""


class UnreadableError(GitLabError):
    """What GitLab answers is more than can be read, or is not what it should be."""


class UnconfirmedError(GitLabError):
    """GitLab was asked to change something, and nobody knows whether it has."""


class _BrokenOffError(GitLabError):
    """It was asked, and what it says is not known, or that something has failed there."""


@dataclass(frozen=True)
class Server:
    """The GitLab at `url`, asked with `token`; for `ca` see base.tls, for `proxy` base.web.

    `remedy` is what to do if it is not the token for that.
    """

    url: str
    token: str = field(repr=False)
    ca: Path | None = None
    proxy: str | None = None
    remedy: str = _MAY_READ

    def get(self, path: str, query: Query, what: str, unknown: str) -> object:
        """The JSON at a path of the API, None if it is none; the rest as for `PlaceApi.one`."""
        return self._answer("GET", path, what, unknown, params=query)

    def send(self, method: Change, path: str, content: Mapping[str, object], what: str) -> object:
        """Have something changed, and GitLab's answer to that; the rest as for `PlaceApi.change`."""
        try:
            return self._answer(method, path, what, "", json=content)
        except _BrokenOffError as error:
            raise UnconfirmedError(str(error), error.remedy) from None
        except UnreadableError as error:
            raise UnconfirmedError(str(error)) from None

    def _answer(self, method: str, path: str, what: str, unknown: str, **said: Any) -> object:
        try:
            with (
                open_session(self.ca, self.proxy) as session,
                session.request(
                    method,
                    f"{self.url}/api/v4/{path}",
                    headers={"PRIVATE-TOKEN": self.token},
                    timeout=_TIMEOUT,
                    # The token is for this address alone.
                    allow_redirects=False,
                    stream=True,
                    **said,
                ) as response,
            ):
                if response.status_code not in (HTTPStatus.OK, HTTPStatus.CREATED):
                    raise self._refusal(response, what, unknown)
                content = _read(response)
        except requests.RequestException as error:
            kind = _BrokenOffError if _was_sent(error) else GitLabError
            raise kind(*explain(error, _SETTING)) from None
        try:
            return read_json(content)
        except HeavyError:
            raise UnreadableError("the answer is too large") from None
        except ValueError:
            return None

    def _refusal(self, response: requests.Response, what: str, unknown: str) -> GitLabError:
        status = response.status_code
        if status == HTTPStatus.BAD_REQUEST and tls.refuses_plain_http(status, bytes(_read(response))):
            fault = tls.FAULTS["https"]
            return GitLabError(fault.what, fault.remedy.format(setting=_SETTING))
        remedies: dict[int, str] = {
            HTTPStatus.UNAUTHORIZED: f"the token is wrong, revoked or out of date: {self.remedy}",
            HTTPStatus.FORBIDDEN: f"the token may not {_VERBS[str(response.request.method)]} {what}: {self.remedy}",
            HTTPStatus.NOT_FOUND: unknown,
        }
        if 300 <= status < 400:
            return GitLabError(f"HTTP {status}", "it leads elsewhere: set gitlab.url to where it leads")
        kind: type[GitLabError] = GitLabError
        if status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            kind = UnknownError
        elif status >= 500:
            kind = _BrokenOffError
        return kind(f"HTTP {status}", remedies.get(status, ""))


@dataclass(frozen=True)
class PlaceApi:
    """What GitLab's API says of what is at `path`, one `of` the projects, groups or users.

    Its methods raise GitLabError, and UnknownError for what the token does not see.
    """

    server: Server
    path: str
    of: Places = "projects"

    def one(self, path: str, query: Query, what: str, unknown: str) -> dict[str, Any]:
        """The thing at a path below it; `what` the token has to read, and what it means if that is not there."""
        found = self._get(path, query, what, unknown)
        if not isinstance(found, dict):
            raise UnreadableError("the answer is not GitLab's", "correct gitlab.url")
        return found

    def page(self, path: str, query: Query, what: str, unknown: str) -> list[dict[str, Any]]:
        """A page of the list at a path below it; the rest as for `one`."""
        listed = self._get(path, query, what, unknown)
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise UnreadableError("the answer is not GitLab's", "correct gitlab.url")
        return listed

    def change(self, method: Change, path: str, content: Mapping[str, object], what: str) -> dict[str, Any]:
        """Have something below it changed, `what` the token has to change; it, as it is then.

        UnconfirmedError if nobody knows whether it was; of any other GitLabError it was not.
        """
        changed = self.server.send(method, f"{self._place}/{path}", content, what)
        if not isinstance(changed, dict):
            raise UnconfirmedError("the answer is not GitLab's", "correct gitlab.url")
        return changed

    @property
    def _place(self) -> str:
        return f"{self.of}/{quote(self.path, safe='')}"

    def _get(self, path: str, query: Query, what: str, unknown: str) -> object:
        return self.server.get(f"{self._place}/{path}" if path else self._place, query, what, unknown)


@dataclass(frozen=True)
class Credential:
    """A token of GitLab's: its name, the table of the settings that it is for, what that holds, and its scope."""

    name: str
    table: str
    keys: str
    scope: str

    def read(self, credentials: Path, *, wanted: bool) -> str | None:
        """The token; None if there is none and it is not `wanted`, as the settings say.

        StartError if only one of both is there, or the credential cannot be used.
        """
        token = read_optional_secret(credentials, self.name)
        if not wanted:
            if token is not None:
                raise StartError(
                    f"{self.name} is there, but the settings have no [{self.table}]: add {self.keys}, "
                    "or remove the credential"
                )
            return None
        if token is None:
            raise StartError(
                f"{credentials / self.name} is missing while the settings have [{self.table}]: write a token with "
                f"the scope {self.scope} into it, or remove the table"
            )
        if not re.fullmatch(r"[!-~]+", token):
            raise StartError(f"{credentials / self.name} is not a token (value not shown): correct it")
        return token


READ_TOKEN = Credential("gitlab-read-token", "gitlab", "url, projects and hook", "read_api")
WRITE_TOKEN = Credential("gitlab-write-token", "commands.gitlab", "url", "api")


def _read(response: requests.Response) -> bytearray:
    content = bytearray()
    deadline = time.monotonic() + _PAGE_SECONDS
    for chunk in response.iter_content(65536):
        content += chunk
        if len(content) > _LARGEST_PAGE:
            raise UnreadableError("the answer is too large")
        if time.monotonic() > deadline:
            raise _BrokenOffError("no answer in time")
    return content


def _was_sent(error: requests.RequestException) -> bool:
    """Whether the server may have read what was asked."""
    not_connected = (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError)
    return not isinstance(error, not_connected) and not any(
        isinstance(each, NewConnectionError) for each in tls.causes(error)
    )
