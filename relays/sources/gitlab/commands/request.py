"""A slash command on its way in: read, judged, answered in time."""

import asyncio
import hmac
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

from relays.mattermost import markup, slash_command
from relays.mattermost.markup import Markup
from relays.mattermost.slash_command import NotACommandError, SlashCommand, read_command, token_of
from relays.sources.gitlab.commands.executor import Executor
from relays.sources.gitlab.http.exchange import Request, Response
from relays.sources.gitlab.http.memory_budget import SMALL_BYTES
from relays.sources.gitlab.http.refusals import Refusals

# Of strangers as well as of Mattermost: what needs no room set aside for it. Nobody types a command that long.
MOST_BYTES = SMALL_BYTES
# Mattermost waits half a minute; people wait less.
_ANSWER_SECONDS = 0.7
_SCHEME = "Token "


@dataclass(frozen=True)
class CommandReception:
    """Where commands are taken in: those of one team, which bear one of these tokens."""

    tokens: Sequence[str]
    team: str
    executor: Executor
    refusals: Refusals

    def knows(self, token: str) -> bool:
        """Whether a token is one of a command of ours."""
        # All are compared, so that the time taken does not show which one it was.
        given = token.encode("utf-8", "replace")
        equal = [hmac.compare_digest(given, each.encode()) for each in self.tokens]
        return any(equal)


class CommandRequest:
    """The exchange of one command (http.exchange)."""

    __slots__ = ("_body", "_finish", "_is_late", "_reception", "_size", "trusted")

    def __init__(
        self, reception: CommandReception, request: Request, finish: Callable[[Response], None]
    ) -> None:
        self._reception = reception
        self._finish = finish
        self._body = bytearray()
        self._size = 0
        self._is_late = False
        # What the form bears decides; this is but for the place in the queue.
        self.trusted = reception.knows(request.headers.get("authorization", "").removeprefix(_SCHEME))

    def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        # What is too large is read, so that the answer gets through, but not kept.
        if self._size <= MOST_BYTES:
            self._body += chunk

    def may_go_on(self, resume: Callable[[], None]) -> bool:
        return True

    def is_slow(self, now: float) -> bool:
        return False

    def expire(self) -> None:
        self._refuse(408, "too slow", f"time: the body comes too slowly; {self._size} bytes of it have come")

    def leave(self) -> None:
        self._body = bytearray()

    def end(self) -> None:
        if self._size > MOST_BYTES:
            self._refuse(413, "too large", f"size: the body of a command is larger than {MOST_BYTES} bytes")
            return
        body = bytes(self._body)
        token = token_of(body)
        # Before all of it is read: that takes the loop, which GitLab needs, many times as long.
        if token and not self._reception.knows(token):
            self._refuse(
                401, "wrong command token", "token: it is not that of the slash command; run the deploy again"
            )
            return
        try:
            command = read_command(body) if token else None
        except NotACommandError:
            command = None
        if command is None:
            self._refuse(400, "not a command", "text: the body is not that of a slash command")
        elif command.team != self._reception.team:
            self._refuse(
                403,
                "foreign team",
                f"team: the command comes from {command.team[:64]!r}; run the deploy again",
            )
        else:
            self._execute(command)

    def _execute(self, command: SlashCommand) -> None:
        loop = asyncio.get_running_loop()
        answered = self._reception.executor.submit(command)
        late = loop.call_later(_ANSWER_SECONDS, self._say_late, command)

        def settle() -> None:
            late.cancel()
            if self._is_late:
                self._reception.executor.send_later(command, answered.result())
            else:
                self._answer(answered.result())

        def settle_in_the_loop(done: "Future[Markup]") -> None:
            with suppress(RuntimeError):  # the loop has ended, and with it who waited for the answer
                loop.call_soon_threadsafe(settle)

        answered.add_done_callback(settle_in_the_loop)

    def _say_late(self, command: SlashCommand) -> None:
        self._is_late = True
        wording = self._reception.executor.site_wording()
        self._answer(markup.fill(wording["command.later"], word=markup.code(command.word, 64)))

    def _answer(self, text: Markup) -> None:
        self._finish(Response(200, slash_command.answer(text), slash_command.MEDIA_TYPE))

    def _refuse(self, status: int, outcome: str, reason: str) -> None:
        self._reception.refusals.add(outcome, reason)
        self._finish(Response(status, f"{outcome}\n".encode()))
