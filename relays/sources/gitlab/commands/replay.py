"""`replay`: an event of the channel, announced there once more.

The relay keeps no bodies of what it has announced, so GitLab's log of deliveries is asked for it. What is said follows
the rules as they are now, and it is said in this channel alone, as a post of its own: nothing that is remembered, a
thread least of all, hears of the event a second time.
"""

import logging
from collections.abc import Iterator, Sequence

from relays.base.bounded_json import HeavyError, read_json
from relays.base.bounded_json import UnreadableError as NoJsonError
from relays.delivery.outbox import Notification, Outbox
from relays.mattermost import markup
from relays.mattermost.bot import by_id
from relays.mattermost.markup import Markup
from relays.sources.gitlab.channel_events import FAILED, ChannelEvent, ChannelEvents
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.sources.gitlab.commands.why import left_out
from relays.sources.gitlab.delivery_log import DeliveryLog, LogEntry
from relays.sources.gitlab.event import Event, read_event
from relays.sources.gitlab.hook_logs import PatternLogs
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.project_list import covers
from relays.sources.gitlab.reader import Ask, within
from relays.sources.gitlab.rest import GitLabError
from relays.sources.gitlab.router import Router
from relays.storage.engine import StorageError
from relays.storage.store import Store

log = logging.getLogger(__name__)

_REASON = 120
_STORED_SECONDS = 60.0
# The watchdog leaves the thread several times as long.
_SEARCH_SECONDS = 60.0
_DIGITS = 18


class Replay(Subcommand):
    """For those who administer the channel, and operators. Without `logs` there is nothing to ask for a body."""

    name = "replay"
    asks_mattermost = True

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        events: ChannelEvents,
        router: Router,
        logs: Sequence[DeliveryLog | PatternLogs],
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._events = events
        self._router = router
        self._logs = logs

    def answer(self, asked: Asked) -> Markup:
        wording = asked.wording
        if not asked.may_manage():
            return Markup(wording["command.managers_only"])
        number = " ".join(asked.arguments)
        if not number.isascii() or not number.isdigit() or len(number) > _DIGITS:
            return markup.fill(wording["command.replay.usage"], word=markup.code(asked.command.word, 64))
        known = self._events.find(asked.command.channel, int(number), asked.command.channel_id)
        if known is None:
            return markup.fill(wording["command.replay.unknown"], number=int(number))
        if known.rule == FAILED:
            return Markup(wording["command.replay.failed"])
        if not self._logs:
            return Markup(wording["command.replay.no_token"])
        ask = within(_SEARCH_SECONDS)
        try:
            found = (each.find(known.key, known.noted_at, ask) for each in self._found(known, ask))
            entry = next(filter(None, found), None)
        except GitLabError as error:
            reason = markup.plain(str(error), _REASON)
            return markup.fill(wording["command.replay.gitlab"], reason=reason)
        event = entry and _read(entry)
        if not event:
            return Markup(wording["command.replay.gone"])
        return self._announce(known, event, asked)

    def _found(self, known: ChannelEvent, ask: Ask) -> Iterator[DeliveryLog]:
        """The logs that may hold it: that of its project, and those of groups that it is in."""
        project = known.project.lower()
        for each in self._logs:
            if isinstance(each, DeliveryLog):
                if each.api.path.lower() == project:
                    yield each
            elif covers(each.pattern.path, project):
                # What another group's pattern finds is neither asked for nor in the way.
                for found in each.found(ask):
                    path = found.api.path.lower()
                    if path == project or project.startswith(f"{path}/"):
                        yield found

    def _announce(self, known: ChannelEvent, event: Event, asked: Asked) -> Markup:
        wording, channel = asked.wording, asked.command.channel
        _, messages = self._router.dispatch(event)
        if known.subscription and channel not in messages:
            channel = by_id(asked.command.channel_id)
        message = messages.get(channel)
        if message is None:
            rule = self._router.audience(event).get(channel)
            if rule is None:
                return Markup(wording["command.replay.elsewhere"])
            return markup.fill(wording["command.replay.left_out"], fate=left_out(rule or "muted", wording))
        key = f"{known.key} replay {self._store.now():.3f}"
        stored = self._outbox.put(lambda db: [Notification(key, channel, message)])
        try:
            stored.result(_STORED_SECONDS)
        except TimeoutError:
            raise StorageError("no commit in time") from None
        log.info("replay key=%s channel=%s user=%s", known.key, channel, asked.command.user_id)
        return markup.fill(wording["command.replay.done"], number=known.number)


def _read(entry: LogEntry) -> Event | None:
    """The event of an entry; None if GitLab has not kept its body."""
    try:
        payload = Payload(read_json(entry.body))
    except (NoJsonError, HeavyError):
        return None
    return (
        read_event(payload, entry.event)
        if payload.text("object_kind") or payload.text("event_name")
        else None
    )
