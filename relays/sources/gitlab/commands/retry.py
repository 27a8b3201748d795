"""`retry`: has the failed pipeline of a thread run again, for who may do so in GitLab."""

import logging
import re
from urllib.parse import quote

from relays.delivery.outbox import Notification
from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.mattermost.message import RELAY, Message
from relays.sources.gitlab.accounts import DEVELOPER, MAINTAINER, role_in
from relays.sources.gitlab.commands.acting import ActingSubcommand, Who
from relays.sources.gitlab.commands.subcommand import Asked
from relays.sources.gitlab.commands.threads import Thread, find_thread
from relays.sources.gitlab.conversations.actions import failed_pipeline
from relays.sources.gitlab.conversations.table import Conversations
from relays.sources.gitlab.noise import PROGRESS
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.reader import Ask
from relays.sources.gitlab.rest import PlaceApi, UnknownError
from relays.storage.engine import Database
from relays.storage.storing import stored
from relays.wording import CATALOGUES

log = logging.getLogger(__name__)

_RUNS = frozenset(PROGRESS) - {"canceling", "skipped"}


class Retry(ActingSubcommand):
    """For everybody in the channel who may in GitLab; the thread says who did. `actor` is None without a token."""

    name = "retry"

    def answer(self, asked: Asked) -> Markup:
        wording = asked.wording
        thread = find_thread(self._store, asked.command)
        if self._actor is None:
            return Markup(wording["command.retry.no_token"])
        project, name = _pipelines_of(thread)
        if thread is None or not project:
            return Markup(wording["command.retry.thread"])
        pipeline = stored(self._store.submit, lambda db: self._failed(db, name))
        if pipeline is None:
            return Markup(wording["command.retry.not_failed"])
        # That of a merge request may have run in another project, from which it comes.
        api, number = self._actor.project(pipeline.text("project") or project), int(pipeline.text("id"))
        return self._actor.answer(asked, lambda who: self._retry(asked, thread, api, number, who))

    def _failed(self, db: Database, name: str) -> Payload | None:
        """The pipeline of a conversation, if the last that was heard of it is that it has failed."""
        state = Conversations(self._store).state(db, name)
        return failed_pipeline(state) if state else None

    def _retry(self, asked: Asked, thread: Thread, api: PlaceApi, number: int, who: Who) -> Markup:
        wording, ask = asked.wording, who.ask
        role = role_in(api, who.account, ask)
        if role < DEVELOPER:
            return Markup(wording["command.retry.role"])
        found = Payload(ask(lambda: api.one(f"pipelines/{number}", {}, "pipelines", "")))
        if found.text("status") != "failed":
            runs = found.text("status") in _RUNS
            return markup.fill(wording[f"command.retry.{'runs' if runs else 'not_failed'}"], number=number)
        if role < MAINTAINER and _is_protected(api, found, ask):
            return Markup(wording["command.retry.protected"])
        ask(lambda: api.change("POST", f"pipelines/{number}/retry", {}, "pipelines"))
        log.info("retry pipeline=%s#%d user=%s", api.path, number, asked.command.user_id)
        self._say(asked, thread, found, number, who.name)
        return markup.fill(wording["command.retry.done"], number=number)

    def _say(self, asked: Asked, thread: Thread, pipeline: Payload, number: int, name: str) -> None:
        said = CATALOGUES[self._router.language_in(asked.command.channel)]["command.retry.said"]
        shown = markup.link(Markup(f"#{number}"), pipeline.text("web_url"))
        text = markup.fill(said, name=markup.plain(name, 64), pipeline=shown)
        # It may fail once more, and be retried then.
        key = f"retry:{thread.conversation}:{number}:{pipeline.text('updated_at')}"
        message = Message(RELAY, ":repeat:", summary=text, text=text)
        stored(self._outbox.put, lambda db: [Notification(key, thread.channel, message, thread.conversation)])


def _pipelines_of(thread: Thread | None) -> tuple[str, str]:
    """The project of a thread that has pipelines, and the name of its state; empty for another one."""
    if thread and thread.merge_request:
        return thread.merge_request[0], thread.conversation
    return (thread and thread.pipelines) or ("", "")


def _is_protected(api: PlaceApi, pipeline: Payload, ask: Ask) -> bool:
    """Whether it ran for a branch or tag that developers may not change; those of who has the role may not either.

    In case of doubt it is, as what is gone.
    """
    ref = pipeline.text("ref")
    if re.fullmatch(r"refs/merge-requests/\d+/(head|merge)", ref):
        return False
    kind = "tags" if pipeline.flag("tag") else "branches"
    try:
        found = Payload(
            ask(lambda: api.one(f"repository/{kind}/{quote(ref, safe='')}", {}, f"repository {kind}", ""))
        )
    except UnknownError:
        return True
    may = found.flag("developers_can_push") or found.flag("developers_can_merge")
    return not may and found.mapping().get("protected") is not False
