"""A connection to Mattermost's API as a bot: its requests, the clock of the server, and answers that hold nothing.

Neither the token nor the body of an answer goes into a reason.
"""

import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from urllib3.exceptions import NewConnectionError

from relays.base import tls
from relays.base.errors import explain
from relays.base.web import open_session
from relays.mattermost import bot_posts
from relays.mattermost.buttons import Signer
from relays.mattermost.client import (
    PING,
    POST_TIMEOUT,
    QUESTION_TIMEOUT,
    SETTING,
    Meaning,
    PostResult,
    ask,
    is_healthy,
    not_from_mattermost,
    retry_after,
)

TOKEN = "mattermost-bot-token"  # noqa: S105  # the name of the credential
_DEPLOY = "run the deploy, which sets the bot and its memberships right"
# The clock of the server is known by the second.
_MARGIN_SECONDS = 5.0


@dataclass(frozen=True)
class Bot:
    """A bot of a team: the address of its Mattermost, and its token, which is a secret.

    `channel` is where the relay speaks of itself; for `icon`, `ca` and `proxy` see client.Hook. Without `signer` its
    posts have no buttons.
    """

    url: str
    team: str
    token: str = field(repr=False)
    channel: str
    icon: Mapping[str, str] = field(default_factory=dict)
    ca: Path | None = None
    proxy: str | None = None
    signer: Signer | None = None


class Failed(Exception):
    """What it came to, before there could be an answer to what was asked for."""

    def __init__(self, result: PostResult) -> None:
        super().__init__(result.reason)
        self.result = result


def failure(error: requests.RequestException) -> PostResult:
    """What a request without an answer means."""
    why, remedy = explain(error, SETTING)
    never_sent = any(isinstance(each, NewConnectionError) for each in tls.causes(error))
    return PostResult(
        Meaning.MISCONFIGURED if remedy else Meaning.UNAVAILABLE,
        why,
        remedy=remedy,
        uncertain=not (remedy or never_sent),
    )


def hopeless(status: int, why: str) -> PostResult:
    """What somebody has to set right in Mattermost."""
    return PostResult(Meaning.MISCONFIGURED, f"HTTP {status}: {why}", remedy=_DEPLOY)


class BotSession:
    """One connection, with the token of the bot. Not for several threads at once."""

    def __init__(self, bot: Bot) -> None:
        self._url = bot.url
        self._token = bot.token
        self._session = open_session(bot.ca, bot.proxy)
        self._session.auth = self._sign
        # The clock of the server, and the one of this process at the same moment.
        self._clock: tuple[float, float] | None = None

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def server_time(self) -> float | None:
        """Seconds since the epoch by the clock of the server, or a little less; None before its first answer."""
        if self._clock is None:
            return None
        server, here = self._clock
        return server + time.monotonic() - here - _MARGIN_SECONDS

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def send(
        self,
        method: str,
        path: str,
        body: Any,
        largest: int | None = None,
        timeout: tuple[float, float] | None = None,
    ) -> tuple[requests.Response, bytes]:
        """An answer of the API, and its body. requests.RequestException if there is none."""
        timeout = timeout or (QUESTION_TIMEOUT if body is None else POST_TIMEOUT)
        sizes = {} if largest is None else {"largest": largest}
        response, content = ask(self._session, method, f"{self._url}/api/v4{path}", body, timeout, **sizes)
        now = time.monotonic()
        try:
            said = email.utils.parsedate_to_datetime(response.headers["Date"]).timestamp()
        except (KeyError, ValueError):  # no proxy takes it away; then both clocks have to be right
            said = time.time()
        self._clock = said, now
        return response, content

    def get(self, path: str, largest: int | None = None) -> dict[str, Any]:
        """What is there. Failed if there is nothing."""
        return self.body(*self.send("GET", path, None, largest))

    def body(self, response: requests.Response, content: bytes) -> dict[str, Any]:
        """What an answer holds. Failed if it is not the one that was asked for."""
        if response.status_code not in (200, 201):
            code = self.code_of(response, content)
            raise Failed(hopeless(response.status_code, _WHY.get(response.status_code, code)))
        found = bot_posts.parse(content)
        if not isinstance(found, dict):
            raise Failed(not_from_mattermost(response.status_code))
        return found

    def code_of(self, response: requests.Response, content: bytes) -> str:
        """The name that Mattermost has for why it refuses. Failed unless it is well, and its refusal one that lasts."""
        status = response.status_code
        if status in (408, 429) or (status >= 500 and status != 501):
            raise Failed(
                PostResult(
                    Meaning.UNAVAILABLE, f"HTTP {status}", retry_after(response), uncertain=status >= 500
                )
            )
        if status == 413:
            raise Failed(PostResult(Meaning.REFUSED, "HTTP 413: the message is too large"))
        if tls.refuses_plain_http(status, content):
            fault = tls.FAULTS["https"]
            remedy = fault.remedy.format(setting=SETTING)
            raise Failed(PostResult(Meaning.MISCONFIGURED, fault.what, remedy=remedy))
        if status not in (400, 401, 403, 404):
            raise Failed(not_from_mattermost(status))
        if not self.is_well():
            raise Failed(PostResult(Meaning.UNAVAILABLE, f"HTTP {status} while Mattermost is unhealthy"))
        body = bot_posts.parse(content)
        if status == 401:
            raise Failed(hopeless(status, _WHY[status]))
        return str(body.get("id")) if isinstance(body, dict) else ""

    def is_well(self) -> bool:
        """Whether Mattermost and its database are well."""
        response, content = ask(self._session, "GET", f"{self._url}{PING}", None, QUESTION_TIMEOUT)
        return response.status_code == 200 and is_healthy(content)


_WHY = {
    401: "Mattermost does not take the bot's token",
    403: "the bot may not post there",
    404: "the bot finds no such channel",
}
