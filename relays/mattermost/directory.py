"""Asking Mattermost, as the bot, who has which user name or e-mail address.

answer              meaning
200                 the user, who may be a bot or deactivated
404                 nobody, if the server is well: with its database down it says so of everybody (measured on 5.37)
403                 the server does not tell, as it does of e-mail addresses if the site hides them
anything else       no answer: it may be had later
"""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import requests

from relays.base import tls

# A person is not worth waiting for: what they are told can be sent later.
_TIMEOUT = (2.0, 3.0)
# So long nobody asks a server again that did not answer.
_CALM_SECONDS = 15.0


class NoAnswerError(Exception):
    """Mattermost does not say who somebody is, and may do so later."""


@dataclass(frozen=True)
class Member:
    """A user of Mattermost who can be written to; `email` is empty if the server does not show it."""

    name: str
    email: str


class Directory:
    """The users of a Mattermost, at the address `url`, for the holder of a token. For several threads."""

    def __init__(self, url: str, token: str, ca: Path | None = None) -> None:
        self._api = f"{url.rstrip('/')}/api/v4"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.mount("https://", tls.TlsAdapter(ca))
        self._one_at_a_time = threading.Lock()
        self._calm_until = 0.0

    def by_name(self, name: str) -> Member | None:
        """The user of this name. NoAnswerError."""
        return self._find(f"/users/username/{quote(name, safe='')}")

    def by_email(self, email: str) -> Member | None:
        """The user with this e-mail address. NoAnswerError."""
        return self._find(f"/users/email/{quote(email, safe='')}")

    def _find(self, path: str) -> Member | None:
        with self._one_at_a_time:
            if time.monotonic() < self._calm_until:
                raise NoAnswerError
            try:
                return self._asked(path)
            except (requests.RequestException, ValueError, AttributeError):
                self._calm_until = time.monotonic() + _CALM_SECONDS
                # Not chained: the text of an error may hold what was asked for.
                raise NoAnswerError from None

    def _asked(self, path: str) -> Member | None:
        answer = self._get(path)
        if answer.status_code in (400, 403, 404):
            if self._get("/system/ping?get_server_status=true").status_code != 200:
                raise ValueError
            return None
        if answer.status_code != 200:
            raise ValueError
        user = answer.json()
        if user.get("is_bot") or user.get("delete_at"):
            return None
        return Member(str(user["username"]), str(user.get("email") or "")) if user.get("username") else None

    def _get(self, path: str) -> requests.Response:
        return self._session.get(self._api + path, timeout=_TIMEOUT, allow_redirects=False)
