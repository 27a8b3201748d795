"""GitLab's REST API, read with the token `gitlab-read-token` in bounded time and memory; what each refusal means."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import requests

from relays.base import tls
from relays.base.bounded_json import HeavyError, read_json
from relays.base.errors import explain
from relays.base.settings import StartError, read_optional_secret
from relays.base.web import open_session

_LARGEST_PAGE = 32 * 1024 * 1024
_SETTING = "gitlab.url"
_TIMEOUT = (5.0, 15.0)
_PAGE_SECONDS = 60.0

TOKEN = "gitlab-read-token"  # noqa: S105
"""The name of the credential."""

Query = Mapping[str, str | int]
Places = Literal["projects", "groups", "users"]


class GitLabError(Exception):
    """GitLab cannot be read now: the reason, and the remedy if it is in somebody's hands."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


class UnknownError(GitLabError):
    """GitLab knows nothing at that address, or does not show it to the token."""


class UnreadableError(GitLabError):
    """What GitLab answers is more than can be read, or is not what it should be."""


@dataclass(frozen=True)
class Server:
    """The GitLab at `url`, read with `token`; for `ca` see base.tls, for `proxy` base.web."""

    url: str
    token: str
    ca: Path | None = None
    proxy: str | None = None

    def get(self, path: str, query: Query, what: str, unknown: str) -> object:
        """The JSON at a path of the API, None if it is none; the rest as for `PlaceApi.one`."""
        try:
            with (
                open_session(self.ca, self.proxy) as session,
                session.get(
                    f"{self.url}/api/v4/{path}",
                    params=query,
                    headers={"PRIVATE-TOKEN": self.token},
                    timeout=_TIMEOUT,
                    # The token is for this address alone.
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                if response.status_code != HTTPStatus.OK:
                    raise _refusal(response, what, unknown)
                content = _read(response)
        except requests.RequestException as error:
            raise GitLabError(*explain(error, _SETTING)) from None
        try:
            return read_json(content.decode())
        except HeavyError:
            raise UnreadableError("the answer is too large") from None
        except ValueError:
            return None


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

    def _get(self, path: str, query: Query, what: str, unknown: str) -> object:
        place = f"{self.of}/{quote(self.path, safe='')}"
        return self.server.get(f"{place}/{path}" if path else place, query, what, unknown)


def read_token(credentials: Path, *, wanted: bool) -> str | None:
    """The token that GitLab is read with; None if there is none and it is not `wanted`, as the table [gitlab] says.

    StartError if only one of them is there, or the credential cannot be used.
    """
    token = read_optional_secret(credentials, TOKEN)
    if not wanted:
        if token is not None:
            raise StartError(
                "gitlab-read-token is there, but the settings have no [gitlab]: add url, projects and hook, "
                "or remove the credential"
            )
        return None
    if token is None:
        raise StartError(
            f"{credentials / TOKEN} is missing while the settings have [gitlab]: write a token with the "
            "scope read_api into it, or remove the table"
        )
    if not re.fullmatch(r"[!-~]+", token):
        raise StartError(f"{credentials / TOKEN} is not a token (value not shown): correct it")
    return token


def _read(response: requests.Response) -> bytearray:
    content = bytearray()
    deadline = time.monotonic() + _PAGE_SECONDS
    for chunk in response.iter_content(65536):
        content += chunk
        if len(content) > _LARGEST_PAGE:
            raise UnreadableError("the answer is too large")
        if time.monotonic() > deadline:
            raise GitLabError("no answer in time")
    return content


def _refusal(response: requests.Response, what: str, unknown: str) -> GitLabError:
    status = response.status_code
    if status == HTTPStatus.BAD_REQUEST and tls.refuses_plain_http(status, bytes(_read(response))):
        fault = tls.FAULTS["https"]
        return GitLabError(fault.what, fault.remedy.format(setting=_SETTING))
    may = "make one with the role Maintainer and the scope read_api, set gitlab.read_token and run the deploy again"
    remedies: dict[int, str] = {
        HTTPStatus.UNAUTHORIZED: f"the token is wrong, revoked or out of date: {may}",
        HTTPStatus.FORBIDDEN: f"the token may not read {what}: {may}",
        HTTPStatus.NOT_FOUND: unknown,
    }
    if 300 <= status < 400:
        return GitLabError(f"HTTP {status}", "it leads elsewhere: set gitlab.url to where it leads")
    kind = UnknownError if status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND) else GitLabError
    return kind(f"HTTP {status}", remedies.get(status, ""))
