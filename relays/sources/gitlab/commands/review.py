"""`review`: says in the thread of a merge request that somebody reviews it, and adds them to its reviewers."""

import logging

from relays.delivery.outbox import Notification
from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.mattermost.message import RELAY, Message
from relays.sources.gitlab.accounts import access_to
from relays.sources.gitlab.commands.acting import ActingSubcommand, Who
from relays.sources.gitlab.commands.subcommand import Asked
from relays.sources.gitlab.commands.threads import Thread, find_thread
from relays.sources.gitlab.conversations.facts import own_wish
from relays.sources.gitlab.conversations.table import Conversations
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.rest import MAY_WRITE, GitLabError, PlaceApi
from relays.storage.engine import Database
from relays.storage.storing import stored
from relays.wording import CATALOGUES

log = logging.getLogger(__name__)


class _NotOpenError(Exception):
    """There is nothing to review any more."""


class Review(ActingSubcommand):
    """For everybody in the channel, who sees it; the same of one person is said once.

    Without an `actor` GitLab hears nothing of it; with one it is for those who may read the merge request there.
    """

    name = "review"

    def answer(self, asked: Asked) -> Markup:
        wording = asked.wording
        thread = find_thread(self._store, asked.command)
        if thread is None or thread.merge_request is None:
            return Markup(wording["command.review.thread"])
        try:
            if self._actor is None:
                is_new = self._say(asked, thread, asked.user_name())
                return Markup(wording["command.review.done" if is_new else "command.review.again"])
            project, number = thread.merge_request
            api, place = self._actor.project(project), f"merge_requests/{number}"
            return self._actor.answer(asked, lambda who: self._assign(asked, thread, api, place, who))
        except _NotOpenError:
            return Markup(wording["command.review.not_open"])

    def _assign(self, asked: Asked, thread: Thread, api: PlaceApi, place: str, who: Who) -> Markup:
        """Add somebody to the reviewers, and say in the thread that they review; what that has come to."""
        wording, account, ask = asked.wording, who.account, who.ask
        project = Payload(ask(lambda: api.one("", {}, "the project", "")))
        if not access_to(api, project, account, ask).merge_requests:
            return Markup(wording["command.review.no_access"])
        found = Payload(ask(lambda: api.one(place, {}, "merge requests", "")))
        if found.text("state") != "opened":
            raise _NotOpenError
        there = _reviewers(found)
        outcome = "already"
        if account.id not in there:
            # Before the event comes that says so: they need not be asked for what they have asked for themselves.
            wish, known = own_wish(account.username, self._store.now()), Conversations(self._store)
            stored(self._store.submit, lambda db: known.note(db, thread.conversation, wish))
            wanted = {"reviewer_ids": [*there, account.id]}
            now = _reviewers(Payload(ask(lambda: api.change("PUT", place, wanted, "merge requests"))))
            # GitLab leaves out what it does not take and says nothing: the free edition, all but the first.
            outcome = "assigned" if account.id in now else "full"
            if outcome == "full" and not there:
                raise GitLabError("it has taken no reviewer", f"the token may not set reviewers: {MAY_WRITE}")
        self._say(asked, thread, who.name, is_open=True)
        log.info("reviewer %s thread=%s user=%s", outcome, thread.conversation, asked.command.user_id)
        return Markup(wording[f"command.review.{outcome}"])

    def _say(self, asked: Asked, thread: Thread, name: str, *, is_open: bool = False) -> bool:
        """Say it in the thread; whether that is new. _NotOpenError unless it `is_open` as GitLab says, or as known."""
        command = asked.command

        def work(db: Database) -> list[Notification]:
            state = Conversations(self._store).state(db, thread.conversation)
            if not is_open and (state is None or state.of("subject").text("state") != "opened"):
                raise _NotOpenError
            said = CATALOGUES[self._router.language_in(command.channel)]["command.review.said"]
            text = markup.fill(said, name=markup.plain(name, 64))
            message = Message(RELAY, ":eyes:", summary=text, text=text)
            key = f"review:{thread.conversation}:{command.user_id}"
            return [Notification(key, thread.channel, message, thread.conversation)]

        is_new = bool(stored(self._outbox.put, work))
        log.info("review channel=%s user=%s new=%d", command.channel, command.user_id, is_new)
        return is_new


def _reviewers(merge_request: Payload) -> list[int]:
    return [number for each in merge_request.elements("reviewers") if (number := each.number("id"))]
