"""What a subcommand of the slash command is."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from relays.mattermost.markup import Markup
from relays.mattermost.people import Person
from relays.mattermost.slash_command import SlashCommand
from relays.wording import Wording


@dataclass(frozen=True)
class Asked:
    """A command on its way to its answer: what was typed behind the subcommand, and in which language it is answered.

    `is_operator` asks Mattermost whether the person may decide what concerns the whole relay, and `may_manage` whether
    they may decide what concerns the channel that they are in; `user_name` asks what they are called there, and
    `person` for all that it says of them. NotSureError while it does not say. `conversation` is what a button that was
    pressed is about.
    """

    command: SlashCommand
    arguments: tuple[str, ...]
    wording: Wording
    is_operator: Callable[[], bool] = field(repr=False)
    may_manage: Callable[[], bool] = field(repr=False)
    user_name: Callable[[], str] = field(repr=False)
    person: Callable[[], Person] = field(repr=False)
    conversation: str = ""


class NotSureError(Exception):
    """Mattermost does not say who somebody is: nothing is done, and it can be tried again."""


class Subcommand(ABC):
    """One word of the slash command. Its help is in both catalogues of relays.wording, under `command.help.NAME`.

    `asks_mattermost`, `asks_gitlab`: it may have to wait for one of them, so that the answer may come later.
    `acts_in_gitlab`: it changes something there, for somebody who waits.
    `elsewhere`: its threads are another relay's, which knows whether a post begins one.
    """

    name: ClassVar[str]
    asks_mattermost: ClassVar[bool] = False
    asks_gitlab: ClassVar[bool] = False
    acts_in_gitlab: bool = False
    elsewhere: ClassVar[bool] = False

    @abstractmethod
    def answer(self, asked: Asked) -> Markup:
        """What who has asked is answered. StorageError, NotSureError."""
