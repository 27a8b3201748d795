"""`unsubscribe`: this channel hears no more of what it has subscribed to."""

import logging
from collections.abc import Sequence

from relays.delivery.outbox import Notification
from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.sources.gitlab.commands.subscribing import Subscribing
from relays.sources.gitlab.subscriptions import tables
from relays.sources.gitlab.subscriptions.notices import what
from relays.sources.gitlab.subscriptions.subscription import Place, Subscription, target_of
from relays.storage.engine import Database

log = logging.getLogger(__name__)

_ALL = "all"
_DIGITS = 18


class Unsubscribe(Subcommand):
    """For those who administer the channel, and operators, who end those of any channel by their numbers."""

    name = "unsubscribe"
    asks_mattermost = True

    def __init__(self, subscribing: Subscribing) -> None:
        self._with = subscribing

    def answer(self, asked: Asked) -> Markup:
        wording, channel_id = asked.wording, asked.command.channel_id
        if len(asked.arguments) != 1:
            return markup.fill(wording["command.unsubscribe.usage"], word=markup.code(asked.command.word, 64))
        if not asked.may_manage():
            return Markup(wording["command.managers_only"])
        (given,) = asked.arguments
        found = tables.listed(self._with.store)
        here = [each for each in found if each.channel_id == channel_id]
        number = int(given) if given.isascii() and given.isdigit() and len(given) <= _DIGITS else 0
        if number:
            ended = [each for each in found if each.number == number]
            if any(each.channel_id != channel_id for each in ended) and not asked.is_operator():
                ended = []
        elif given == _ALL:
            ended = here
        else:
            target = target_of(given, self._with.router.projects)
            ended = [each for each in here if each.target == target]
        if not ended:
            return markup.fill(wording["command.unsubscribe.unknown"], given=markup.code(given, 300))
        self._end(ended, asked)
        shown = Markup(", ".join(what(each, wording) for each in ended))
        return markup.fill(wording["command.unsubscribe.done"], what=shown)

    def _end(self, ended: Sequence[Subscription], asked: Asked) -> None:
        name, channel_id = asked.user_name(), ended[0].channel_id
        place = tables.places(self._with.store).get(channel_id, Place(channel_id, ""))

        def work(db: Database) -> list[Notification]:
            if not tables.end(db, [each.number for each in ended]):
                return []
            return self._with.notice("command.unsubscribe.notice", place, name, ended)

        self._with.put(work)
        if self._with.router.subscribed:
            self._with.router.subscribed.refresh()
        log.info(
            "unsubscribe channel=%s numbers=%s user=%s",
            *(channel_id, ",".join(str(each.number) for each in ended), asked.command.user_id),
        )
