"""A JSON API as the operations use it: reached directly or through SSH, its failures told in one line."""

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import requests
from paramiko import Transport
from pydantic import SecretStr
from urllib3.exceptions import ProtocolError

from relays import tls
from tasks.operations.resource import ResourceError
from tasks.operations.tunnel import TunnelAdapter

# The id of a Mattermost webhook is its secret, and its API names objects by id in paths and messages.
_MATTERMOST_ID = re.compile(r"\b[a-z0-9]{26}\b")


class ApiError(ResourceError):
    """An answer that is not a success. `code` is the API's own error id, where it gives one, `fault` its TLS's."""

    def __init__(self, line: str, status: int = 0, code: str = "", fault: tls.Fault | None = None):
        super().__init__(line)
        self.status = status
        self.code = code
        self.fault = fault


_NAMES = {"mattermost": "Mattermost", "gitlab": "GitLab"}

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

    `section` is the part of the site data that describes the server; errors name settings by it.
    `transport` answers the SSH connection to go through, or is None for direct calls. `ca` is a PEM file of this
    machine with certificates that are trusted beside those of known authorities.
    """

    def __init__(
        self,
        section: str,
        url: str,
        token: SecretStr,
        *,
        header: str,
        scheme: str = "",
        transport: Callable[[], Transport] | None = None,
        ca: Path | None = None,
        timeout: float = 30,
    ):
        self.section, self.url, self._timeout, self._transport = section, url, timeout, transport
        self._ca = ca
        self._session: requests.Session | None = None
        self._auth = _Header(header, lambda: scheme + token.get_secret_value())
        self.turn = _turns[url]
        """To be held from reading to writing what another host's deploy may write as well."""

    def call(self, method: str, path: str, body: Any = None, *, absent: tuple[str, ...] = ()) -> Any:
        """The decoded answer; None if the API's error is one of `absent` (an error id, or `404`).

        Raises ApiError for any other failure. Its text holds no token, no body and no object id.
        """
        shown = f"{method} {_MATTERMOST_ID.sub('…', path.partition('?')[0])}"
        try:
            answer = self._ask(method, path, body)
        except requests.RequestException as error:
            if fault := self._fault(error):
                raise self._untrusted(fault) from None
            raise ApiError(
                f"{self.section}: no answer from {self.url} ({_why(error)}); "
                f"check {self.section}.url and that the server runs"
            ) from None
        if tls.refuses_plain_http(answer.status_code, answer.content):
            raise self._untrusted(tls.FAULTS["https"])
        if answer.ok and not answer.is_redirect:
            return self._decoded(answer) if answer.content else None
        code, message = _reason(answer)
        if code in absent or (answer.status_code == 404 and "404" in absent):
            return None
        raise ApiError(self._refusal(answer, shown, code, message), answer.status_code, code)

    def _decoded(self, answer: requests.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise ApiError(
                f"{self.section}: what answers at {self.url} is not {_NAMES.get(self.section, 'the server')}; "
                f"correct {self.section}.url"
            ) from None

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

    def _ask(self, method: str, path: str, body: Any) -> requests.Response:
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
                    method, f"{self.url}{path}", json=body, timeout=self._timeout, allow_redirects=False
                )
            except requests.ConnectionError as error:
                if not again or not (error.args and isinstance(error.args[0], ProtocolError)):
                    raise
                again = False

    def _open(self) -> requests.Session:
        if self._session is None:
            self._session = requests.Session()
            self._session.auth = self._auth
            if self._transport is not None:
                self._session.trust_env = False  # a proxy of this machine has no part in the tunnel
                adapter: tls.TlsAdapter = TunnelAdapter(self._transport(), self._ca)
                self._session.mount("http://", adapter)
            else:
                adapter = tls.TlsAdapter(self._ca)
            self._session.mount("https://", adapter)
        return self._session

    def _fault(self, error: requests.RequestException) -> tls.Fault | None:
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

    def _refusal(self, answer: requests.Response, shown: str, code: str, message: str) -> str:
        if answer.is_redirect:
            return (
                f"{self.section}: {self.url} redirects to {answer.headers.get('Location', '?')[:200]}; "
                f"set {self.section}.url to the address that answers itself"
            )
        if answer.status_code == 401:
            return f"{self.section}: {self.url} refuses the token (401); check {self.section}.token"
        if answer.status_code == 403:
            return (
                f"{self.section}: {shown}: not allowed (403{', ' + code if code else ''}); "
                f"{self.section}.token must be an administrator's"
            )
        if answer.status_code == 404 and not _is_json(answer):
            return (
                f"{self.section}: there is no {_NAMES.get(self.section, 'API')} at {self.url} ({shown}: 404); "
                f"correct {self.section}.url: the address that its pages are opened at"
            )
        told = _MATTERMOST_ID.sub("…", message)[:300]
        return f"{self.section}: {shown}: HTTP {answer.status_code}{', ' + code if code else ''}: {told}"


def _is_json(answer: requests.Response) -> bool:
    return "json" in answer.headers.get("Content-Type", "")


def _why(error: requests.RequestException) -> str:
    cause: BaseException | None = error
    text = str(error)
    while cause is not None:
        text += f" {cause}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, requests.Timeout):
        return "timeout"
    if "opens no connection" in text:
        return "the host cannot connect to it: unknown name, nothing listens, or sshd forbids forwarding"
    if "resolve" in text or "Name or service not known" in text:
        return "its name does not resolve here"
    return "connection refused" if "refused" in text else type(error).__name__


def _reason(answer: requests.Response) -> tuple[str, str]:
    """The error id and message of an answer: Mattermost gives both, GitLab a message or an error."""
    try:
        body = answer.json()
    except ValueError:
        return "", answer.reason or "no JSON"
    if not isinstance(body, dict):
        return "", answer.reason or ""
    return str(body.get("id", "")), str(body.get("message") or body.get("error") or answer.reason)
