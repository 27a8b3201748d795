"""`why`: the last events of the channel, and what became of each."""

from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.sources.gitlab.channel_events import ChannelEvent, ChannelEvents
from relays.sources.gitlab.commands import reasons
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.sources.gitlab.inbox import Inbox
from relays.storage.store import Store
from relays.wording import Wording, age, counted

_SHOWN = 10
_PLACE = 100
_ROUTE = "route "


class Why(Subcommand):
    """Events by their kind, number and project alone: what they say is in the channel, or was not for it."""

    name = "why"

    def __init__(self, store: Store, inbox: Inbox, events: ChannelEvents) -> None:
        self._store = store
        self._inbox = inbox
        self._events = events

    def answer(self, asked: Asked) -> Markup:
        wording = asked.wording
        found = self._events.latest(asked.command.channel, _SHOWN, asked.command.channel_id)
        lines = [Markup(wording["command.why.title" if found else "command.why.none"])]
        lines += [self._line(each, wording) for each in found]
        if pending := self._inbox.pending():
            lines.append(markup.fill(counted(wording, "command.why.pending", pending), count=pending))
        return Markup("\n".join(lines))

    def _line(self, event: ChannelEvent, wording: Wording) -> Markup:
        kind = markup.code(event.kind, _PLACE) if event.kind else Markup(wording["command.why.unnamed"])
        return markup.fill(
            wording["command.why.line"],
            number=event.number,
            kind=kind,
            subject=markup.given(markup.code, event.subject, _PLACE),
            project=markup.given(markup.plain, event.project, _PLACE),
            age=Markup(age(wording, self._store.now() - event.noted_at)),
            fate=_fate(event, wording),
            subscription=markup.given(markup.code, event.subscription, _PLACE),
        )


def _fate(event: ChannelEvent, wording: Wording) -> Markup:
    """What became of it, and for what reason."""
    if event.rule:
        return left_out(event.rule, wording)
    if event.state == "parked":
        return markup.fill(wording["command.why.parked"], reason=reasons.listed(event.error))
    # The first attempt may be under way.
    if event.state == "ready" and event.attempts and event.error:
        return markup.fill(wording["command.why.retried"], reason=reasons.listed(event.error))
    if event.state == "ready":
        return Markup(wording["command.why.waits"])
    return Markup(wording["command.why.root" if event.silent else "command.why.posted"])


def left_out(rule: str, wording: Wording) -> Markup:
    """By what an event was left out, in words."""
    if rule.startswith(_ROUTE):
        return markup.fill(wording["command.why.route"], number=int(rule.removeprefix(_ROUTE)))
    if f"command.why.{rule}" in wording:
        return Markup(wording[f"command.why.{rule}"])
    because = Markup(wording[f"command.rule.{rule}"])
    return markup.fill(
        wording["command.why.mute"], because=because, setting=markup.code(f"mute.{rule}", _PLACE)
    )
