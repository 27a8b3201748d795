"""`replay`: an event of the channel, announced there once more.

The relay keeps no bodies of what it has announced, so GitLab's log of deliveries is asked for it, and whether an issue
that it is about has become confidential since. What is said follows the rules as they are now, and it is said in this
channel alone, as a post of its own: nothing that is remembered, a thread least of all, hears of it a second time.
"""

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import quote

from relays.base.bounded_json import HeavyError, read_json
from relays.base.bounded_json import UnreadableError as NoJsonError
from relays.delivery.outbox import Notification, Outbox
from relays.mattermost import markup
from relays.mattermost.bot import by_id
from relays.mattermost.markup import Markup
from relays.sources.gitlab.channel_events import FAILED, SIGNS, ChannelEvent, ChannelEvents, numbered
from relays.sources.gitlab.commands.reasons import reason_of
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.sources.gitlab.commands.why import left_out
from relays.sources.gitlab.delivery_log import DeliveryLog, LogEntry
from relays.sources.gitlab.event import Event, read_event
from relays.sources.gitlab.hook_logs import PatternLogs
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.project_list import covers
from relays.sources.gitlab.reader import Ask, within
from relays.sources.gitlab.rest import GitLabError, PlaceApi, Server, UnknownError
from relays.sources.gitlab.router import Router
from relays.storage.engine import Database
from relays.storage.store import Store
from relays.storage.storing import stored

log = logging.getLogger(__name__)

# Who asks for the same again so soon has not heard that it was done.
_AGAIN_SECONDS = 60.0
# The watchdog leaves the thread several times as long.
_SEARCH_SECONDS = 60.0
_DIGITS = 18


class Replay(Subcommand):
    """For those who administer the channel, and operators. Without `logs` there is nothing to ask for a body."""

    name = "replay"
    asks_gitlab = True

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
            event = entry and _read(entry)
            if not event:
                return Markup(wording["command.replay.gone"])
            event = self._as_now(event, _server_of(self._logs[0]), ask)
        except GitLabError as error:
            return markup.fill(wording["command.replay.gitlab"], reason=reason_of(error))
        return self._announce(known, event, asked)

    def _as_now(self, event: Event, server: Server, ask: Ask) -> Event:
        """The event as one that is confidential if what it is about is so by now, or is not there any more."""
        sign, number = numbered(event)[:1], numbered(event)[1:]
        if event.confidential or sign != SIGNS["issue"]:
            return event
        project = PlaceApi(server, event.project)
        try:
            issue = ask(partial(project.one, f"issues/{quote(number, safe='')}", {}, "issues", ""))
        except UnknownError:
            return replace(event, confidential=True)
        return replace(event, confidential=issue.get("confidential") is not False)

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

        def work(db: Database) -> list[Notification]:
            key = self._key(db, known.key, channel)
            return [Notification(key, channel, message)] if key else []

        if not stored(self._outbox.put, work):
            return markup.fill(wording["command.replay.twice"], number=known.number)
        log.info("replay key=%s channel=%s user=%s", known.key, channel, asked.command.user_id)
        return markup.fill(wording["command.replay.done"], number=known.number)

    def _key(self, db: Database, event: str, channel: str) -> str:
        """The key of the next replay of an event in a channel; none where one waits, or has just been posted."""
        numbers = itertools.count(1)
        while True:
            key = f"{event} replay {next(numbers)}"
            row = db.execute(
                "SELECT state, finished_at FROM outbox WHERE channel = ? AND delivery_key = ?", (channel, key)
            ).fetchone()
            if row is None:
                return key
            state, finished_at = row
            if state == "ready" or (state == "done" and self._store.now() - finished_at < _AGAIN_SECONDS):
                return ""


def _server_of(log: DeliveryLog | PatternLogs) -> Server:
    return log.api.server if isinstance(log, DeliveryLog) else log.pattern.server


def _read(entry: LogEntry) -> Event | None:
    """The event of an entry; None if GitLab has not kept its body."""
    try:
        payload = Payload(read_json(entry.body.encode("utf-8", "surrogatepass")))
    except (NoJsonError, HeavyError):
        return None
    return (
        read_event(payload, entry.event)
        if payload.text("object_kind") or payload.text("event_name")
        else None
    )
