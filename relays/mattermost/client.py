"""Posting to an incoming webhook of Mattermost, and what each of its answers means.

    answer                        meaning                                               what to do
    200 "ok"                      posted                                                done
    no answer, 408, 429, 5xx      down, busy, database away                             retry, as asked by Retry-After
    no TLS, or none to be trusted a certificate that has expired, an unknown authority… retry slowly, warn the operator
    400                           the message, an unknown hook, or a database outage    find out which, see below
    413                           the message is too large                              park it
    404, 403, 501, 401, 3xx, and  channel gone, hook locked, webhooks switched off,     retry slowly, warn the operator
    200 without "ok"              not a Mattermost at that address

Measured on Mattermost 5.37 and read in 11.6: a 400 alone says nothing, for a hook that was deleted and a database
that is down give the same one. So the server is asked how it is, and then the hook is sent a message for a channel
that cannot exist: a hook that lives answers 404 (nothing is posted), one that is unknown answers 400 again.

Neither an address nor the body of an answer goes into a reason: both hold the secret id of the hook.
"""

import email.utils
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import requests

from relays.base import tls
from relays.base.errors import explain
from relays.base.web import open_session
from relays.mattermost.buttons import without_buttons
from relays.mattermost.message import RELAY

# Mattermost fetches link previews before it stores a post: five seconds for each slow host (measured on 5.37).
POST_TIMEOUT = (10.0, 40.0)
QUESTION_TIMEOUT = (5.0, 10.0)
# Mattermost's own answers are far shorter; of another's no more is read than this, in bytes.
_LARGEST_ANSWER = 65536
# How a server is asked how it is.
PING = "/api/v4/system/ping?get_server_status=true"
# Where the deploy takes the address of Mattermost from.
SETTING = "mattermost.url"
_STRANGER = f"see that {SETTING} leads to Mattermost itself, and no proxy or other page answers there"
# What a webhook's answers say, of which the reason holds the number alone.
_HOOK_REMEDIES = {
    400: "run the deploy, which makes another one",
    403: "the webhook may not post there; run the deploy, which sets it right",
    404: "the channel is gone; run the deploy, or restore it in Mattermost if a route names it",
    501: "incoming webhooks are switched off; run the deploy, which switches them on",
}


class Meaning(Enum):
    """What an answer means for the message that was sent."""

    POSTED = "posted"
    UNAVAILABLE = "unavailable"
    MISCONFIGURED = "misconfigured"
    REFUSED = "refused"
    # Of the posts of a bot alone (relays.mattermost.bot): the root is not there any more, the time for edits is over.
    GONE = "gone"
    CLOSED = "closed"


@dataclass(frozen=True)
class PostResult:
    """The meaning of an answer, its reason in words, how long to wait if the server said so, the remedy if known.

    Whatever is MISCONFIGURED has a remedy. `uncertain`: Mattermost may have taken it all the same.
    """

    meaning: Meaning
    reason: str = ""
    retry_after: float | None = None
    remedy: str = ""
    uncertain: bool = False


@dataclass(frozen=True)
class Hook:
    """An incoming webhook: its address, which is a secret, and the channel that it was made for.

    `icon` is what a site wants beside its posts, as the webhook takes it; nothing: what each post says itself.
    `ca` is a file of further certificates that are trusted (relays.base.tls), `proxy` the way there (relays.base.web).
    """

    url: str
    channel: str
    icon: Mapping[str, str] = field(default_factory=dict)
    ca: Path | None = None
    proxy: str | None = None


