"""Asking Mattermost, as the bot, what a channel is and who is in it.

answer              meaning
200                 the channel, which may be archived
403, 404            there is none, or the bot does not see it, if the server is well
anything else       no answer: it may be had later
"""

import threading
from dataclasses import dataclass
from typing import Any, Literal

import requests

from relays.mattermost import bot_posts
from relays.mattermost.bot_session import Bot, BotSession, Failed
from relays.mattermost.people import NoAnswerError

_SECONDS = 8.0
_PER_PAGE = 200
_LARGEST_PAGE = 4 * 1024 * 1024
# Of more people nobody finds out what each of them may read.
MOST_MEMBERS = 1_000

Kind = Literal["open", "private", "direct", "group"]
_KINDS: dict[str, Kind] = {"O": "open", "P": "private", "D": "direct", "G": "group"}


@dataclass(frozen=True)
class Channel:
    """A channel: what it is called, who may come in (`open`: the whole team), and whether it is archived."""

    name: str
    kind: Kind
    is_archived: bool


class Channels:
    """Those of a bot's Mattermost. For several threads."""

    def __init__(self, bot: Bot) -> None:
        self._session = BotSession(bot)
        self._one_at_a_time = threading.Lock()
        self._me: tuple[str, str] | None = None

    def find(self, channel_id: str) -> Channel | None:
        """The channel of this number; None if there is none that the bot sees. NoAnswerError."""
        found = self._ask("GET", f"/channels/{channel_id}")
        if found is None:
            return None
        kind = _KINDS.get(str(found.get("type")))
        if kind is None or not isinstance(found.get("name"), str):
            raise NoAnswerError
        return Channel(found["name"], kind, bool(found.get("delete_at")))

    def bot_name(self) -> str:
        """What the bot is called. NoAnswerError."""
        return self._bot()[1]

    def has_bot(self, channel_id: str) -> bool:
        """Whether the bot is in a channel. NoAnswerError."""
        return self._ask("GET", f"/channels/{channel_id}/members/{self._bot()[0]}") is not None

    def members(self, channel_id: str) -> list[str] | None:
        """The names of all who are in a channel but the bot; None if they are too many to say. NoAnswerError."""
        me, names = self._bot()[0], list[str]()
        for page in range(MOST_MEMBERS // _PER_PAGE + 1):
            listed = self._list("GET", f"/channels/{channel_id}/members?page={page}&per_page={_PER_PAGE}")
            ids = [str(each.get("user_id")) for each in listed]
            if others := [each for each in ids if each != me]:
                people = self._list("POST", "/users/ids", others)
                if len(people) != len(set(others)):
                    raise NoAnswerError
                names += [str(each.get("username")) for each in people if not each.get("delete_at")]
            if len(ids) < _PER_PAGE:
                return names
        return None

    def _bot(self) -> tuple[str, str]:
        if self._me is None:
            found = self._ask("GET", "/users/me")
            if found is None:
                raise NoAnswerError
            self._me = str(found.get("id")), str(found.get("username"))
        return self._me

    def _list(self, method: str, path: str, body: Any = None) -> list[dict[str, Any]]:
        found = self._answer(method, path, body)
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise NoAnswerError
        return found

    def _ask(self, method: str, path: str) -> dict[str, Any] | None:
        found = self._answer(method, path, None)
        if found is not None and not isinstance(found, dict):
            raise NoAnswerError
        return found

    def _answer(self, method: str, path: str, body: Any) -> Any:
        """What is there; None if the bot is refused it, or it is not there."""
        with self._one_at_a_time:
            try:
                response, content = self._session.send(
                    method, path, body, _LARGEST_PAGE, (_SECONDS, _SECONDS)
                )
                if response.status_code == 200:
                    return bot_posts.parse(content)
                self._session.code_of(response, content)  # fails unless the server is well, and means it
            except (requests.RequestException, Failed):
                # Not chained: the text of an error may hold what was asked for.
                raise NoAnswerError from None
        return None
