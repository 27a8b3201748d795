"""Answers to slash commands that come after the answer to their request.

answer                what to do
200                   done
no answer, 408, 429,  again after a while, a few times
  5xx
anything else         given up: the half hour is over, or the five answers that one command may have are used up

They go to the server that the settings name: the address in the request is for people, and the host may not reach it.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from relays.base.web import open_session
from relays.mattermost.client import ask
from relays.mattermost.markup import Markup
from relays.mattermost.slash_command import SlashCommand, answer

_TIMEOUT = (5.0, 15.0)
_DELAYS = (1.0, 5.0, 20.0)


@dataclass(frozen=True)
class Server:
    """A Mattermost by its address; for `ca` and `proxy` see client.Hook."""

    url: str
    ca: Path | None = None
    proxy: str | None = None


class LaterAnswers:
    """The way for later answers. For one thread; `sleep` waits between attempts."""

    def __init__(self, server: Server, sleep: Callable[[float], object] = time.sleep) -> None:
        self._url = server.url
        self._sleep = sleep
        self._session = open_session(server.ca, server.proxy)

    def send(self, command: SlashCommand, text: Markup) -> str:
        """Send one; what kept it from arriving, in a few words without a secret, or nothing."""
        if not command.response:
            return "the request named no address"
        why = ""
        for delay in (0.0, *_DELAYS):
            if delay:
                self._sleep(delay)
            try:
                body = json.loads(answer(text))
                url = f"{self._url}/hooks/commands/{command.response}"
                response, _ = ask(self._session, "POST", url, body, _TIMEOUT)
            except requests.RequestException as error:
                why = type(error).__name__
                continue
            if response.status_code == 200:
                return ""
            why = f"HTTP {response.status_code}"
            if response.status_code not in (408, 429) and response.status_code < 500:
                break
        return why
