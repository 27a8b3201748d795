"""A JSON API as the operations use it: reached directly or through SSH, its failures said in one line."""

from collections import defaultdict
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import requests
from paramiko import Transport
from pydantic import SecretStr
from urllib3.exceptions import HTTPError, ProtocolError

from relays.base import tls
from relays.base.web import open_session
from tasks.addresses import is_near
from tasks.operations.masking import Mask
from tasks.operations.refusal import Server, error_of
from tasks.operations.resource import ResourceError
from tasks.operations.tunnel import TunnelAdapter

# Asked without it, Mattermost does not look at its database.
_HEALTH = "/api/v4/system/ping?get_server_status=true"

# WebDAV's word for the thing itself, without what is in it.
_ALONE = {"Depth": "0", "Content-Type": "application/xml"}


class ApiError(ResourceError):
    """An answer that is not a success.

    `code` is the API's own error id, where it gives one, `fault` its TLS's; `location` is where a redirection leads.
    """

    def __init__(
        self, line: str, status: int = 0, code: str = "", location: str = "", fault: tls.Fault | None = None
    ):
        super().__init__(line)
        self.status = status
        self.code = code
        self.location = location
        self.fault = fault


# One for each server: hosts are provisioned at the same time, and some servers are of several of them.
_turns: defaultdict[str, Lock] = defaultdict(Lock)


class _Header(requests.auth.AuthBase):
    """The token as a header; an auth object also keeps ~/.netrc from replacing it."""

    def __init__(self, name: str, value: Callable[[], str]):
        self._name, self._value = name, value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._name] = self._value()
        return request


