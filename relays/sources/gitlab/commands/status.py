"""`status`: whether what happens in GitLab gets into Mattermost, link by link."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from relays.delivery.outbox import Outbox, Stats
from relays.mattermost import markup
from relays.mattermost.bot import by_id
from relays.mattermost.markup import Markup
from relays.mattermost.slash_command import SlashCommand
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.sources.gitlab.dead_letters import DeadLetters
from relays.sources.gitlab.inbox import Inbox
from relays.storage.store import Store
from relays.wording import Wording, age, counted

# As long as monitoring waits before it says so (files/monitoring).
_LATE_SECONDS = 900.0


@dataclass(frozen=True)
class Links:
    """What the chain is made of.

    `held` names the channels that Mattermost holds up, each with the reason; `is_well` says whether the relay stores
    and gets on.
    """

    store: Store
    inbox: Inbox
    outbox: Outbox
    dead_letters: DeadLetters
    held: Callable[[], Mapping[str, str]]
    is_well: Callable[[], bool]


class Status(Subcommand):
    """Numbers alone; of the channels it names none but the one that it is asked in."""

    name = "status"

    def __init__(self, links: Links) -> None:
        self._links = links

    def answer(self, asked: Asked) -> Markup:
        links, wording = self._links, asked.wording
        stats, held, failing = links.outbox.stats(), links.held(), links.store.failing
        last, aside = links.inbox.last_processed(), stats.parked + links.dead_letters.count()
        late = self._is_late(stats.oldest) or (self._is_late(last) and bool(links.inbox.heads(1)))
        stuck = held or failing or aside or late or not links.is_well()
        title = wording["command.status.degraded" if stuck else "command.status.well"]
        lines = [wording["command.status.failing"]] if failing else []
        lines += self._lines(asked.command, stats, last, held, wording)
        lines += [_said(wording, "command.status.aside", aside)] if aside else []
        return Markup("\n".join([title, *lines]))

    def _is_late(self, moment: float | None) -> bool:
        return moment is not None and self._links.store.now() - moment > _LATE_SECONDS

    def _lines(
        self,
        command: SlashCommand,
        stats: Stats,
        last: float | None,
        held: Mapping[str, str],
        wording: Wording,
    ) -> Iterator[Markup]:
        links = self._links
        # By its name it hears what routes lead there, by its number what it has subscribed to.
        both = (command.channel, by_id(command.channel_id))
        received = "command.status.received.never" if last is None else "command.status.received"
        yield markup.fill(wording[received], age=self._ago(last, wording))
        yield _said(wording, "command.status.pending", links.inbox.pending())
        if stats.oldest is None:
            yield Markup(wording["command.status.idle"])
        else:
            waits = counted(wording, "command.status.waits", stats.backlog)
            yield markup.fill(waits, count=stats.backlog, age=self._ago(stats.oldest, wording))
            if here := sum(map(links.outbox.waiting_in, both)):
                yield _said(wording, "command.status.here", here)
        held_here = sum(channel in held for channel in both)
        if held_here:
            yield Markup(wording["command.status.held.here"])
        if others := len(held) - held_here:
            yield _said(wording, "command.status.held.others", others)
        if stats.last_delivery is not None:
            yield markup.fill(wording["command.status.last"], age=self._ago(stats.last_delivery, wording))

    def _ago(self, moment: float | None, wording: Wording) -> Markup | None:
        if moment is None:
            return None
        return Markup(age(wording, self._links.store.now() - moment))


def _said(wording: Wording, key: str, count: int) -> Markup:
    return markup.fill(counted(wording, key, count), count=count)
