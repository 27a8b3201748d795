"""What a slash command is answered: the language, who may decide what, and what becomes of errors."""

import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from relays.mattermost.markup import Markup
from relays.mattermost.people import NoAnswerError, People, Person
from relays.mattermost.slash_command import SlashCommand
from relays.sources.gitlab.channel_ids import ChannelIds
from relays.sources.gitlab.commands.subcommand import Asked, NotSureError, Subcommand
from relays.sources.gitlab.commands.threads import Thread
from relays.storage.engine import StorageError
from relays.storage.storing import UncertainError
from relays.wording import CATALOGUES, Language, Wording

log = logging.getLogger(__name__)

_DEFAULT = "help"


@dataclass(frozen=True)
class Answering:
    """Who answers: the subcommands, the site's language and, where a bot posts, those who may decide.

    `people` is None where there is no bot to ask Mattermost: then nobody is known, and nobody decides. `operators` are
    user names of Mattermost; whoever administers the system is one as well. `channels` says what the settings call a
    channel, which need not be what it is called now, and `threads` which thread of the relay's one was given in.
    """

    subcommands: Mapping[str, Subcommand]
    language: Language
    people: People | None
    operators: frozenset[str] = frozenset()
    channels: ChannelIds | None = None
    threads: Callable[[SlashCommand], Thread | None] = lambda command: None

    def subcommand(self, command: SlashCommand) -> Subcommand:
        """The one that was asked for; the help for none and for one that there is not."""
        return self.subcommands.get(
            command.words[0].lower() if command.words else "", self.subcommands[_DEFAULT]
        )

    def wording(self, command: SlashCommand) -> Wording:
        """In the language of who has asked, if it is known soon enough."""
        found = self.people.language(command.user_id) if self.people else None
        return CATALOGUES[found or self.language]

    def known_language(self, user_id: str) -> Language:
        """That of somebody, as far as it is known without asking."""
        return (self.people and self.people.known_language(user_id)) or self.language

    def answer(self, command: SlashCommand) -> Markup:
        """What a command is answered; nothing is raised."""
        subcommand = self.subcommand(command)

        def work(wording: Wording) -> Markup:
            given = command
            if subcommand.elsewhere and self._is_foreign_thread(command):
                given = replace(command, root_id="")
            return subcommand.answer(self._asked(given, wording))

        return self._guarded(command, subcommand, work)

    def answer_press(self, command: SlashCommand, conversation: str, *, is_over: bool) -> Markup:
        """What the press of a button is answered that asks for a command and is about this conversation; as `answer`.

        A command comes from Mattermost alone. A press does not say by itself that it does, nor who has pressed.
        """
        subcommand = self.subcommand(command)

        def work(wording: Wording) -> Markup:
            if is_over:
                return Markup(wording["button.over"])
            asked = replace(self._asked(command, wording), conversation=conversation)
            thread = None if subcommand.elsewhere else self.threads(asked.command)
            is_gone = thread is None or thread.conversation != conversation or not command.words
            if is_gone and not subcommand.elsewhere:
                return Markup(wording["button.gone"])
            if self._person(command).is_bot or not self._is_member(command):
                return Markup(wording["button.members_only"])
            return subcommand.answer(asked)

        return self._guarded(command, subcommand, work)

    def _asked(self, command: SlashCommand, wording: Wording) -> Asked:
        channel = self.channels.name_of(command) if self.channels else command.channel
        return Asked(
            replace(command, channel=channel),
            command.words[1:],
            wording,
            lambda: self._is_operator(command),
            lambda: self._may_manage(command),
            lambda: self._person(command).name,
            lambda: self._person(command),
        )

    def _guarded(
        self, command: SlashCommand, subcommand: Subcommand, work: Callable[[Wording], Markup]
    ) -> Markup:
        wording = CATALOGUES[self.language]
        try:
            wording = self.wording(command)
            return work(wording)
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

    def _is_foreign_thread(self, command: SlashCommand) -> bool:
        """Whether a thread is none of the channel: Mattermost takes any post for one that a client says it is."""
        if self.people is None or not command.root_id:
            return False
        try:
            return not self.people.has_post(command.channel_id, command.root_id)
        except NoAnswerError:
            raise NotSureError from None

    def _is_member(self, command: SlashCommand) -> bool:
        if self.people is None:
            raise NotSureError
        try:
            return self.people.is_member(command.user_id, command.channel_id)
        except NoAnswerError:
            raise NotSureError from None

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
