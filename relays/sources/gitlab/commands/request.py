"""A slash command on its way in: read, judged, answered in time."""

import asyncio
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relays.mattermost import markup, slash_command
from relays.mattermost.markup import Markup
from relays.mattermost.slash_command import NotACommandError, SlashCommand, read_command, token_of
from relays.sources.gitlab.commands.executor import Executor
from relays.sources.gitlab.commands.small_body import SmallBodyRequest
from relays.sources.gitlab.http.exchange import Request, Response
from relays.sources.gitlab.http.refusals import Refusals

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


class CommandRequest(SmallBodyRequest):
    """The exchange of one command."""

    what = "command"

    def __init__(
        self, reception: CommandReception, request: Request, finish: Callable[[Response], None]
    ) -> None:
        # What the form bears decides; this is but for the place in the queue.
        token = request.headers.get("authorization", "").removeprefix(_SCHEME)
        super().__init__(reception.refusals, finish, trusted=reception.knows(token))
        self._reception = reception
        self._is_late = False

    def take(self, body: bytes) -> None:
        token = token_of(body)
        # Before all of it is read: that takes the loop, which GitLab needs, many times as long.
        if token and not self._reception.knows(token):
            self.refuse(
                401, "wrong command token", "token: it is not that of the slash command; run the deploy again"
            )
            return
        try:
            command = read_command(body) if token else None
        except NotACommandError:
            command = None
        if command is None:
            self.refuse(400, "not a command", "text: the body is not that of a slash command")
        elif command.team != self._reception.team:
            self.refuse(
                403,
                "foreign team",
                f"team: the command comes from {command.team[:64]!r}; run the deploy again",
            )
        else:
            self._execute(command)

    def _execute(self, command: SlashCommand) -> None:
        answered = self._reception.executor.submit(command)
        late = asyncio.get_running_loop().call_later(_ANSWER_SECONDS, self._say_late, command)

        def settle() -> None:
            late.cancel()
            if self._is_late:
                self._reception.executor.send_later(command, answered.result())
            else:
                self._answer(answered.result())

        self.settle_when_done(answered, settle)

    def _say_late(self, command: SlashCommand) -> None:
        self._is_late = True
        wording = self._reception.executor.site_wording()
        self._answer(markup.fill(wording["command.later"], word=markup.code(command.word, 64)))

    def _answer(self, text: Markup) -> None:
        self._finish(Response(200, slash_command.answer(text), slash_command.MEDIA_TYPE))
