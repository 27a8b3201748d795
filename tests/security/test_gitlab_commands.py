"""Strangers at the address of slash commands: they are refused, and hold up neither GitLab nor Mattermost."""

import contextlib
import socket
import time
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.relays import slash
from tests.relays.process import TOKEN, Relay
from tests.relays.sink import Sink
from tests.relays.slash import form
from tests.security.bounds import MOST_MEGABYTES, Bounds
from tests.security.senders import ANSWERED_SECONDS, Good

STRANGERS = 500
GUESSES = 300


@pytest.fixture
def asked(gitlab_with: Callable[[str], Relay], sink: Sink) -> Relay:
    """The GitLab relay with a slash command, started."""
    relay = gitlab_with(slash.settings(sink.url.rpartition("/hooks/")[0]))
    slash.hand_token(relay.home)
    relay.start()
    return relay


def head(length: int) -> bytes:
    return (
        f"POST /mattermost/command HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("length", [60_000, 10_000_000])
def test_bodies_that_do_not_end(asked: Relay, bounds: Bounds, length: int) -> None:
    """As many connections as there are, each with almost all of a body."""
    good = Good()
    with contextlib.ExitStack() as stack:
        for _ in range(STRANGERS):
            stranger = stack.enter_context(socket.create_connection(("127.0.0.1", asked.port), timeout=20))
            with contextlib.suppress(OSError):  # made room for another one, or had its answer
                stranger.sendall(head(length) + b"x" * min(length - 1, 60_000))
        for _ in range(20):
            good.send(asked, {"X-Gitlab-Token": TOKEN})
            begun = time.monotonic()
            assert "Passerelle" in slash.ask(asked, "status")
            good.slowest = max(good.slowest, time.monotonic() - begun)
    attack = f"{STRANGERS} commands of {length:,} bytes that do not end"
    bounds.exactly(attack, "statuses of good events", {200}, set(good.statuses))
    bounds.at_most(attack, "seconds to the slowest good answer", ANSWERED_SECONDS, good.slowest)
    bounds.at_most(attack, "peak memory in MB", MOST_MEGABYTES, asked.peak_megabytes)


def test_guessed_tokens(asked: Relay, bounds: Bounds) -> None:
    """Each is refused, and they do not fill the journal."""
    statuses = {
        slash.post(asked, urlencode(form("status", token=f"{n:026d}")).encode()).status_code
        for n in range(GUESSES)
    }
    attack = f"{GUESSES} guessed tokens of the command"
    bounds.exactly(attack, "answers", {401}, statuses)
    bounds.at_most(attack, "lines of the journal", 25, asked.text.count("refused "))
    assert "tout fonctionne" in slash.ask(asked, "status")
