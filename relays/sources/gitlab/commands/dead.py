"""`dead`: what was put aside for an operator, and what is to become of it."""

import logging
from collections.abc import Sequence

from relays.delivery import parked
from relays.delivery.parked import ParkedMessage
from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.sources.gitlab import dead_letters
from relays.sources.gitlab.commands import reasons
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.sources.gitlab.dead_letters import DeadLetter
from relays.sources.gitlab.subscriptions.tables import name_of
from relays.storage.engine import Database
from relays.storage.store import Store
from relays.storage.storing import stored
from relays.wording import Wording, age, counted

log = logging.getLogger(__name__)

_SHOWN = 20
# As operators' commands show the number of an event.
_EVENT = "e"
_ALL = "all"


class Dead(Subcommand):
    """For operators alone, and without a text: who may decide need not be one who may read."""

    name = "dead"
    asks_mattermost = True

    def __init__(self, store: Store) -> None:
        self._store = store

    def answer(self, asked: Asked) -> Markup:
        wording = asked.wording
        if not asked.is_operator():
            return Markup(wording["command.operators_only"])
        act, *numbers = asked.arguments or ("list",)
        messages, events = parked.listed(self._store), dead_letters.listed(self._store)
        known = {str(each.id): each.id for each in messages}
        known |= {f"{_EVENT}{each.id}": each.id for each in events}
        if act in ("retry", "drop") and numbers:
            wanted = list(known) if numbers == [_ALL] else list(dict.fromkeys(numbers))
            if unknown := [each for each in wanted if each not in known]:
                return markup.fill(wording["command.dead.unknown"], number=markup.code(unknown[0], 30))
            if wanted:
                self._decide(act, wanted, known)
                log.info(
                    "dead letters act=%s count=%d numbers=%s user=%s",
                    *(act, len(wanted), ",".join(wanted[:_SHOWN]), asked.command.user_id),
                )
                return markup.fill(counted(wording, f"command.dead.{act}", len(wanted)), count=len(wanted))
        elif act != "list" or numbers:
            return markup.fill(wording["command.dead.usage"], word=markup.code(asked.command.word, 64))
        return self._list(messages, events, wording)

    def _decide(self, act: str, wanted: Sequence[str], known: dict[str, int]) -> None:
        """All of them in one transaction; what has been decided meanwhile stays as it is. As `stored`."""
        events = [known[each] for each in wanted if each.startswith(_EVENT)]
        messages = [known[each] for each in wanted if not each.startswith(_EVENT)]

        def work(db: Database) -> None:
            (parked.retry if act == "retry" else parked.drop)(db, messages, self._store.now())
            (dead_letters.retry if act == "retry" else dead_letters.drop)(db, events)

        stored(self._store.submit, work)

    def _list(
        self, messages: Sequence[ParkedMessage], events: Sequence[DeadLetter], wording: Wording
    ) -> Markup:
        count = len(messages) + len(events)
        if not count:
            return Markup(wording["command.dead.none"])
        lines = [markup.fill(counted(wording, "command.dead.title", count), count=count)]
        for message in messages[:_SHOWN]:
            lines.append(
                markup.fill(
                    wording["command.dead.message"],
                    number=message.id,
                    channel=markup.code(name_of(self._store, message.channel), 80),
                    age=self._ago(message.created_at, wording),
                    reason=reasons.listed(message.reason),
                )
            )
        for event in events[: max(0, _SHOWN - len(messages))]:
            lines.append(
                markup.fill(
                    wording["command.dead.event"],
                    number=Markup(f"{_EVENT}{event.id}"),
                    age=self._ago(event.died_at, wording),
                    reason=reasons.listed(event.reason),
                )
            )
        if count > _SHOWN:
            others = count - _SHOWN
            lines.append(markup.fill(counted(wording, "command.dead.others", others), count=others))
        return Markup("\n".join(lines))

    def _ago(self, moment: float, wording: Wording) -> Markup:
        return Markup(age(wording, self._store.now() - moment))
