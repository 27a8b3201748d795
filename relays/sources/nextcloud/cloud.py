"""Asking a Nextcloud: requests of one account with its app password, and why one cannot be answered."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import requests
from pydantic import Field

from relays.base import tls
from relays.base.addresses import BaseUrl, ProxyUrl
from relays.base.errors import explain
from relays.base.schema import Section, Shown
from relays.base.settings import StartError, read_optional_secret
from relays.base.timeouts import within
from relays.base.web import open_session
from relays.sources.nextcloud.connections import Adapter

_LARGEST_ANSWER = 16 * 1024 * 1024
_LARGEST_STREAM = 1024 * 1024 * 1024
AFTER_REFUSAL_SECONDS = 3600.0
_CREDENTIAL = "nextcloud-app-password"
_SETTING = "nextcloud.url"


class CloudError(Exception):
    """Nextcloud cannot be asked now: the reason, and the remedy if it is in somebody's hands.

    `status` is that of the answer, 0 if there was none.
    """

    def __init__(self, reason: str, remedy: str = "", status: int = 0) -> None:
        super().__init__(reason)
        self.remedy = remedy
        self.status = status


@dataclass(frozen=True)
class CloudResponse:
    """What was answered, whole; `content` is empty if somebody has taken it."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class PasswordPause:
    """Until when a password is not to be tried again: each wrong one makes Nextcloud slower to answer from then on."""

    def __init__(self) -> None:
        self.until = 0.0


@dataclass(frozen=True)
class Account:
    """An account of the Nextcloud at `url`, and its app password; for `ca` and `proxy` see relays.base.web."""

    url: str
    user: str
    password: str
    ca: Path | None = None
    proxy: str | None = None
    pause: PasswordPause = field(default_factory=PasswordPause, compare=False)


class Cloud:
    """Requests of an account, by one thread. `seconds` is the most that one may take."""

    def __init__(self, account: Account, seconds: float) -> None:
        self.account = account
        self._seconds = seconds
        self._session, self._adapter = _session(account)

    def ask(
        self,
        method: str,
        path: str,
        expected: tuple[int, ...],
        *,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        take: Callable[[bytes], object] | None = None,
    ) -> CloudResponse:
        """The answer, which has one of the expected statuses. CloudError if there is none or it has another.

        The content of the first of these statuses goes to `take`, piece by piece, if that is given.
        """
        session = self._session
        if time.monotonic() < self.account.pause.until:
            raise _refused(HTTPStatus.UNAUTHORIZED)

        def ask() -> CloudResponse:
            with session.request(
                method,
                f"{self.account.url}{path}",
                params=query,
                headers=headers,
                data=body,
                timeout=(min(5.0, self._seconds), self._seconds),
                # The password is for this address alone.
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code == HTTPStatus.UNAUTHORIZED:
                    self.account.pause.until = time.monotonic() + AFTER_REFUSAL_SECONDS
                if response.status_code not in expected:
                    raise _refusal(response)
                if take is not None and response.status_code == expected[0]:
                    _hand_over(response, take, _LARGEST_STREAM)
                    return CloudResponse(response.status_code, response.headers, b"")
                return CloudResponse(response.status_code, response.headers, _read(response))

        try:
            return within(self._seconds, ask)
        except TimeoutError:
            # The other thread is still at work.
            self._adapter.cut()
            self._session, self._adapter = _session(self.account)
            raise CloudError("no answer in time") from None
        except (requests.RequestException, OSError, ValueError) as error:
            raise CloudError(*explain(error, _SETTING)) from None


class AccountSettings(Section):
    """Whom the relay asks as."""

    url: BaseUrl = Field(description="address of Nextcloud")
    user: Shown = Field(description="whose app password the relay has")
    proxy: ProxyUrl | None = Field(default=None, description="HTTP proxy by which it is reached")


def read_account(table: AccountSettings | None, credentials: Path, ca: Path | None = None) -> Account | None:
    """The account that the table [nextcloud] and the credential `nextcloud-app-password` are of; None without both.

    For `ca` see relays.base.tls. StartError if only one of them is there or the credential cannot be used.
    """
    password = read_optional_secret(credentials, _CREDENTIAL)
    if table is None:
        if password is not None:
            raise StartError(
                f"{_CREDENTIAL} is there, but the settings have no [nextcloud]: add url and user, "
                "or remove the credential"
            )
        return None
    if password is None:
        raise StartError(
            f"{credentials / _CREDENTIAL} is missing while the settings have [nextcloud]: write an app password of "
            f"{table.user} into it, or remove the table"
        )
    if not re.fullmatch(r"[!-~]+", password):
        raise StartError(f"{credentials / _CREDENTIAL} is not an app password (value not shown): correct it")
    return Account(table.url, table.user, password, ca=ca, proxy=table.proxy)


def _session(account: Account) -> tuple[requests.Session, Adapter]:
    # Its cookies spare Nextcloud the password of the next request, which is most of what one costs.
    adapter = Adapter(account.ca)
    session = open_session(account.ca, account.proxy, adapter)
    # Bytes, as requests would make Latin-1 of texts.
    session.auth = (account.user.encode(), account.password.encode())  # type: ignore[assignment]
    session.headers["OCS-APIRequest"] = "true"
    return session, adapter


def _read(response: requests.Response) -> bytes:
    content = bytearray()
    _hand_over(response, content.extend, _LARGEST_ANSWER)
    return bytes(content)


def _hand_over(response: requests.Response, take: Callable[[bytes], object], most: int) -> None:
    size = 0
    for piece in response.iter_content(65536):
        size += len(piece)
        if size > most:
            raise CloudError("the answer is too large")
        take(piece)


def _refusal(response: requests.Response) -> CloudError:
    status = response.status_code
    if status == HTTPStatus.BAD_REQUEST and tls.refuses_plain_http(status, _read(response)):
        fault = tls.FAULTS["https"]
        return CloudError(fault.what, fault.remedy.format(setting=_SETTING), status)
    return _refused(status)


def _refused(status: int) -> CloudError:
    if 300 <= status < 400:
        remedy = "it leads elsewhere: set nextcloud.url to where it leads"
    elif status == HTTPStatus.UNAUTHORIZED:
        remedy = (
            "the app password is wrong or revoked: make one for the account of the relay, set "
            "nextcloud.relay_password and run the deploy again"
        )
    else:
        remedy = ""
    return CloudError(f"HTTP {status}", remedy, status)
