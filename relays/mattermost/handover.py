"""A press that one relay takes in and another one answers, handed over by a socket on the host of both.

Mattermost reaches the GitLab relay alone. That one has found the button to be signed, and has asked Mattermost who has
pressed it; the other one takes its word for that, for nobody else gets to the socket: it is open to the group that
the two services share (files/systemd). So the other relay needs no port.

A line of JSON each way is all of a connection.
"""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from relays.base.worker import Worker
from relays.mattermost import bot_posts

Outcome = Literal["taken", "again", "other", "gone", "removed", "failing", "uncertain"]
"""taken by this press, before by the same person, or by another one; no post of that conversation; no such document
any more; not done, for nothing can be stored; begun, and nobody knows yet."""

MOST_BYTES = 4096
_ACCESS = 0o660
# What waits for an answer is answered by then, whatever the store does.
ANSWER_SECONDS = 6.0
# Of both sides: the longest that a line may take.
_LINE_SECONDS = 2.0
# As long may a stop have to wait for it.
_LOOK_SECONDS = 0.25
_TIMEOUT_SECONDS = 60.0
_WAITING = 64


class NobodyThereError(Exception):
    """Nobody takes anything in there, and why; nothing was done."""


class NoAnswerError(Exception):
    """It was handed over, and nobody knows what has come of it."""


@dataclass(frozen=True)
class Handover:
    """Somebody takes what this post is about; of this conversation, or of whichever begins with it if that is empty."""

    conversation: str
    post_id: str
    user_id: str
    name: str


@dataclass(frozen=True)
class Handled:
    """What has come of it; if somebody has it, what they are called and since when (seconds since the epoch)."""

    outcome: Outcome
    name: str = ""
    at: float = 0.0


def hand_over(path: Path, handover: Handover) -> Handled:
    """What the relay at this socket answers. NobodyThereError, NoAnswerError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_LINE_SECONDS)
        try:
            connection.connect(str(path))
        except OSError as error:
            raise NobodyThereError(error.strerror or "no answer in time") from None
        try:
            connection.sendall(_line(handover))
            said = _read(connection, ANSWER_SECONDS + _LINE_SECONDS)
        except OSError:
            raise NoAnswerError from None
    found = bot_posts.parse(said)
    if not isinstance(found, dict) or found.get("outcome") not in get_args(Outcome):
        raise NoAnswerError
    return Handled(found["outcome"], str(found["name"]), float(found["at"]))


def listen(path: Path) -> socket.socket:
    """A socket at this path, in the place of one that a former process has left. OSError."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(_ACCESS)
        listener.listen(_WAITING)
    except OSError:
        listener.close()
        raise
    return listener


class HandoverServer(Worker):
    """Has what is handed over at `listener` handled, one after the other."""

    def __init__(self, listener: socket.socket, handle: Callable[[Handover], Handled]) -> None:
        super().__init__("handover", _TIMEOUT_SECONDS)
        self._listener = listener
        self._answer = handle
        self._stopping = threading.Event()

    def work(self) -> None:
        self._listener.settimeout(_LOOK_SECONDS)
        with self._listener:
            while not self._stopping.is_set():
                self.beat()
                try:
                    connection, _ = self._listener.accept()
                except TimeoutError:
                    continue
                except OSError:  # no descriptor left, for a moment
                    self._stopping.wait(_LOOK_SECONDS)
                    continue
                with connection, suppress(OSError):
                    self._serve(connection)

    def stop(self) -> None:
        self._stopping.set()

    def _serve(self, connection: socket.socket) -> None:
        found = bot_posts.parse(_read(connection, _LINE_SECONDS))
        try:
            handover = Handover(**{name: str(value) for name, value in dict(found).items()})
        except (TypeError, ValueError):
            return
        connection.sendall(_line(self._answer(handover)))


def _line(said: Handover | Handled) -> bytes:
    return json.dumps(asdict(said)).encode() + b"\n"


def _read(connection: socket.socket, seconds: float) -> bytes:
    """What comes until the end of a line, or of what it may hold. OSError if that takes longer."""
    until, said = time.monotonic() + seconds, b""
    while not said.endswith(b"\n") and len(said) < MOST_BYTES:
        connection.settimeout(max(0.001, until - time.monotonic()))
        if not (more := connection.recv(MOST_BYTES - len(said))):
            break
        said += more
    return said
