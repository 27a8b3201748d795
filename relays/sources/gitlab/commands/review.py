"""`review`: says in the thread of a merge request that somebody reviews it."""

import logging

from relays.delivery.outbox import Notification, Outbox
from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.mattermost.message import RELAY, Message
from relays.sources.gitlab.commands.storing import stored
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.sources.gitlab.commands.threads import find_thread
from relays.sources.gitlab.conversations.conversing import SIGN_OF_MERGE_REQUEST
from relays.sources.gitlab.conversations.table import Conversations
from relays.sources.gitlab.router import Router
from relays.storage.engine import Database
from relays.storage.store import Store
from relays.wording import CATALOGUES

log = logging.getLogger(__name__)


class _NotOpenError(Exception):
    """There is nothing to review any more."""


class Review(Subcommand):
    """For everybody in the channel, who sees it; the same of one person is said once. GitLab hears nothing of it."""

    name = "review"
    asks_mattermost = True

    def __init__(self, store: Store, outbox: Outbox, router: Router) -> None:
        self._store = store
        self._outbox = outbox
        self._router = router

    def answer(self, asked: Asked) -> Markup:
        wording, command = asked.wording, asked.command
        thread = find_thread(self._store, command)
        if thread is None or SIGN_OF_MERGE_REQUEST not in thread.conversation:
            return Markup(wording["command.review.thread"])
        conversation, name = thread.conversation, asked.user_name()

        def work(db: Database) -> list[Notification]:
            state = Conversations(self._store).state(db, conversation)
            if state is None or state.of("subject").text("state") != "opened":
                raise _NotOpenError
            said = CATALOGUES[self._router.language_in(command.channel)]["command.review.said"]
            text = markup.fill(said, name=markup.plain(name, 64))
            message = Message(RELAY, ":eyes:", summary=text, text=text)
            key = f"review:{conversation}:{command.user_id}"
            return [Notification(key, thread.channel, message, conversation)]

        try:
            is_new = stored(self._outbox.put, work)
        except _NotOpenError:
            return Markup(wording["command.review.not_open"])
        log.info("review channel=%s user=%s new=%d", command.channel, command.user_id, is_new)
        return Markup(wording["command.review.done" if is_new else "command.review.again"])