class Api:
    """Calls to one server under `url` with `token`.

    `section` is the part of the site data that describes the server, `setting` where in it the token stands; errors
    name settings by them.
    `transport` answers the SSH connection to go through, or is None for direct calls. `ca` is a PEM file of this
    machine with certificates that are trusted beside those of known authorities. `proxy` is the HTTP proxy by which the
    host reaches the server. Direct calls go by the proxies of this machine's environment, but for loopback and what is
    at the address `near`, which is the host's.
    """

    def __init__(
        self,
        section: str,
        url: str,
        token: SecretStr,
        *,
        header: str,
        scheme: str = "",
        setting: str = "token",
        transport: Callable[[], Transport] | None = None,
        ca: Path | None = None,
        proxy: str | None = None,
        near: str = "",
        timeout: float = 30,
    ):
        self.section, self.url, self._timeout, self._transport = section, url, timeout, transport
        self._ca, self._proxy, self._near = ca, proxy, near
        self.server = Server(section, url, f"{section}.{setting}", transport is None)
        self._session: requests.Session | None = None
        self._auth = _Header(header, lambda: scheme + token.get_secret_value())
        self.numbers: dict[str, str] = {}
        """Of things by their names, which they have for good."""
        self.turn = _turns[url]
        """To be held from reading to writing what another host's deploy may write as well."""

    @cached_property
    def me(self) -> str:
        """The number of the account that the token is of, at Mattermost."""
        return str(self.call("GET", "/api/v4/users/me")["id"])

    def call(
        self, method: str, path: str, body: Any = None, *, absent: tuple[str, ...] = (), files: Any = None
    ) -> Any:
        """The decoded answer; None if the API's error is one of `absent` (an error id, or `404`).

        `files` are the parts of a form, as requests takes them, in the place of a JSON body.
        Raises ApiError for any other failure. Its text holds no token, no body and no object id.
        """
        answer = self._answer(method, path, body, absent, files)
        return self._decoded(answer) if answer is not None and answer.content else None

    def properties(self, path: str, asked: str) -> str | None:
        """What WebDAV says in XML of what is at `path`, `asked` in XML; None if nothing is there; raises as `call`."""
        answer = self._answer("PROPFIND", path, None, ("404",), None, asked)
        return None if answer is None else answer.text

    def header(self, method: str, path: str, body: Any, name: str) -> str:
        """The header `name` of the answer, which is a server's way to hand over a session; raises as `call` does."""
        answer = self._answer(method, path, body, (), None)
        if answer is None or not answer.headers.get(name):
            raise ApiError(self.server.stranger())
        return str(answer.headers[name])

    def _answer(
        self,
        method: str,
        path: str,
        body: Any,
        absent: tuple[str, ...],
        files: Any,
        properties: str | None = None,
    ) -> requests.Response | None:
        shown = f"{method} {Mask()(path.partition('?')[0])}"
        try:
            answer = self._ask(method, path, body, files, properties)
        # The latter ones are for names and headers that cannot be, and their text holds these.
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            if fault := self._fault(error):
                raise self._untrusted(fault) from None
            raise ApiError(self.server.silent(error)) from None
        if tls.refuses_plain_http(answer.status_code, answer.content):
            raise self._untrusted(tls.FAULTS["https"])
        if answer.ok and not answer.is_redirect:
            return answer
        code, message = error_of(answer)
        if code in absent or (answer.status_code == 404 and "404" in absent):
            return None
        line = self._outage() or self.server.refused(answer, shown, code, message)
        raise ApiError(line, answer.status_code, code, answer.headers.get("Location", ""))

    def refuse_outage(self) -> None:
        """ApiError if the server is up and its database is not, before anything rests on its answers."""
        if line := self._outage():
            raise ApiError(line)

    def _decoded(self, answer: requests.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise ApiError(self.server.stranger()) from None

    def pages(self, path: str, size: int = 100) -> list[Any]:
        """All entries of a list that comes in pages, as Mattermost (from 0) and GitLab (from 1) do."""
        first = 0 if self.section == "mattermost" else 1
        found: list[Any] = []
        for page in range(first, first + 1000):
            entries = self.call("GET", f"{path}{'&' if '?' in path else '?'}page={page}&per_page={size}")
            found += entries
            if len(entries) < size:
                break
        return found

    def _ask(
        self, method: str, path: str, body: Any, files: Any = None, properties: str | None = None
    ) -> requests.Response:
        """One request, over the connection of the last one if the server has not closed it meanwhile.

        A server may close it while the request is on its way. What can be asked twice is then asked again on a new
        connection; a POST, which may not, gets a new one from the start (RFC 9112, 9.3.1).
        """
        session = self._open()
        if method == "POST":
            session.close()  # ends its connections only; it opens others
        again = method != "POST"
        while True:
            try:
                return session.request(
                    method,
                    f"{self.url}{path}",
                    json=body,
                    files=files,
                    data=properties,
                    headers=None if properties is None else _ALONE,
                    timeout=self._timeout,
                    allow_redirects=False,
                )
            except requests.ConnectionError as error:
                if not again or not (error.args and isinstance(error.args[0], ProtocolError)):
                    raise
                again = False

    def _open(self) -> requests.Session:
        if self._session is None:
            if self._transport is not None:
                # A proxy of this machine has no part in the tunnel.
                tunnel = TunnelAdapter(self._transport(), self._ca)
                self._session = open_session(self._ca, self._proxy, tunnel)
            else:
                self._session = open_session(self._ca)
                self._session.trust_env = not is_near(self.url, self._near)
            self._session.auth = self._auth
        return self._session

    def _outage(self) -> str | None:
        """What is wrong if the server is up and its database is not, for then its other answers mislead.

        Mattermost says 404 of what is there, and 401 of a token that is right (measured on 5.37).
        """
        if self.section != "mattermost":
            return None
        try:
            health = self._ask("GET", _HEALTH, None).json()
        except (requests.RequestException, HTTPError, OSError, ValueError):
            return None
        if not isinstance(health, dict) or health.get("database_status", "OK") == "OK":
            return None
        return (
            f"mattermost: the database of {self.url} does not answer, so nothing it says can be relied on; "
            "start or mend its database, then run again"
        )

    def _fault(self, error: Exception) -> tls.Fault | None:
        """What is wrong with the server's TLS, None if something else is."""
        fault = tls.fault_of(error)
        ended = any(isinstance(each, ProtocolError) for each in tls.causes(error))
        if fault is None and ended and self.url.startswith("http://") and self._speaks_tls():
            return tls.FAULTS["https"]
        return fault

    def _speaks_tls(self) -> bool:
        """Whether the server, which says nothing to plain HTTP, says something to TLS; it is shown no token."""
        try:
            address = self.url.replace("http://", "https://", 1)
            self._open().head(address, auth=lambda request: request, timeout=10, allow_redirects=False)
        except requests.RequestException as error:
            fault = tls.fault_of(error)
            return fault is not None and fault.lasting and fault.code != "plain"
        return True

    def _untrusted(self, fault: tls.Fault) -> ApiError:
        remedy = fault.remedy.format(setting=f"{self.section}.url")
        return ApiError(f"{self.section}: {self.url}: {fault.what}; {remedy}", fault=fault)
