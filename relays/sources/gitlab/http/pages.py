"""Pages that anybody may ask for, at a cost that does not grow with how many ask."""

import asyncio
import logging
from collections.abc import Callable

from relays.sources.gitlab.http.exchange import Response

log = logging.getLogger(__name__)

# Those who wait for one page at the same time; a monitor or two ask for it.
_MOST_WAITING = 64

_BUSY = Response(503, b"busy\n")
_FAILED = Response(500, b"failed\n")
_TOO_SLOW = Response(408, b"too slow\n")

Finish = Callable[[Response], None]


class SharedPage:
    """A page that is made by `make` whenever it is asked for, beside the loop, for the store may take a while.

    It is made once at a time. Who asks meanwhile gets the next one, together with all others who do, so that nobody
    reads what was found before the question.
    """

    def __init__(self, make: Callable[[], Response]) -> None:
        self._make = make
        self._served: list[Finish] = []
        self._next: list[Finish] = []

    def ask(self, finish: Finish) -> None:
        """Have the page brought to `finish`; at once, and another answer, if too many wait for it."""
        if len(self._served) + len(self._next) >= _MOST_WAITING:
            finish(_BUSY)
            return
        self._next.append(finish)
        if not self._served:
            self._begin()

    def _begin(self) -> None:
        self._served, self._next = self._next, []
        made = asyncio.get_running_loop().run_in_executor(None, self._make)
        made.add_done_callback(self._bring)

    def _bring(self, made: "asyncio.Future[Response]") -> None:
        error = made.exception()
        if error is not None:
            log.critical("failed page error=%s", type(error).__name__)
        served, self._served = self._served, []
        for finish in served:
            finish(_FAILED if error is not None else made.result())
        if self._next:
            self._begin()


class Visit:
    """The exchange of somebody who asks for a page, or for what is always the same answer."""

    trusted = False

    def __init__(self, page: SharedPage | Response, finish: Finish) -> None:
        self._page = page
        self._finish = finish

    def feed(self, chunk: bytes) -> None:
        pass

    def end(self) -> None:
        if isinstance(self._page, Response):
            self._finish(self._page)
        else:
            self._page.ask(self._finish)

    def may_go_on(self, resume: Callable[[], None]) -> bool:
        return True

    def is_slow(self, now: float) -> bool:
        return False

    def expire(self) -> None:
        self._finish(_TOO_SLOW)

    def leave(self) -> None:
        pass
