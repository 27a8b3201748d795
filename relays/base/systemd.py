"""What a service and systemd say to each other: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3)."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_FIRST_LISTENING_DESCRIPTOR = 3
_TIMEOUT_SECONDS = 1.0
_EXTENSION_SECONDS = 60

LONG_START = f"EXTEND_TIMEOUT_USEC={_EXTENSION_SECONDS * 1_000_000}"
"""Has systemd wait for READY=1 for a while from now on, however long it is meant to."""


def notify(*assignments: str) -> None:
    """Send assignments such as READY=1 to systemd. Does nothing outside a Type=notify service."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    try:
        _channel(address).send("\n".join(assignments).encode())
    except OSError:
        # A manager that is not listening is no reason to stop serving.
        _channel.cache_clear()


@cache
def _channel(address: str) -> socket.socket:
    # Kept, so that a process with no descriptor left can still say that it is well.
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    channel.settimeout(_TIMEOUT_SECONDS)
    channel.connect("\0" + address[1:] if address.startswith("@") else address)
    return channel


@contextmanager
def long_start() -> Iterator[None]:
    """Have systemd wait for READY=1 for as long as the block takes, and a while longer."""
    over = threading.Event()

    def extend() -> None:
        while True:
            notify(LONG_START)
            if over.wait(_EXTENSION_SECONDS / 3):
                return

    thread = threading.Thread(target=extend, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def watchdog_interval() -> float | None:
    """Seconds within which systemd wants to hear WATCHDOG=1, None if it does not."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdigit() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 1_000_000


def listening_sockets() -> list[socket.socket]:
    """The sockets that socket units passed to this process; a second one while a port takes another's place."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    number = int(os.environ.get("LISTEN_FDS", "0"))
    first = _FIRST_LISTENING_DESCRIPTOR
    return [socket.socket(fileno=descriptor) for descriptor in range(first, first + number)]
