"""Asking Mattermost, as the bot, who has typed a command and where: their language, and what they may do.

A request says nothing that could be relied on but the number of the person: names can be changed, and ranks are not in
it. What is asked is bounded in time, for somebody waits for the answer.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, get_args

import requests

from relays.mattermost import bot_posts
from relays.mattermost.bot_session import Bot, BotSession, Failed
from relays.wording import Language

_LANGUAGES: tuple[Language, ...] = get_args(Language)
# A language is known for so long, of so many people.
_KNOWN_SECONDS = 600.0
_MOST_KNOWN = 5_000
# So long nobody waits again for the language of a person after the server did not say one in time.
_CALM_SECONDS = 15.0
_LANGUAGE_SECONDS = 0.3
_RIGHTS_SECONDS = 8.0


class NoAnswerError(Exception):
    """Mattermost does not say, and may do so later."""


@dataclass(frozen=True)
class Person:
    """A user of Mattermost; `is_admin` of the whole system. `language` is one of ours, None for another one.

    `email` and `timezone` are empty if the server does not show them.
    """

    name: str
    language: Language | None
    is_admin: bool
    is_bot: bool = False
    email: str = ""
    timezone: str = ""


class People:
    """Those of a bot's Mattermost. For several threads."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._here = threading.local()
        self._known: OrderedDict[str, tuple[Language | None, float]] = OrderedDict()
        self._guard = threading.Lock()
        self._asking = threading.Lock()
        self._calm_until = 0.0

    def language(self, user_id: str) -> Language | None:
        """In which language a person reads Mattermost, if it says so soon enough."""
        now = time.monotonic()
        with self._guard:
            language, until = self._known.get(user_id, (None, 0.0))
        if now < until:
            return language
        if now < self._calm_until or not self._asking.acquire(timeout=_LANGUAGE_SECONDS):
            return language
        try:
            return self._find(user_id, _LANGUAGE_SECONDS).language
        except NoAnswerError:
            self._calm_until = time.monotonic() + _CALM_SECONDS
            return language
        finally:
            self._asking.release()

    def find(self, user_id: str) -> Person:
        """A person as Mattermost knows them now. NoAnswerError."""
        return self._find(user_id, _RIGHTS_SECONDS)

    def administers(self, user_id: str, channel_id: str) -> bool:
        """Whether a person administers a channel that the bot can see into. NoAnswerError."""
        found = self._ask(f"/channels/{channel_id}/members/{user_id}", _RIGHTS_SECONDS)
        return found is not None and found.get("scheme_admin") is True

    def is_member(self, user_id: str, channel_id: str) -> bool:
        """Whether a person is in a channel that the bot can see into. NoAnswerError."""
        return self._ask(f"/channels/{channel_id}/members/{user_id}", _RIGHTS_SECONDS) is not None

    def has_post(self, channel_id: str, post_id: str) -> bool:
        """Whether a post is in a channel that the bot can see into. NoAnswerError."""
        found = self._ask(f"/posts/{post_id}", _RIGHTS_SECONDS)
        return found is not None and found.get("channel_id") == channel_id

    def known_language(self, user_id: str) -> Language | None:
        """In which language a person reads Mattermost, if it has said so lately."""
        with self._guard:
            language, until = self._known.get(user_id, (None, 0.0))
        return language if time.monotonic() < until else None

    def _find(self, user_id: str, seconds: float) -> Person:
        found = self._ask(f"/users/{user_id}", seconds)
        if found is None or not isinstance(found.get("username"), str) or found.get("delete_at"):
            raise NoAnswerError
        locale = str(found.get("locale") or "").partition("-")[0]
        person = Person(
            found["username"],
            next((each for each in _LANGUAGES if each == locale), None),
            "system_admin" in str(found.get("roles") or "").split(),
            found.get("is_bot") is True,
            str(found.get("email") or ""),
            _timezone(found.get("timezone")),
        )
        with self._guard:
            self._known[user_id] = person.language, time.monotonic() + _KNOWN_SECONDS
            self._known.move_to_end(user_id)
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return person

    def _ask(self, path: str, seconds: float) -> dict[str, Any] | None:
        """What is there; None if the bot is refused it, or it is not there."""
        session: BotSession | None = getattr(self._here, "session", None)
        if session is None:
            session = self._here.session = BotSession(self._bot)
        try:
            response, content = session.send("GET", path, None, timeout=(seconds, seconds))
            if response.status_code == 200:
                found = bot_posts.parse(content)
                if isinstance(found, dict):
                    return found
                raise NoAnswerError
            session.code_of(response, content)  # fails unless the server is well, and means it
        except (requests.RequestException, Failed):
            # Not chained: the text of an error may hold what was asked for.
            raise NoAnswerError from None
        return None


def _timezone(said: object) -> str:
    """The one that a person has chosen, or their browser has said."""
    if not isinstance(said, dict):
        return ""
    which = (
        "automaticTimezone" if str(said.get("useAutomaticTimezone")).lower() == "true" else "manualTimezone"
    )
    return str(said.get(which) or "")
