"""python -m tests.security.strangers PORT KIND NUMBER: so many who know no secret, at the relay all the time.

Each opens a connection, does what its KIND does, and comes again as soon as it is turned away. In a process of its own,
for they would keep the test from its own work.
"""

import resource
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator

TURN_SECONDS = 0.05
_PIECE = b"x" * 16 * 1024

_HEAD = b"POST /webhook/gitlab HTTP/1.1\r\nHost: x\r\n"


def _made_up() -> bytes:
    """The headers of a signature that nobody has made, now."""
    return b"webhook-id: x\r\nwebhook-signature: v1,AAAA\r\nwebhook-timestamp: %d\r\n" % time.time()


def _slowly(head: bytes) -> Iterator[bytes]:
    yield head
    while True:
        yield b"x"


def _fast(head: bytes, size: int) -> Iterator[bytes]:
    yield head
    for _ in range(size // len(_PIECE)):
        yield _PIECE


def _signed(length: int) -> bytes:
    return _HEAD + _made_up() + b"Content-Length: %d\r\n\r\n" % length


# What a stranger sends, piece by piece, one a turn; when there is no more it waits for the answer and comes again.
KINDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "made-up signatures, slow bodies of 20 MB": lambda: _slowly(_signed(20_000_000)),
    "made-up signatures, slow bodies of 100 kB": lambda: _slowly(_signed(100_000)),
    "made-up signatures, slow bodies of 50 kB": lambda: _slowly(_signed(50_000)),
    "made-up signatures, slow bodies in chunks": lambda: _slowly(
        _HEAD + _made_up() + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n%b\r\n" % (b"x" * 65536)
    ),
    "made-up signatures, fast bodies of 20 MB": lambda: _fast(_signed(20_000_000), 20_000_000),
    "made-up signatures, whole small bodies": lambda: iter((_signed(5) + b"hello",)),
    "no secret, slow bodies of 20 MB": lambda: _slowly(_HEAD + b"Content-Length: 20000000\r\n\r\n"),
    "heads that never end": lambda: _slowly(_HEAD + b"X-A: "),
    "nothing": lambda: iter(()),
    "/metrics, and gone": lambda: iter((b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",)),
}


class Stranger:
    """One of them."""

    def __init__(self, port: int, kind: str, selector: selectors.BaseSelector) -> None:
        self._port = port
        self._kind = kind
        self._selector = selector
        self._rest = b""
        self._come()

    def _come(self) -> None:
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._pieces = KINDS[self._kind]()
        self._rest = b""
        self._socket.connect_ex(("127.0.0.1", self._port))
        self._selector.register(self._socket, selectors.EVENT_READ, self)

    def turn(self) -> None:
        """Send the next piece, as far as it is taken."""
        try:
            self._rest = self._rest or next(self._pieces, b"")
            if self._rest:
                self._rest = self._rest[self._socket.send(self._rest) :]
                if self._kind.endswith("gone"):
                    self.again()
        except BlockingIOError:
            pass
        except OSError:
            self.again()

    def again(self) -> None:
        """Turned away, or answered."""
        self._selector.unregister(self._socket)
        self._socket.close()
        self._come()


def main(port: int, kind: str, number: int) -> None:
    """Until the process is ended."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    selector = selectors.DefaultSelector()
    strangers = [Stranger(port, kind, selector) for _ in range(number)]
    print("there", flush=True)
    while True:
        begun = time.monotonic()
        for stranger in strangers:
            stranger.turn()
        while (left := begun + TURN_SECONDS - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                try:
                    gone = not key.fileobj.recv(4096)  # type: ignore[union-attr]
                except BlockingIOError:
                    continue
                except OSError:
                    gone = True
                if gone:
                    key.data.again()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
