"""GitLab's REST API as the relay reads it: lists, with bounds on time and memory, and what each refusal means."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests

from relays.base import tls
from relays.base.bounded_json import HeavyError, read_json
from relays.base.errors import explain

_LARGEST_PAGE = 32 * 1024 * 1024
_SETTING = "gitlab.url"
_TIMEOUT = (5.0, 15.0)
_PAGE_SECONDS = 60.0

Query = Mapping[str, str | int]


class DeliveryLogError(Exception):
    """The log cannot be read now: the reason, and the remedy if it is in somebody's hands."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


class UnknownError(DeliveryLogError):
    """GitLab knows nothing at that address, or does not show it to the token."""


class UnreadableError(DeliveryLogError):
    """What GitLab answers is more than can be read, or is not what it should be."""


@dataclass(frozen=True)
class Reader:
    """What reads with `token` from the server at `url`; for `ca` see base.tls."""

    url: str
    token: str
    ca: Path | None = None

    def get(self, path: str, query: Query, unknown: str) -> list[dict[str, Any]]:
        """A page of a list of the REST API; `unknown` is what a 404 means. Raises DeliveryLogError."""
        address = f"{self.url}/api/v4/{path}"
        try:
            with (
                self._session() as session,
                session.get(
                    address,
                    params=query,
                    headers={"PRIVATE-TOKEN": self.token},
                    timeout=_TIMEOUT,
                    # The token is for this address alone.
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                if response.status_code != HTTPStatus.OK:
                    raise _refusal(response, unknown)
                content = _read(response)
        except requests.RequestException as error:
            raise DeliveryLogError(*explain(error, _SETTING)) from None
        try:
            listed = read_json(content.decode())
        except HeavyError:
            raise UnreadableError("the answer is too large") from None
        except ValueError:
            listed = None
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise UnreadableError("the answer is not GitLab's", "correct gitlab.url")
        return listed

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.mount("https://", tls.TlsAdapter(self.ca))
        return session


def _read(response: requests.Response) -> bytearray:
    content = bytearray()
    deadline = time.monotonic() + _PAGE_SECONDS
    for chunk in response.iter_content(65536):
        content += chunk
        if len(content) > _LARGEST_PAGE:
            raise UnreadableError("the answer is too large")
        if time.monotonic() > deadline:
            raise DeliveryLogError("no answer in time")
    return content


def _refusal(response: requests.Response, unknown: str) -> DeliveryLogError:
    status = response.status_code
    if status == HTTPStatus.BAD_REQUEST and tls.refuses_plain_http(status, bytes(_read(response))):
        fault = tls.FAULTS["https"]
        return DeliveryLogError(fault.what, fault.remedy.format(setting=_SETTING))
    may = "make one with the role Maintainer and the scope read_api, set gitlab.read_token and run the deploy again"
    remedies: dict[int, str] = {
        HTTPStatus.UNAUTHORIZED: f"the token is wrong, revoked or out of date: {may}",
        HTTPStatus.FORBIDDEN: f"the token may not read hooks: {may}",
        HTTPStatus.NOT_FOUND: unknown,
    }
    if 300 <= status < 400:
        return DeliveryLogError(f"HTTP {status}", "it leads elsewhere: set gitlab.url to where it leads")
    kind = UnknownError if status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND) else DeliveryLogError
    return kind(f"HTTP {status}", remedies.get(status, ""))
