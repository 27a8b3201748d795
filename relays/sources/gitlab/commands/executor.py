"""Has slash commands answered by threads beside the loop, in time whatever Mattermost and the store do.

What needs nothing but the store has threads of its own, so that it never waits behind what asks Mattermost, nor that
behind what changes something in GitLab, nor that behind what reads many projects there, which takes longest. There are
so many places in each line, and a few for one person; who finds none gets to hear that at once. What takes longer than
a moment is answered twice: at once that the answer is on its way, and then with it.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial

from relays.base.worker import Worker
from relays.mattermost import markup
from relays.mattermost.buttons import Press
from relays.mattermost.later_answers import LaterAnswers, Server
from relays.mattermost.markup import Markup
from relays.mattermost.slash_command import SlashCommand
from relays.sources.gitlab.commands.answering import Answering
from relays.sources.gitlab.commands.buttons import WORDS
from relays.sources.gitlab.commands.line import MOST_OF_ONE, Job, Line, Refusal
from relays.wording import CATALOGUES, Wording

log = logging.getLogger(__name__)

_QUICK_THREADS, _SLOW_THREADS, _SLOWEST_THREADS = 4, 2, 2
# One, so that what was read in GitLab is still so when it is changed.
_ACTING_THREADS = 1
# What has waited so long is not done any more: who typed it may have turned to something else.
_STALE_SECONDS = 120.0
# Of what changes something elsewhere: who has pressed is answered sooner than anything could come of it.
_STALE_ACT_SECONDS = 10.0
_LOST = {"full": "too many wait", "own": "too many of this person's wait", "ending": "the relay ends"}


class Executor:
    """The lines and their `workers`, which the service starts and ends."""

    def __init__(self, answering: Answering, server: Server) -> None:
        self._answering = answering
        self._server = server
        self._here = threading.local()
        self._quick = Line("command", _QUICK_THREADS)
        self._slow = Line("command-rights", _SLOW_THREADS)
        self._acting = Line("command-acting", _ACTING_THREADS)
        self._slowest = Line("command-gitlab", _SLOWEST_THREADS)
        self._later = Line("command-later", 1)
        # Later answers end last: those who wait hear that nothing more is done.
        self.workers: Sequence[Worker] = [
            each
            for line in (self._quick, self._slow, self._acting, self._slowest, self._later)
            for each in line.workers
        ]

    def site_wording(self) -> Wording:
        """What is said before anybody knows who has asked."""
        return CATALOGUES[self._answering.language]

    def known_wording(self, user_id: str) -> Wording:
        """What is said to somebody without asking who they are."""
        return CATALOGUES[self._answering.known_language(user_id)]

    def submit(self, command: SlashCommand) -> "Future[Markup]":
        """Have a command answered; where there is no place for it, the answer is that."""
        subcommand = self._answering.subcommand(command)
        line = self._slow if subcommand.asks_mattermost else self._quick
        if subcommand.asks_gitlab:
            line = self._slowest
        elif subcommand.acts_in_gitlab:
            line = self._acting
        return self._submit(line, command, subcommand.name, lambda: self._answering.answer(command))

    def submit_press(self, press: Press, *, is_over: bool) -> "Future[Markup]":
        """Have the press of a button answered, which `is_over` or still counts; as `submit`."""
        command = press.command(WORDS.get(press.word, ()))
        answer = partial(self._answering.answer_press, command, press.conversation, is_over=is_over)
        line = self._acting if self._answering.subcommand(command).acts_in_gitlab else self._slow
        return self._submit(line, command, f"button {press.word}", answer)

    def _submit(
        self, line: Line, command: SlashCommand, name: str, answer: Callable[[], Markup]
    ) -> "Future[Markup]":
        answered: Future[Markup] = Future()
        begun, stale = time.monotonic(), _STALE_ACT_SECONDS if line is self._acting else _STALE_SECONDS

        def do() -> None:
            if time.monotonic() - begun > stale:
                answered.set_result(self._refusal("full"))
                return
            answered.set_result(answer())
            log.info(
                "command subcommand=%s channel=%s user=%s seconds=%.3f",
                *(name, command.channel_id, command.user_id, time.monotonic() - begun),
            )

        def lose() -> None:
            log.warning("lost command subcommand=%s user=%s reason=the relay ends", name, command.user_id)
            answered.set_result(self._refusal("ending"))

        if refusal := line.put(Job(command.user_id, do, lose)):
            answered.set_result(self._refusal(refusal))
        return answered

    def send_later(self, command: SlashCommand, text: Markup) -> None:
        """Send an answer that comes after the answer to the request."""

        def do() -> None:
            if why := self._answers().send(command, text):
                lose(why)

        def lose(why: str = _LOST["ending"]) -> None:
            log.warning("lost answer to command user=%s reason=%s", command.user_id, why)

        if refusal := self._later.put(Job(command.user_id, do, lose)):
            lose(_LOST[refusal])

    def _refusal(self, refusal: Refusal) -> Markup:
        return markup.fill(self.site_wording()[f"command.busy.{refusal}"], count=MOST_OF_ONE)

    def _answers(self) -> LaterAnswers:
        found: LaterAnswers | None = getattr(self._here, "answers", None)
        if found is None:
            found = self._here.answers = LaterAnswers(self._server)
        return found
