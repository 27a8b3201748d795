"""One delivery on its way in: read, judged, stored, answered."""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from relays.gitlab.authenticity import Authenticity
from relays.gitlab.connection import Answer, Request
from relays.gitlab.delivery_key import delivery_key, header_event
from relays.gitlab.gathering import Gathering
from relays.gitlab.received import Delivery
from relays.metrics import Metrics

log = logging.getLogger(__name__)

# The body of a request that shows a signature and no right token is kept until its end, when the signature can be
# judged. This many at once, or strangers could fill the memory; those whose token is right do not wait behind them.
_UNPROVEN_BODIES = 4


class Slots:
    """A number of places, for which those who come later wait in a line."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._line: deque[Callable[[], None]] = deque()

    def take(self, go_on: Callable[[], None]) -> bool:
        """Take a place if one is free; otherwise `go_on` is called with a place later on."""
        if self._free:
            self._free -= 1
            return True
        self._line.append(go_on)
        return False

    def give_back(self) -> None:
        """Leave a place to the next in the line."""
        if self._line:
            self._line.popleft()()
        else:
            self._free += 1

    def forget(self, go_on: Callable[[], None]) -> None:
        """Somebody who waits does not wait any more."""
        self._line.remove(go_on)


@dataclass(frozen=True)
class Reception:
    """How deliveries are received; `counters` counts the outcomes."""

    gathering: Gathering
    authenticity: Authenticity
    max_body_bytes: int
    metrics: Metrics
    counters: Counter[str]
    unproven: Slots = field(default_factory=lambda: Slots(_UNPROVEN_BODIES))


class Receiving:
    """The exchange of one delivery (relays.gitlab.connection)."""

    def __init__(self, reception: Reception, request: Request, finish: Callable[[Answer], None]) -> None:
        self._begun = time.perf_counter()
        self._reception = reception
        self._headers = request.headers
        self._finish = finish
        self._examination = reception.authenticity.examine(request.headers)
        self._body = bytearray()
        self._size = 0
        self._waits = self._has_place = False

    def feed(self, chunk: bytes) -> None:
        # A stranger's body is read, so that the answer gets through, but not kept.
        self._examination.feed(chunk)
        self._size += len(chunk)
        if self._size > self._reception.max_body_bytes:
            self._body.clear()
        elif self._examination.promising:
            self._body += chunk

    def may_go_on(self, resume: Callable[[], None]) -> bool:
        if self._examination.trusted or not self._examination.promising or self._has_place:
            return True
        if self._waits:
            return False

        def go_on() -> None:
            self._has_place, self._waits = True, False
            resume()

        self._go_on = go_on
        self._has_place = self._reception.unproven.take(go_on)
        self._waits = not self._has_place
        return self._has_place

    def end(self) -> None:
        refusal = self._examination.refusal()
        if refusal is not None:
            log.warning("refused reason=%s", refusal.reason)
            self._refuse(refusal.status, refusal.outcome)
        elif self._size > self._reception.max_body_bytes:
            limit = self._reception.max_body_bytes
            log.warning("refused reason=size: the body is larger than max_body_bytes = %d", limit)
            self._refuse(413, "too large")
        else:
            self._store()

    def leave(self) -> None:
        if self._waits:
            self._reception.unproven.forget(self._go_on)
        elif self._has_place:
            self._reception.unproven.give_back()
        self._waits = self._has_place = False
        # Who holds whom here is found by the garbage collector only, and a body may be large.
        self._body = bytearray()

    def _store(self) -> None:
        try:
            body = self._body.decode()
        except UnicodeDecodeError:
            body = "\0"
        if "\0" in body:
            log.warning("refused reason=text: the body is not a text")
            self._refuse(400, "not a text")
            return
        self._key = delivery_key(self._headers, self._body)
        event = header_event(self._headers)
        self._reception.gathering.add(Delivery(self._key, body, event), self._stored)

    def _stored(self, stored: bool) -> None:
        if stored:
            self._reception.metrics.accepting.observe(time.perf_counter() - self._begun)
            self._finish(_ACCEPTED)
        else:
            log.error("refused key=%s reason=storage", self._key)
            self._refuse(503, "not stored")

    def _refuse(self, status: int, outcome: str) -> None:
        self._reception.counters[outcome] += 1
        self._reception.metrics.refused.labels(outcome.replace(" ", "_")).inc()
        self._finish(Answer(status, f"{outcome}\n".encode()))


_ACCEPTED = Answer(200, b"accepted\n")