class IncomingWebhook:
    """One incoming webhook, over one connection, for posts into one channel. Not for several threads at once.

    Posts into another channel of the team than the webhook's own name it. Those into its own name none, so that
    they go on when that channel is given another name.
    """

    def __init__(self, hook: Hook, channel: str) -> None:
        self._url = hook.url
        self._channel = {} if channel == hook.channel else {"channel": channel}
        self._icon = hook.icon
        self._base = hook.url.rsplit("/hooks/", 1)[0]
        self._session = open_session(hook.ca, hook.proxy)

    def post(self, message: Mapping[str, object]) -> PostResult:
        """Post a message. Raises nothing: whatever goes wrong is an answer."""
        try:
            body = {**with_icon(without_buttons(message), self._icon), **self._channel}
            return self._interpret(*self._ask("POST", self._url, body, POST_TIMEOUT))
        except requests.RequestException as error:
            why, remedy = explain(error, SETTING)
            return PostResult(Meaning.MISCONFIGURED if remedy else Meaning.UNAVAILABLE, why, remedy=remedy)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _ask(
        self, method: str, url: str, body: Mapping[str, object] | None, timeout: tuple[float, float]
    ) -> tuple[requests.Response, bytes]:
        return ask(self._session, method, url, body, timeout)

    def _interpret(self, response: requests.Response, content: bytes) -> PostResult:
        status = response.status_code
        if status == 200:
            if content.strip() == b"ok":
                return PostResult(Meaning.POSTED)
            return not_from_mattermost(status)
        if status in (408, 429) or (status >= 500 and status != 501):
            return PostResult(Meaning.UNAVAILABLE, f"HTTP {status}", retry_after(response))
        if status == 413:
            return PostResult(Meaning.REFUSED, "HTTP 413: the message is too large")
        if tls.refuses_plain_http(status, content):
            fault = tls.FAULTS["https"]
            return PostResult(Meaning.MISCONFIGURED, fault.what, remedy=fault.remedy.format(setting=SETTING))
        if status == 400:
            return self._explain_bad_request()
        remedy = _HOOK_REMEDIES.get(status, _STRANGER)
        return PostResult(Meaning.MISCONFIGURED, f"HTTP {status}", remedy=remedy)

    def _explain_bad_request(self) -> PostResult:
        ping, states = self._ask("GET", f"{self._base}{PING}", None, QUESTION_TIMEOUT)
        if ping.status_code != 200 or not is_healthy(states):
            return PostResult(Meaning.UNAVAILABLE, "HTTP 400 while Mattermost is unhealthy")
        nowhere = {"text": "-", "channel": f"passerelle-{uuid.uuid4().hex}"}
        probe, _ = self._ask("POST", self._url, nowhere, QUESTION_TIMEOUT)
        if probe.status_code == 400:
            why = "HTTP 400: Mattermost does not know the webhook"
            return PostResult(Meaning.MISCONFIGURED, why, remedy=_HOOK_REMEDIES[400])
        if probe.status_code in (403, 404):
            return PostResult(Meaning.REFUSED, "HTTP 400: Mattermost refuses the message")
        return PostResult(Meaning.UNAVAILABLE, f"HTTP 400, then HTTP {probe.status_code}")


def not_from_mattermost(status: int) -> PostResult:
    """What an answer means that no Mattermost gives."""
    return PostResult(
        Meaning.MISCONFIGURED,
        f"HTTP {status}, but not from Mattermost",
        remedy=_STRANGER,
    )


def with_icon(message: Mapping[str, object], icon: Mapping[str, str]) -> Mapping[str, object]:
    """The message with the site's icon in the place of its own; what a relay says of itself keeps its own."""
    if not icon or message.get("username") == RELAY:
        return message
    return {**{key: value for key, value in message.items() if key != "icon_emoji"}, **icon}


def ask(
    session: requests.Session,
    method: str,
    url: str,
    body: Mapping[str, object] | None,
    timeout: tuple[float, float],
    largest: int = _LARGEST_ANSWER,
) -> tuple[requests.Response, bytes]:
    """An answer without its body, and that body, cut where it is longer than any of Mattermost's."""
    with session.request(
        method, url, json=body, timeout=timeout, allow_redirects=False, stream=True
    ) as response:
        content = bytearray()
        for piece in response.iter_content(_LARGEST_ANSWER):
            content += piece
            if len(content) >= largest:
                break
        return response, bytes(content)


def is_healthy(ping: bytes) -> bool:
    """Whether a server is well by what it answers to the ping."""
    # 11.6 can be asked to answer 200 with UNHEALTHY in the body, so the body decides.
    try:
        states = json.loads(ping)
    except (ValueError, RecursionError):
        return False
    return isinstance(states, dict) and all(
        states.get(key, "OK") == "OK" for key in ("status", "database_status", "filestore_status")
    )


def retry_after(response: requests.Response) -> float | None:
    """The seconds that an answer asks to wait, if it does."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
