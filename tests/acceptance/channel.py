"""A channel as its reader sees it, for the checks that bring messages there."""

import re
from typing import Any

from relays.wording import CATALOGUES
from tests.acceptance.people import Chat, shown
from tests.waiting import wait_until


def words(language: str, key: str) -> str:
    """The longest piece of a sentence of the relays that stands in every message made of it."""
    return max(re.split(r"\{\w+\}", CATALOGUES[language][key]), key=len).strip()


class Channel:
    """One channel; what a check has brought there (all that holds `mark`) is taken away at the end."""

    def __init__(self, chat: Chat, name: str, mark: str):
        self._chat, self._name, self._mark = chat, name, mark

    def message(self, *words: str) -> dict[str, Any]:
        """The message that holds all words, as soon as there is one."""
        return wait_until(f"a message in {self._name} with {words}", lambda: self._all(*words))[0]

    def count(self, *words: str) -> int:
        """How many messages hold all words."""
        return len(self._all(*words))

    def _all(self, *words: str) -> list[dict[str, Any]]:
        return [post for post in self._chat.posts(self._name) if all(word in shown(post) for word in words)]

    def clear(self) -> None:
        """Take the check's messages away."""
        for post in self._all(self._mark):
            self._chat.delete(post)
