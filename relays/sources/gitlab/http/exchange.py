"""What a connection and those who answer its request know of each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

TEXT = "text/plain; charset=utf-8"

# In lower case, as they are handed on.
HEADERS = (
    *(
        "x-gitlab-token",
        "x-gitlab-event",
        "x-gitlab-event-uuid",
        "idempotency-key",
        "expect",
        "content-length",
        "transfer-encoding",
        "authorization",
    ),
    *("webhook-id", "webhook-timestamp", "webhook-signature"),
)


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered."""

    status: int
    body: bytes
    media_type: str = TEXT


@dataclass(slots=True)
class Request:
    """What is known of a request before its body; of its headers those that matter here (HEADERS), as Latin-1."""

    method: str
    path: str
    headers: Mapping[str, str]


class Exchange(Protocol):
    """A request and its answer, for which it calls what it was given once, at `end` or later, or earlier to refuse."""

    @property
    def trusted(self) -> bool:
        """Whether the sender has shown a secret, so that the connection is not given up for another one."""

    def feed(self, chunk: bytes) -> None:
        """The next part of the body."""

    def end(self) -> None:
        """The body is complete."""

    def may_go_on(self, resume: Callable[[], None]) -> bool:
        """Whether more of the body may come now; if not, `resume` is called when it may."""

    def is_slow(self, now: float) -> bool:
        """Whether the body comes more slowly than it has to; `now` is of the monotonic clock."""

    def expire(self) -> None:
        """The body has not come in time: answer that."""

    def leave(self) -> None:
        """The connection is over, or its answer is on its way."""


Begin = Callable[[Request, Callable[[Response], None]], Exchange]
