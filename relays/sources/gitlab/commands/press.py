"""The press of a button on its way in: known again by its signature, and answered in time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from relays.mattermost import buttons
from relays.mattermost.buttons import NotAPressError, Press, Signer, read_press
from relays.mattermost.markup import Markup
from relays.mattermost.slash_command import MEDIA_TYPE
from relays.sources.gitlab.commands.executor import Executor
from relays.sources.gitlab.commands.small_body import SmallBodyRequest
from relays.sources.gitlab.http.exchange import Response
from relays.sources.gitlab.http.refusals import Refusals

# Mattermost waits half a minute, and there is no address for an answer that comes later.
_ANSWER_SECONDS = 20.0


@dataclass(frozen=True)
class PressReception:
    """Where presses are taken in: those of buttons that this relay has signed."""

    signer: Signer
    executor: Executor
    refusals: Refusals


class PressRequest(SmallBodyRequest):
    """The exchange of one press. Whatever it comes to is a 200, for Mattermost shows nothing else to people."""

    what = "press of a button"

    def __init__(self, reception: PressReception, finish: Callable[[Response], None]) -> None:
        super().__init__(reception.refusals, finish, trusted=False)
        self._reception = reception

    def take(self, body: bytes) -> None:
        try:
            press = read_press(body)
        except NotAPressError:
            self.refuse(
                400, "not a press", "text: the body is not that of the press of one of the relay's buttons"
            )
            return
        if self._reception.signer.knows(press):
            self._execute(press)
            return
        self._reception.refusals.add(
            "unknown button",
            "signature: the button is of another channel, or was signed before a rotation, or altered",
        )
        # Mattermost is asked nothing for those who may be strangers.
        self._answer(Markup(self._reception.executor.known_wording(press.user_id)["button.unknown"]))

    def _execute(self, press: Press) -> None:
        answered = self._reception.executor.submit_press(press, is_over=self._reception.signer.is_over(press))
        late = asyncio.get_running_loop().call_later(_ANSWER_SECONDS, self._say_late, press)

        def settle() -> None:
            late.cancel()
            self._answer(answered.result())

        self.settle_when_done(answered, settle)

    def _say_late(self, press: Press) -> None:
        self._answer(Markup(self._reception.executor.known_wording(press.user_id)["button.late"]))

    def _answer(self, text: Markup) -> None:
        self._finish(Response(200, buttons.answer(text), MEDIA_TYPE))
