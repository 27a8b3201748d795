"""Asking Mattermost, as the bot, who has which user name or e-mail address.

answer              meaning
200                 the user, who may be a bot or deactivated
404                 nobody, if the server is well: with its database down it may say so of everybody
403                 the server does not say, as with e-mail addresses that it hides
anything else       no answer: it may be had later
"""

import json
import threading
import time
from dataclasses import dataclass
from urllib.parse import quote

import requests

from relays.mattermost.bot_session import Bot, BotSession, Failed

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
    """The users of a bot's Mattermost. For several threads."""

    def __init__(self, bot: Bot) -> None:
        self._session = BotSession(bot)
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
            except (requests.RequestException, Failed, ValueError, RecursionError):
                self._calm_until = time.monotonic() + _CALM_SECONDS
                # Not chained: the text of an error may hold what was asked for.
                raise NoAnswerError from None

    def _asked(self, path: str) -> Member | None:
        response, content = self._session.send("GET", path, None)
        if response.status_code != 200:
            self._session.code_of(response, content)  # fails unless the server is well, and means it
            return None
        user = json.loads(content)
        if not isinstance(user, dict) or not isinstance(user.get("username"), str):
            raise ValueError("not Mattermost's")
        if user.get("is_bot") or user.get("delete_at"):
            return None
        return Member(user["username"], str(user.get("email") or ""))
