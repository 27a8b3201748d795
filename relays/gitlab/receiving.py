"""One delivery on its way in: read, judged, stored, answered."""

import codecs
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from relays.gitlab.authenticity import Authenticity
from relays.gitlab.delivery_key import delivery_key, header_event
from relays.gitlab.exchange import Answer, Request
from relays.gitlab.gathering import Gathering
from relays.gitlab.received import Delivery
from relays.gitlab.refusals import Refusals
from relays.gitlab.room import SMALL_BYTES, Room
from relays.metrics import Metrics

# A body for which room is set aside while nobody knows whose it is comes at this rate at least, in bytes a second. From
# a GitLab on the same host or network, the largest one is there before this is asked for.
LEAST_RATE = 1024 * 1024
_GRACE_SECONDS = 2.0
_PIECE = 64 * 1024


@dataclass(frozen=True)
class Reception:
    """How deliveries are received."""

    gathering: Gathering
    authenticity: Authenticity
    max_body_bytes: int
    metrics: Metrics
    refusals: Refusals
    room: Room = field(default_factory=Room)


class Receiving:
    """The exchange of one delivery (relays.gitlab.exchange); a guest of the room for bodies (relays.gitlab.room)."""

    __slots__ = (
        *(
            "_begun",
            "_body",
            "_examination",
            "_finish",
            "_headers",
            "_inside_since",
            "_is_inside",
            "_is_kept",
        ),
        *("_key", "_may_be_small", "_reception", "_resume", "_size", "length", "trusted"),
    )

    def __init__(self, reception: Reception, request: Request, finish: Callable[[Answer], None]) -> None:
        self._begun = time.perf_counter()
        self._reception = reception
        self._headers = request.headers
        self._finish = finish
        self._examination = reception.authenticity.examine(request.headers)
        self.trusted = self._examination.trusted
        self._body = bytearray()
        self._size = 0
        said = request.headers.get("content-length")
        # What is not said may be as much as is taken at all.
        self.length = int(said) if said else reception.max_body_bytes
        self._may_be_small = not said
        # A stranger's body is read, so that the answer gets through, but not kept.
        self._is_kept = self._examination.promising and self.length <= reception.max_body_bytes
        self._resume: Callable[[], None] | None = None
        self._is_inside = False
        self._inside_since = 0.0

    def feed(self, chunk: bytes) -> None:
        self._examination.feed(chunk)
        self._size += len(chunk)
        if self._is_kept and self._size > self._reception.max_body_bytes:
            self._is_kept = False
            self._give_back()
        if self._is_kept:
            self._body += chunk

    def may_go_on(self, resume: Callable[[], None]) -> bool:
        if self._is_inside or not self._is_kept:
            return True
        if (self._size if self._may_be_small else self.length) <= SMALL_BYTES:
            return True
        if self._resume is None:
            self._resume = resume
            if self._reception.room.ask(self):
                self._enter()
        return self._is_inside

    def come_in(self) -> None:
        self._enter()
        if self._resume is not None:
            self._resume()

    def give_way(self) -> None:
        self._is_inside = False
        self._busy()

    def is_slow(self, now: float) -> bool:
        seconds = now - self._inside_since - _GRACE_SECONDS
        return self._is_inside and not self.trusted and self._size < LEAST_RATE * seconds

    def expire(self) -> None:
        if self._resume is not None and not self._is_inside:
            self._busy()
        else:
            self._refuse(
                408, "too slow", f"time: the body comes too slowly; {self._size} bytes of it have come"
            )

    def end(self) -> None:
        refusal = self._examination.refusal()
        if refusal is not None:
            self._refuse(refusal.status, refusal.outcome, refusal.reason)
        elif self._size > self._reception.max_body_bytes:
            limit = self._reception.max_body_bytes
            self._refuse(413, "too large", f"size: the body is larger than max_body_bytes = {limit}")
        else:
            # A right signature proves as much as a right token.
            self.trusted = True
            self._store()

    def leave(self) -> None:
        self._give_back()
        self._resume = None

    def _enter(self) -> None:
        self._is_inside = True
        self._inside_since = time.monotonic()

    def _give_back(self) -> None:
        if self._resume is not None:
            self._reception.room.leave(self)
        self._is_inside = False
        # Who holds whom here is found by the garbage collector only, and a body may be large.
        self._body = bytearray()

    def _store(self) -> None:
        if not _is_text(self._body):
            self._refuse(400, "not a text", "text: the body is not a text")
            return
        self._key = delivery_key(self._headers, self._body)
        event = header_event(self._headers)
        self._reception.gathering.add(Delivery(self._key, self._body, event), self._stored)

    def _stored(self, stored: bool) -> None:
        if stored:
            self._reception.metrics.accepting.observe(time.perf_counter() - self._begun)
            self._finish(_ACCEPTED)
        else:
            self._refuse(503, "not stored", f"storage: {self._key} could not be stored")

    def _busy(self) -> None:
        self._refuse(503, "busy", f"memory: other bodies have what one of {self.length} bytes would need")

    def _refuse(self, status: int, outcome: str, reason: str) -> None:
        self._reception.refusals.add(outcome, reason)
        self._finish(Answer(status, f"{outcome}\n".encode()))


def _is_text(body: bytearray) -> bool:
    """Whether a body is UTF-8 without a NUL, found piece by piece: as a text it may take four times the memory."""
    if 0 in body:
        return False
    try:
        if len(body) <= _PIECE:
            body.decode()
            return True
        decoder = codecs.getincrementaldecoder("utf-8")()
        for at in range(0, len(body), _PIECE):
            decoder.decode(body[at : at + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


_ACCEPTED = Answer(200, b"accepted\n")
