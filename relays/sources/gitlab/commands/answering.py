"""What a slash command is answered: the language, who may decide what, and what becomes of errors."""

import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace

from relays.mattermost.markup import Markup
from relays.mattermost.people import NoAnswerError, People, Person
from relays.mattermost.slash_command import SlashCommand
from relays.sources.gitlab.channel_ids import ChannelIds
from relays.sources.gitlab.commands.storing import UncertainError
from relays.sources.gitlab.commands.subcommand import Asked, NotSureError, Subcommand
from relays.storage.engine import StorageError
from relays.wording import CATALOGUES, Language, Wording

log = logging.getLogger(__name__)

_DEFAULT = "help"


@dataclass(frozen=True)
class Answering:
    """Who answers: the subcommands, the site's language and, where a bot posts, those who may decide.

    `people` is None where there is no bot to ask Mattermost: then nobody is known, and nobody decides. `operators` are
    user names of Mattermost; whoever administers the system is one as well. `channels` says what the settings call a
    channel, which need not be what it is called now.
    """

    subcommands: Mapping[str, Subcommand]
    language: Language
    people: People | None
    operators: frozenset[str] = frozenset()
    channels: ChannelIds | None = None

    def subcommand(self, command: SlashCommand) -> Subcommand:
        """The one that was asked for; the help for none and for one that there is not."""
        return self.subcommands.get(
            command.words[0].lower() if command.words else "", self.subcommands[_DEFAULT]
        )

    def wording(self, command: SlashCommand) -> Wording:
        """In the language of who has asked, if it is known soon enough."""
        found = self.people.language(command.user_id) if self.people else None
        return CATALOGUES[found or self.language]

    def answer(self, command: SlashCommand) -> Markup:
        """What a command is answered; nothing is raised."""
        wording = CATALOGUES[self.language]
        subcommand = self.subcommand(command)
        try:
            wording = self.wording(command)
            channel = self.channels.name_of(command) if self.channels else command.channel
            asked = Asked(
                replace(command, channel=channel),
                command.words[1:],
                wording,
                lambda: self._is_operator(command),
                lambda: self._may_manage(command),
                lambda: self._person(command).name,
            )
            return subcommand.answer(asked)
        except NotSureError:
            return Markup(wording["command.not_sure" if self.people else "command.no_bot"])
        except UncertainError:
            return Markup(wording["command.uncertain"])
        except StorageError:
            return Markup(wording["command.storage"])
        except Exception as error:
            # Its text may hold what was stored.
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.critical(
                "failed command=%s error=%s at=%s:%s",
                *(subcommand.name, type(error).__name__, place.name, place.lineno),
            )
            return Markup(wording["command.failed"])

    def _person(self, command: SlashCommand) -> Person:
        if self.people is None:
            raise NotSureError
        try:
            return self.people.find(command.user_id)
        except NoAnswerError:
            raise NotSureError from None

    def _is_operator(self, command: SlashCommand) -> bool:
        return self._decides(self._person(command))

    def _decides(self, person: Person) -> bool:
        return not person.is_bot and (person.is_admin or person.name in self.operators)

    def _may_manage(self, command: SlashCommand) -> bool:
        person = self._person(command)
        if self._decides(person):
            return True
        # A bot may be anybody's, who need not be of the channel.
        if self.people is None or person.is_bot:
            return False
        try:
            return self.people.administers(command.user_id, command.channel_id)
        except NoAnswerError:
            raise NotSureError from None
