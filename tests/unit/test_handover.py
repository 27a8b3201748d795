"""A press handed over by a socket: what comes of it, and of whatever else comes there."""

import json
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relays.mattermost import handover
from relays.mattermost.handover import (
    MOST_BYTES,
    Handled,
    Handover,
    HandoverServer,
    NoAnswerError,
    NobodyThereError,
    hand_over,
    listen,
)

PRESS = Handover("document:1", "post1", "alice", "alice")
TAKEN = Handled("taken", "alice", 1.5)
Serve = Callable[[Callable[[Handover], Handled]], None]


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="passerelle-") as folder:
        yield Path(folder) / "presses.sock"


@pytest.fixture
def serve(path: Path) -> Iterator[Serve]:
    """Has presses handled like this."""
    servers: list[HandoverServer] = []

    def start(handle: Callable[[Handover], Handled]) -> None:
        servers.append(HandoverServer(listen(path), handle))
        servers[-1].start()

    yield start
    for server in servers:
        server.stop()
        server.join(10)
        assert not server.is_alive()


def test_what_is_handed_over_is_answered(path: Path, serve: Serve) -> None:
    """Over a socket that the group may use and nobody else, in the place of one that a kill has left."""
    socket.socket(socket.AF_UNIX).bind(str(path))
    seen: list[Handover] = []
    serve(lambda press: seen.append(press) or TAKEN)  # type: ignore[func-returns-value]
    assert path.stat().st_mode & 0o777 == 0o660
    assert hand_over(path, PRESS) == TAKEN
    assert seen == [PRESS]


NOWHERE: dict[str, Callable[[Path], object]] = {
    "No such file or directory": lambda path: None,
    "Connection refused": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
    "Not a directory": lambda path: path.parent.rmdir() or path.parent.touch(),  # type: ignore[func-returns-value]
}


@pytest.mark.parametrize("reason", NOWHERE)
def test_where_nobody_listens_nothing_is_done(reason: str) -> None:
    """And the reason is known, which may be a right that is missing."""
    with tempfile.TemporaryDirectory(prefix="passerelle-") as folder:
        path = Path(folder) / "run" / "presses.sock"
        path.parent.mkdir()
        NOWHERE[reason](path)
        with pytest.raises(NobodyThereError, match=reason):
            hand_over(path, PRESS)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\n",
        b"[]\n",
        b"{}\n",
        b'{"outcome": "done", "name": "", "at": 0}\n',
        b"\xff\n",
        b"x" * 3 * MOST_BYTES,
    ],
)
def test_an_answer_that_is_none_says_nothing_of_what_was_done(path: Path, said: bytes) -> None:
    """A relay that is killed after it has stored the press among them."""
    with listen(path) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(MOST_BYTES)
                try:
                    connection.sendall(said)
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(NoAnswerError):
            hand_over(path, PRESS)


def test_one_that_does_not_answer_is_not_waited_for_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(handover, "_LINE_SECONDS", 0.2)
    with listen(path), pytest.raises(NoAnswerError):
        hand_over(path, PRESS)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\n",
        b"null\n",
        b"7\n",
        b"[1]\n",
        b"{}\n",
        b'{"conversation": "a"}\n',
        json.dumps({**PRESS.__dict__, "more": 1}).encode() + b"\n",
        b"\xff\xfe\n",
        b"[" * 2 * MOST_BYTES,
        b'{"conversation": "a"',
    ],
)
def test_what_is_no_press_is_not_answered_and_keeps_nobody_up(path: Path, serve: Serve, said: bytes) -> None:
    """Also if its end never comes: for a moment alone."""
    seen: list[Handover] = []
    serve(lambda press: seen.append(press) or TAKEN)  # type: ignore[func-returns-value]
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(10)
        stranger.connect(str(path))
        stranger.sendall(said)
        begun = time.monotonic()
        assert hand_over(path, PRESS) == TAKEN
        assert time.monotonic() - begun < handover.ANSWER_SECONDS
        try:
            assert stranger.recv(1) == b""
        except ConnectionResetError:  # it has sent more than was read
            assert len(said) > MOST_BYTES
    assert seen == [PRESS]
