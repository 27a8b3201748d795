"""Others than GitLab connect, or GitLab sends what nobody expects, in the midst of honest events."""

import json
import random
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from tests.faults.ledger import Ledger, seed
from tests.faults.traffic import ROUTES, Events, more
from tests.relays.events import send
from tests.relays.hostile import TEXTS, replaced, samples
from tests.relays.process import TOKEN, Relay, wait_for
from tests.relays.sink import Sink

Making = Callable[[str], Relay]


@contextmanager
def going_on(work: Callable[[], None]) -> Iterator[None]:
    """Have something done again and again for as long as the block lasts."""
    over = threading.Event()

    def repeat() -> None:
        while not over.is_set():
            work()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join(30)


def test_connection_flood(gitlab_with: Making, listener: socket.socket, sink: Sink, ledger: Ledger) -> None:
    relay = gitlab_with(ROUTES)
    relay.start(listener=listener)

    def flood() -> None:
        with ExitStack() as opened:
            for _ in range(200):
                connection = opened.enter_context(socket.create_connection(listener.getsockname()))
                connection.setblocking(False)

    with going_on(flood), Events(listener.getsockname()[1], sink) as events:
        more(events, 600)
    assert set(events.answers) == {200}
    ledger.settle("GitLab relay: connection flood", events)


def test_slow_senders(gitlab_with: Making, listener: socket.socket, sink: Sink, ledger: Ledger) -> None:
    relay = gitlab_with(ROUTES)
    relay.start(listener=listener)
    request = (
        f"POST /webhook/gitlab HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: {TOKEN}\r\nContent-Length: 9000\r\n\r\n"
    ).encode() + b" " * 8000
    with ExitStack() as opened:
        slow = [opened.enter_context(socket.create_connection(listener.getsockname())) for _ in range(300)]
        place = 0

        def drip() -> None:
            nonlocal place
            for connection in slow:
                with suppress(OSError):  # given up by the relay, as it should be
                    connection.send(request[place : place + 1])
            place += 1
            threading.Event().wait(0.02)  # slow

        with going_on(drip), Events(listener.getsockname()[1], sink) as events:
            more(events, 600)
    assert set(events.answers) == {200}
    ledger.settle("GitLab relay: 300 slow senders", events)


def test_descriptors(gitlab_with: Making, listener: socket.socket, sink: Sink, ledger: Ledger) -> None:
    relay = gitlab_with(ROUTES)
    relay.start(listener=listener)
    resource.prlimit(relay.pid, resource.RLIMIT_NOFILE, (64, 64))
    with Events(listener.getsockname()[1], sink) as events:
        for _ in range(3):
            more(events)
            with ExitStack() as opened:
                for _ in range(200):
                    # With a first byte, for one that says nothing is not accepted at once.
                    opened.enter_context(socket.create_connection(listener.getsockname())).send(b"P")
                # Some of what comes now is turned away; what is taken goes on being delivered.
                tried = events.sent
                wait_for(lambda tried=tried: events.sent > tried + 20)  # type: ignore[misc]
        more(events)
    # Reported, with the remedy, and not each of the times a second that it is tried again.
    reported = relay.text.count("accepting fails")
    assert 1 <= reported <= 3
    assert relay.text.count("raise LimitNOFILE") == reported
    ledger.settle("GitLab relay: no descriptors left x 3", events)


def poison(chance: random.Random) -> Iterator[bytes]:
    """Bodies that no GitLab sends, or none ever should."""
    events = [payload for _, payload in samples()]
    while True:
        yield b"[" * 100_000
        yield b'{"object_kind": "push", "commits": {"a": []}, "project": 7}'
        yield b'{"object_kind": "issue", "object_attributes": "\\ud800", "project": null}'
        yield b"\xff\xfe\0" * 1000
        yield b'{"object_kind": "note", "object_attributes": {"iid": 1' + b"0" * 5000 + b"}}"
        yield b'{"object_kind": "' + b"x" * 1_000_000 + b'"}'
        yield json.dumps(replaced(chance.choice(events), iter(lambda: chance.choice(TEXTS), None))).encode()
        whole = json.dumps(chance.choice(events)).encode()
        yield whole[: chance.randrange(len(whole))]


def test_poison(gitlab_with: Making, listener: socket.socket, sink: Sink, ledger: Ledger) -> None:
    relay = gitlab_with(ROUTES)
    relay.start(listener=listener)
    bodies = poison(random.Random(seed()))

    def send_one() -> None:
        assert send(relay, next(bodies)).status_code in (200, 400)

    with going_on(send_one), Events(listener.getsockname()[1], sink) as events:
        more(events, 600)
    assert set(events.answers) == {200}
    ledger.settle("GitLab relay: poison bodies", events)
