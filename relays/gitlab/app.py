"""What the GitLab relay answers: it takes events, answers once they are stored, and does nothing else.

    POST /webhook/gitlab    200 stored; 401 only for a wrong or missing secret or signature;
                            403 signed too long ago; 400 not a text; 408 too slow; 413 too large; 503 could not be
                            stored
    GET  /health            200, or 503 if notifications are not taken or not delivered
    GET  /metrics           figures for Prometheus (relays.metrics)

GitLab does not send an event again whatever the answer, gives up after ten seconds, and counts everything but 2xx
as a failure of the hook. So Mattermost is never waited for, nor is an event looked into before the answer: what it
is, and whether it is told, is found afterwards (relays.gitlab.teller).
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST

from relays.engine import StorageError
from relays.gitlab.connection import Answer, Exchange, Request
from relays.gitlab.receiving import Receiving, Reception

Finish = Callable[[Answer], None]

_WRONG_METHOD = Answer(405, b"wrong method\n")
_UNKNOWN = Answer(404, b"not found\n")


@dataclass(frozen=True)
class App:
    """The pages. `health` tells whether the relay is well, and its figures; `untold` how many deliveries wait."""

    reception: Reception
    health: Callable[[], tuple[bool, dict[str, object]]]
    untold: Callable[[], int]

    def begin(self, request: Request, finish: Finish) -> Exchange:
        """The exchange that a request begins."""
        if request.path == "/webhook/gitlab":
            if request.method == "POST":
                return Receiving(self.reception, request, finish)
            return _Page(lambda: _WRONG_METHOD, finish)
        pages = {"/health": self._health, "/metrics": self._exposition}
        if request.path not in pages:
            return _Page(lambda: _UNKNOWN, finish)
        return _Page(
            pages[request.path] if request.method in ("GET", "HEAD") else lambda: _WRONG_METHOD, finish
        )

    def _health(self) -> Answer:
        # Before the rest: what is told in between is counted as a delivery and as a notification, and not as neither.
        try:
            untold = {"untold": self.untold()}
        except StorageError:
            untold = {}
        well, figures = self.health()
        body = json.dumps({**figures, **untold, "events": dict(self.reception.counters)})
        return Answer(200 if well and untold else 503, body.encode(), "application/json")

    def _exposition(self) -> Answer:
        return Answer(200, self.reception.metrics.exposition(), CONTENT_TYPE_LATEST)


class _Page:
    """An answer that has nothing to do with the body; made beside the loop, for the store may take a while."""

    def __init__(self, make: Callable[[], Answer], finish: Finish) -> None:
        self._make = make
        self._finish = finish

    def feed(self, chunk: bytes) -> None:
        pass

    def end(self) -> None:
        made = asyncio.get_running_loop().run_in_executor(None, self._make)
        made.add_done_callback(lambda done: self._finish(done.result()))

    def may_go_on(self, resume: Callable[[], None]) -> bool:
        return True

    def leave(self) -> None:
        pass
