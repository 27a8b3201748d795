"""`mute`: a while without news in the channel, of everything, of a project, or of one thing in it."""

import logging

from relays.base.spans import seconds_of
from relays.delivery.outbox import Notification, Outbox
from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.mattermost.message import RELAY, Message
from relays.sources.gitlab import silences
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.sources.gitlab.commands.threads import find_thread
from relays.sources.gitlab.conversations.conversing import CONFIDENTIAL
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.silences import LONGEST_SECONDS, Silence, TooManyError
from relays.storage.engine import Database
from relays.storage.store import Store
from relays.storage.storing import stored
from relays.wording import CATALOGUES, Wording, age

log = logging.getLogger(__name__)

_OFF = "off"
_TARGET = 300
# Who asks for the same again so soon has not heard that it was done.
_AGAIN_SECONDS = 300.0


class Mute(Subcommand):
    """For those who administer the channel, and operators; the channel hears of it, and who asks sees the list."""

    name = "mute"
    asks_mattermost = True

    def __init__(self, store: Store, outbox: Outbox, router: Router) -> None:
        self._store = store
        self._outbox = outbox
        self._router = router

    def answer(self, asked: Asked) -> Markup:
        wording, channel = asked.wording, asked.command.channel
        if not asked.arguments:
            return self._list(channel, wording)
        span, *targets = asked.arguments
        seconds = seconds_of(span)
        thread = "" if targets else self._thread(asked)
        target = targets[0] if targets else thread
        if (span != _OFF and not seconds) or len(targets) > 1 or not _is_target("".join(targets)):
            return markup.fill(wording["command.mute.usage"], word=markup.code(asked.command.word, 64))
        if not _is_target(thread):
            return markup.fill(wording["command.mute.thread"], word=markup.code(asked.command.word, 64))
        if span != _OFF and not self._router.is_heard_in(channel):
            return Markup(wording["command.mute.elsewhere"])
        if not asked.may_manage():
            return Markup(wording["command.managers_only"])
        if span == _OFF:
            return self._end(asked, target)
        return self._begin(asked, target, min(seconds, LONGEST_SECONDS))

    def _begin(self, asked: Asked, target: str, seconds: float) -> Markup:
        wording, channel, name = asked.wording, asked.command.channel, asked.user_name()
        now = self._store.now()
        new = Silence(channel, target, now + seconds, name, now)

        def work(db: Database) -> list[Notification]:
            before = silences.put(db, new)
            # The channel hears of the same once.
            same = before and before.chosen_by == name and abs(new.until - before.until) < _AGAIN_SECONDS
            return [] if same else [self._notice("command.mute.notice", new, seconds)]

        try:
            stored(self._outbox.put, work)
        except TooManyError:
            return Markup(wording["command.mute.many"])
        log.info("mute channel=%s seconds=%.0f user=%s", channel, seconds, asked.command.user_id)
        return markup.fill(
            wording["command.mute.done"], span=Markup(age(wording, seconds)), what=_what(target, wording)
        )

    def _end(self, asked: Asked, target: str) -> Markup:
        wording, channel = asked.wording, asked.command.channel
        now = self._store.now()
        over = Silence(channel, target, now, asked.user_name(), now)

        def work(db: Database) -> list[Notification]:
            return [self._notice("command.mute.ended", over, 0)] if silences.end(db, channel, target) else []

        if not stored(self._outbox.put, work):
            return Markup(wording["command.mute.none"])
        log.info("mute channel=%s over user=%s", channel, asked.command.user_id)
        return markup.fill(wording["command.mute.over"], what=_what(target, wording))

    def _thread(self, asked: Asked) -> str:
        """What the thread is about that it was typed in, if it is one of ours; nothing outside of one.

        What is confidential has a conversation of its own, and bears the number of the other one.
        """
        found = find_thread(self._store, asked.command)
        return found.conversation.removesuffix(CONFIDENTIAL) if found else ""

    def _notice(self, key: str, silence: Silence, seconds: float) -> Notification:
        """What the channel hears of it, in its own language."""
        wording = CATALOGUES[self._router.language_in(silence.channel)]
        text = markup.fill(
            wording[key],
            name=markup.plain(silence.chosen_by, 64),
            span=Markup(age(wording, seconds)),
            what=_what(silence.target, wording),
        )
        message = Message(RELAY, ":mute:", summary=text, text=text)
        return Notification(f"silence:{silence.target}:{silence.chosen_at:.3f}", silence.channel, message)

    def _list(self, channel: str, wording: Wording) -> Markup:
        now = self._store.now()
        found = [each for each in silences.listed(self._store, now) if each.channel == channel]
        if not found:
            return Markup(wording["command.mute.none"])
        lines = [
            markup.fill(
                wording["command.mute.line"],
                what=_what(each.target, wording),
                span=Markup(age(wording, each.until - now)),
                name=markup.plain(each.chosen_by, 64),
            )
            for each in found
        ]
        return Markup("\n".join([wording["command.mute.title"], *lines]))


def _is_target(text: str) -> bool:
    """Whether something can be silent that is called so, which everything can."""
    return not text or silences.is_target(text)


def _what(target: str, wording: Wording) -> Markup:
    return markup.code(target, _TARGET) if target else Markup(wording["command.mute.all"])
