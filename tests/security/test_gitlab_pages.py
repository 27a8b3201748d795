"""The pages of the GitLab relay, which anybody may ask for, asked by thousands who leave."""

import socket
import time

import pytest

from tests.postgresql import also_on_postgresql
from tests.relays.process import TOKEN, Relay, health
from tests.security.bounds import MOST_MEGABYTES, Bounds
from tests.security.senders import ANSWERED_SECONDS, Good, elsewhere

ASKS = 8000


def ask_and_leave(port: int, page: str, number: int) -> None:
    """Ask so many times, and wait for no answer."""
    request = f"GET {page} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    for _ in range(number):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request)


@also_on_postgresql
@pytest.mark.parametrize("page", ["/metrics", "/health", "/nothing"])
def test_those_who_ask_and_leave(signing: Relay, bounds: Bounds, page: str) -> None:
    good = Good()
    with elsewhere(ask_and_leave, signing.port, page, ASKS) as asking:
        while asking.is_alive():
            good.send(signing, {"X-Gitlab-Token": TOKEN})
            time.sleep(0.02)  # the pace of a busy GitLab
        assert asking.exitcode == 0
    attack = f"{page} asked {ASKS:,} times and left"
    bounds.exactly(attack, "statuses of good events", {200}, set(good.statuses))
    bounds.at_most(attack, "seconds to the slowest good answer", ANSWERED_SECONDS, good.slowest)
    bounds.at_most(attack, "peak memory in MB", MOST_MEGABYTES, signing.peak_megabytes)


@also_on_postgresql
@pytest.mark.parametrize("page", ["/metrics", "/health"])
def test_those_who_ask_and_wait(signing: Relay, bounds: Bounds, page: str) -> None:
    """All of them are answered, some that the relay is busy; a monitor that comes afterwards gets its page."""
    request = f"GET {page} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    good = Good()
    connections = [socket.create_connection(("127.0.0.1", signing.port), timeout=20) for _ in range(400)]
    for connection in connections:
        connection.sendall(request)
    good.send(signing, {"X-Gitlab-Token": TOKEN})
    statuses = {connection.recv(1 << 20).split(b" ")[1] for connection in connections}
    for connection in connections:
        connection.close()
    attack = f"{page} asked by 400 at once"
    bounds.exactly(attack, "answers are 200 or 503", True, statuses <= {b"200", b"503"})
    bounds.exactly(attack, "statuses of good events", {200}, set(good.statuses))
    bounds.at_most(attack, "seconds to the good answer", ANSWERED_SECONDS, good.slowest)
    bounds.exactly(attack, "/health afterwards", 200, health(signing)[0])
