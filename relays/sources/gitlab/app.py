"""What the GitLab relay answers: it takes events, answers once they are stored, and does nothing else.

    POST /webhook/gitlab    200 stored; 401 only for a wrong or missing secret or signature;
                            403 signed too long ago; 400 not a text; 408 too slow; 413 too large; 503 could not be
                            stored, or no memory for so large a body now
    POST /mattermost/command
                            200 whatever is answered to a slash command; 401 for a wrong token, 403 for another team;
                            400 no command; 408 too slow; 413 too large. 404 where the site has no commands
    POST /mattermost/action 200 whatever is answered to the press of a button, refusals included; 400 no press; 408,
                            413 and 404 as for commands
    GET  /health            200, or 503 if notifications are not taken or not delivered
    GET  /metrics           figures for Prometheus (relays.delivery.metrics)

Both pages are 503 to those for whom too many wait already.

GitLab does not send an event again whatever the answer, gives up after ten seconds, and counts everything but 2xx
as a failure of the hook. So Mattermost is never waited for, nor is an event processed before the answer: what it
is, and whether it is announced, is found afterwards (relays.sources.gitlab.event_processor).
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST

from relays.sources.gitlab.commands.press import PressReception, PressRequest
from relays.sources.gitlab.commands.request import CommandReception, CommandRequest
from relays.sources.gitlab.commands.settings import ACTION_PATH, COMMAND_PATH
from relays.sources.gitlab.http.exchange import Exchange, Request, Response
from relays.sources.gitlab.http.pages import Finish, SharedPage, Visit
from relays.sources.gitlab.webhook_request import Reception, WebhookRequest
from relays.storage.engine import StorageError

_WRONG_METHOD = Response(405, b"wrong method\n")
_UNKNOWN = Response(404, b"not found\n")


class App:
    """The pages.

    `counters` counts what became of deliveries; `health` says whether the relay is well, and its figures; `standing`
    brings more of them, such as how many deliveries wait. `commands` and `presses` are where slash commands and
    presses of buttons are taken in, if they are.
    """

    def __init__(
        self,
        reception: Reception,
        counters: Counter[str],
        health: Callable[[], tuple[bool, dict[str, object]]],
        standing: Mapping[str, Callable[[], int]],
        commands: CommandReception | None = None,
        presses: PressReception | None = None,
    ) -> None:
        self._reception = reception
        self._counters = counters
        self._health_of = health
        self._standing = standing
        self._commands = commands
        self._presses = presses
        self._pages = {"/health": SharedPage(self._health), "/metrics": SharedPage(self._exposition)}

    def begin(self, request: Request, finish: Finish) -> Exchange:
        """The exchange that a request begins."""
        if request.path == "/webhook/gitlab":
            if request.method == "POST":
                return WebhookRequest(self._reception, request, finish)
            return Visit(_WRONG_METHOD, finish)
        if request.path == COMMAND_PATH and self._commands:
            if request.method == "POST":
                return CommandRequest(self._commands, request, finish)
            return Visit(_WRONG_METHOD, finish)
        if request.path == ACTION_PATH and self._presses:
            if request.method == "POST":
                return PressRequest(self._presses, finish)
            return Visit(_WRONG_METHOD, finish)
        page = self._pages.get(request.path)
        if page is None:
            return Visit(_UNKNOWN, finish)
        return Visit(page if request.method in ("GET", "HEAD") else _WRONG_METHOD, finish)

    def _health(self) -> Response:
        # Before the rest: what is processed in between is counted as a delivery and as a notification, not as neither.
        try:
            standing = {name: value() for name, value in self._standing.items()}
        except StorageError:
            standing = None
        well, figures = self._health_of()
        body = json.dumps({**figures, **(standing or {}), "events": dict(self._counters)})
        return Response(200 if well and standing is not None else 503, body.encode(), "application/json")

    def _exposition(self) -> Response:
        return Response(200, self._reception.metrics.exposition(), CONTENT_TYPE_LATEST)
