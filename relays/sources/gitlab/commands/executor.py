"""Has slash commands answered by threads beside the loop, in time whatever Mattermost and the store do.

What needs nothing but the store has threads of its own, so that it never waits behind what asks Mattermost. There are
so many places in either line; who finds none gets to hear that at once. What takes longer than a moment is answered
twice: at once that the answer is on its way, and then with it.
"""

import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress

from relays.base.worker import Worker
from relays.mattermost.later_answers import LaterAnswers, Server
from relays.mattermost.markup import Markup
from relays.mattermost.slash_command import SlashCommand
from relays.sources.gitlab.commands.answering import Answering
from relays.wording import CATALOGUES, Wording

log = logging.getLogger(__name__)

_MOST_WAITING = 256
_QUICK_THREADS, _SLOW_THREADS = 4, 2
_LOOK_SECONDS = 5.0
# What has waited so long is not done any more: who typed it may have turned to something else.
_STALE_SECONDS = 120.0
# Longer than the questions to Mattermost and the attempts to send an answer later take together.
_TIMEOUT_SECONDS = 300.0


Job = Callable[[], None]


class _Line(Worker):
    """A thread that does what waits in a line."""

    def __init__(self, name: str, line: "queue.Queue[Job]") -> None:
        super().__init__(name, _TIMEOUT_SECONDS)
        self._line = line
        self._stopping = threading.Event()

    def work(self) -> None:
        while not self._stopping.is_set():
            self.beat()
            try:
                job = self._line.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            try:
                job()
            except Exception as error:
                # One command is no reason to stop the relay.
                place = traceback.extract_tb(error.__traceback__)[-1]
                log.critical(
                    "failed command error=%s at=%s:%s", type(error).__name__, place.name, place.lineno
                )

    def stop(self) -> None:
        self._stopping.set()
        with suppress(queue.Full):  # then it does not sleep
            self._line.put_nowait(lambda: None)


class Executor:
    """The lines and their `workers`, which the service starts and ends."""

    def __init__(self, answering: Answering, server: Server) -> None:
        self._answering = answering
        self._server = server
        self._here = threading.local()
        self._quick: queue.Queue[Job] = queue.Queue(_MOST_WAITING)
        self._slow: queue.Queue[Job] = queue.Queue(_MOST_WAITING)
        self._later: queue.Queue[Job] = queue.Queue(_MOST_WAITING)
        lines = (("command", self._quick, _QUICK_THREADS), ("command-rights", self._slow, _SLOW_THREADS))
        self.workers: Sequence[Worker] = [
            *(_Line(f"{name}-{n}", line) for name, line, number in lines for n in range(1, number + 1)),
            _Line("command-later", self._later),
        ]

    def site_wording(self) -> Wording:
        """What is said before anybody knows who has asked."""
        return CATALOGUES[self._answering.language]

    def submit(self, command: SlashCommand) -> "Future[Markup] | None":
        """Have a command answered; None if too many wait."""
        answered: Future[Markup] = Future()
        begun = time.monotonic()

        def job() -> None:
            if time.monotonic() - begun > _STALE_SECONDS:
                answered.set_result(Markup(self.site_wording()["command.busy"]))
                return
            answered.set_result(self._answering.answer(command))
            log.info(
                "command subcommand=%s channel=%s user=%s seconds=%.3f",
                self._answering.subcommand(command).name,
                *(command.channel_id, command.user_id, time.monotonic() - begun),
            )

        line = self._slow if self._answering.subcommand(command).asks_mattermost else self._quick
        return answered if self._put(line, job) else None

    def send_later(self, command: SlashCommand, text: Markup) -> None:
        """Send an answer that comes after the answer to the request."""

        def job() -> None:
            if why := self._answers().send(command, text):
                log.warning("lost answer to command user=%s reason=%s", command.user_id, why)

        if not self._put(self._later, job):
            log.warning("lost answer to command user=%s reason=too many wait", command.user_id)

    def _answers(self) -> LaterAnswers:
        found: LaterAnswers | None = getattr(self._here, "answers", None)
        if found is None:
            found = self._here.answers = LaterAnswers(self._server)
        return found

    @staticmethod
    def _put(line: "queue.Queue[Job]", job: Job) -> bool:
        try:
            line.put_nowait(job)
        except queue.Full:
            return False
        return True
