"""`list`: what this channel has subscribed to, and whether it hears of it."""

from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.sources.gitlab.commands.subscribing import Subscribing
from relays.sources.gitlab.subscriptions import tables
from relays.sources.gitlab.subscriptions.notices import state_key, what
from relays.sources.gitlab.subscriptions.subscription import Place, Subscription
from relays.wording import Wording

_ALL = "all"


class Subscriptions(Subcommand):
    """For everybody in the channel; for operators those of all channels, if they ask for that."""

    name = "list"
    asks_mattermost = True

    def __init__(self, subscribing: Subscribing) -> None:
        self._with = subscribing

    def answer(self, asked: Asked) -> Markup:
        wording = asked.wording
        found = tables.listed(self._with.store)
        if asked.arguments not in ((), (_ALL,)):
            return markup.fill(wording["command.list.usage"], word=markup.code(asked.command.word, 64))
        of_all = bool(asked.arguments)
        if of_all and not asked.is_operator():
            return Markup(wording["command.operators_only"])
        if not of_all:
            found = [each for each in found if each.channel_id == asked.command.channel_id]
        if not found:
            return Markup(wording["command.list.none"])
        places = tables.places(self._with.store)
        title = wording["command.list.title.all" if of_all else "command.list.title"]
        lines = [self._line(each, places.get(each.channel_id), of_all, wording) for each in found]
        return Markup("\n".join([title, *lines]))

    def _line(self, each: Subscription, place: Place | None, of_all: bool, wording: Wording) -> Markup:
        place = place or Place(each.channel_id, each.channel_id)
        return markup.fill(
            wording["command.list.line"],
            number=each.number,
            what=what(each, wording),
            channel=markup.code(place.name or each.channel_id, 80) if of_all else None,
            name=markup.plain(each.chosen_by, 64),
            state=self._state(each, place, wording),
        )

    def _state(self, each: Subscription, place: Place, wording: Wording) -> Markup | None:
        """Why nothing of it is announced, or not all."""
        if place.state:
            channel = next(iter(self._with.router.routes[-1].channels), "")
            return markup.fill(
                wording[state_key(place.state)],
                fallback=markup.given(markup.code, channel, 80),
            )
        refusals = self._with.refusals(each)
        if not any(refusals):
            return None
        if not all(refusals):
            return Markup(wording["command.list.state.some"])
        return Markup(wording[state_key(refusals[0])])
