"""What is no request of GitLab's, or never ends, at the GitLab relay: refused in words that get through."""

import socket
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.postgresql import also_on_postgresql
from tests.relays.events import issue
from tests.relays.process import TOKEN, Relay, stored
from tests.security.bounds import Bounds

POST = f"POST /webhook/gitlab HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: {TOKEN}\r\n".encode()
BODY = issue(1)
WHOLE = POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MOST_BYTES = 2_000_000


def again(head: bytes, piece: bytes, tail: bytes = b"") -> Iterator[bytes]:
    """A head and then a piece again and again, more than any limit."""
    yield head
    for _ in range(MOST_BYTES // len(piece)):
        yield piece
    yield tail


# What is sent, and the status of the answer; none: the connection is closed.
REFUSED: dict[str, tuple[Callable[[], Iterator[bytes]] | bytes, int]] = {
    "a head without end": (partial(again, POST, b"X-A: aaaaaaaaaa\r\n"), 431),
    "a header without end": (partial(again, POST + b"X-A: ", b"a" * 1000), 431),
    "the name of a header without end": (partial(again, POST, b"a" * 1000), 431),
    "an address without end": (partial(again, b"POST /", b"a" * 1000), 431),
    "empty lines without end": (partial(again, b"", b"\r\n" * 100), 431),
    "a head and half a megabyte at once": (POST + b"X-A: " + b"a" * 500_000 + b"\r\n\r\n", 431),
    "a chunk extension without end": (partial(again, CHUNKED + b"5;a=", b"a" * 1000), 400),
    "a chunk extension for each byte": (partial(again, CHUNKED, b"1;" + b"a" * 1000 + b"\r\nx\r\n"), 400),
    "a chunk size of zeros without end": (partial(again, CHUNKED, b"0" * 1000), 400),
    "trailers without end": (partial(again, CHUNKED + b"1\r\nx\r\n0\r\n", b"X-A: aaaaaaaaaa\r\n"), 400),
    "a chunk of more than a machine counts": (CHUNKED + b"F" * 17 + b"\r\n", 400),
    "a coding beside chunked": (
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        501,
    ),
    "a coding and then chunked": (
        POST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        501,
    ),
    "another coding": (POST + b"Transfer-Encoding: deflate\r\n\r\nhello", 501),
    "no coding by its name": (POST + b"Transfer-Encoding: identity\r\n\r\nhello", 501),
    "a coding behind chunked": (POST + b"Transfer-Encoding: chunked, gzip\r\n\r\nhello", 400),
    "a coding and a length": (CHUNKED[:-2] + b"Content-Length: 5\r\n\r\nhello", 400),
    "another protocol": (
        POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello",
        501,
    ),
    "HTTP/2 from the start": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (bytes.fromhex("16030100c8010000c40303") + b"\x01" * 189, 400),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
    "a length that is none": (POST + b"Content-Length: +5\r\n\r\nhello", 400),
    "a length of twenty digits": (POST + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
    "a length of more than is taken": (
        partial(again, POST + b"Content-Length: 30000000\r\n\r\n", b"a" * 100_000, b"a" * 28_000_000),
        413,
    ),
    "a method of no name": (b"GETGETGET / HTTP/1.1\r\n\r\n", 400),
    "binary": (bytes(range(256)) * 10, 400),
}
# What looks odd and is taken all the same.
TAKEN: dict[str, bytes] = {
    "in one piece": WHOLE,
    "in chunks of one byte": CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n",
    "in chunks with short extensions": CHUNKED
    + b"%x;a=b\r\n%b\r\n0;end\r\nX-Gitlab-Token: no\r\n\r\n" % (len(BODY), BODY),
    "chunked by another spelling": WHOLE.replace(
        b"Content-Length: %d" % len(BODY), b"Transfer-Encoding:  Chunked "
    ).replace(BODY, b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
    "and another one behind it": WHOLE + WHOLE,
    "and anything behind it": WHOLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1) + b"x" * 40_000,
}


def answer_to(relay: Relay, sent: Callable[[], Iterator[bytes]] | bytes) -> bytes:
    """All that comes back, read after all was sent or sending has failed, as a simple client does."""
    with socket.create_connection(("127.0.0.1", relay.port), timeout=10) as connection:
        try:
            for piece in [sent] if isinstance(sent, bytes) else sent():
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


@pytest.mark.sampled(9)
@also_on_postgresql
@pytest.mark.parametrize("name", REFUSED)
def test_refused(signing: Relay, bounds: Bounds, name: str) -> None:
    sent, status = REFUSED[name]
    begun = time.monotonic()
    answer = answer_to(signing, sent)
    bounds.exactly(name, "refused with", status, int(answer.split(b" ")[1]) if answer else "no answer")
    # Before the sender has to be given up.
    assert time.monotonic() - begun < 5
    assert stored(signing) == []


@also_on_postgresql
@pytest.mark.parametrize("name", TAKEN)
def test_taken(signing: Relay, bounds: Bounds, name: str) -> None:
    answer = answer_to(signing, TAKEN[name])
    bounds.exactly(f"odd and right: {name}", "taken with", 200, int(answer.split(b" ")[1]))
    assert answer.count(b"HTTP/1.1") == 1
    assert len(stored(signing)) == 1
