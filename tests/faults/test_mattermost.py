"""Mattermost is slow, comes and goes, answers nonsense, has enough."""

import random
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.ledger import Ledger, seed
from tests.faults.traffic import ROUTES, Documents, Events, more, pile_up
from tests.relays.process import Relay, wait_for
from tests.relays.sink import OK, Reply, Sink, keys_of
from tests.relays.test_nextcloud import start

GARBAGE = {
    "HTML": Reply(200, b"<html><body>Welcome</body></html>", post=False),
    "truncated": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok"),
    "endless headers": Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 100_000),
    "an endless line": Reply(raw=b"HTTP/1.1 200 " + b"O" * 1_000_000),
    "no HTTP": Reply(raw=b"\0\xff\r\n\r\n"),
    "nothing": Reply(drop=True),
    "redirect": Reply(302, b"", {"Location": "http://127.0.0.1:9/"}),
}
BUSY = {
    "429": Reply(429, b"limit exceeded\n", {"Retry-After": "1"}),
    "429 without a time": Reply(429, b"limit exceeded\n"),
    "429 with a wrong time": Reply(429, b"limit exceeded\n", {"Retry-After": "soon"}),
    "503": Reply(503, b""),
}


def failing(replies: dict[str, Reply], chance: random.Random) -> Callable[[dict[str, Any]], Reply]:
    """Each tenth message meets one of these, once."""
    met: set[str] = set()

    def behave(payload: dict[str, Any]) -> Reply:
        key = keys_of(payload)[0]
        if key in met or chance.random() > 0.1:
            return OK
        met.add(key)
        return chance.choice(list(replies.values()))

    return behave


@pytest.mark.parametrize(("name", "replies"), [("garbage", GARBAGE), ("busy", BUSY)], ids=["garbage", "busy"])
def test_answers(
    gitlab_with: Callable[[str], Relay],
    listener: socket.socket,
    sink: Sink,
    ledger: Ledger,
    name: str,
    replies: dict[str, Reply],
) -> None:
    relay = gitlab_with(ROUTES)
    relay.start(listener=listener)
    sink.behave = failing(replies, random.Random(seed()))
    with Events(listener.getsockname()[1], sink) as events:
        more(events, 600)
    assert set(events.answers) == {200}
    ledger.settle(f"GitLab relay: Mattermost {name}", events)


def test_slow(
    gitlab_with: Callable[[str], Relay], listener: socket.socket, sink: Sink, ledger: Ledger
) -> None:
    relay = gitlab_with(ROUTES)
    relay.start(listener=listener)
    wait = threading.Event()

    def behave(payload: dict[str, Any]) -> Reply:
        wait.wait(0.3)  # that is what is slow here
        return OK

    sink.behave = behave
    with Events(listener.getsockname()[1], sink) as events:
        more(events, 300)
    assert set(events.answers) == {200}
    ledger.settle("GitLab relay: Mattermost slow", events)


def test_lost_answers(
    gitlab_with: Callable[[str], Relay], listener: socket.socket, sink: Sink, ledger: Ledger
) -> None:
    """The only fault of Mattermost that doubles: it has the message, and its answer does not come."""
    relay = gitlab_with(f"digest_from = 0\n{ROUTES}")
    relay.start(listener=listener)
    chance = random.Random(seed())
    lost = []

    def behave(payload: dict[str, Any]) -> Reply:
        if chance.random() > 0.05:
            return OK
        lost.append(payload)
        return Reply(drop=True, post=True)

    sink.behave = behave
    with Events(listener.getsockname()[1], sink) as events:
        more(events, 300)
    sink.behave = lambda payload: OK
    wait_for(lambda: not events.missing())
    ledger.settle(f"GitLab relay: {len(lost)} answers of Mattermost lost", events, allowed=len(lost))


def test_flapping(
    gitlab_with: Callable[[str], Relay], listener: socket.socket, sink: Sink, ledger: Ledger
) -> None:
    relay = gitlab_with(ROUTES)
    relay.start(listener=listener)
    with Events(listener.getsockname()[1], sink) as events:
        for _ in range(8):
            more(events)
            sink.stop()
            pile_up(events, 40)
            sink.start()
        more(events)
    assert set(events.answers) == {200}
    ledger.settle("GitLab relay: Mattermost away and back x 8", events)


def test_documents(one_by_one: Relay, tree: Path, sink: Sink, ledger: Ledger) -> None:
    start(one_by_one)
    sink.behave = failing(GARBAGE | BUSY, random.Random(seed()))
    with Documents(tree, sink) as documents:
        for _ in range(4):
            more(documents)
            sink.stop()
            pile_up(documents, 20)
            sink.start()
        more(documents)
    ledger.settle("Nextcloud relay: Mattermost away, busy, garbage", documents)
