"""The process dies, is ended, stands still."""

import os
import random
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from tests.faults.ledger import Ledger, seed
from tests.faults.traffic import CHANNELS, ROUTES, Documents, Events, more
from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink
from tests.relays.test_nextcloud import start

KILLS = 20
Making = Callable[[str], Relay]


def test_sigkill(gitlab_with: Making, listener: socket.socket, sink: Sink, ledger: Ledger) -> None:
    chance = random.Random(seed())
    relay = gitlab_with(f"digest_from = 0\n{ROUTES}")
    relay.start(listener=listener)
    with Events(listener.getsockname()[1], sink) as events:
        for _ in range(KILLS):
            more(events, chance.randrange(5, 60))
            relay.kill()
            relay.start(listener=listener)
        more(events)
    # Each channel has one post under way at most.
    ledger.settle(f"GitLab relay: SIGKILL x {KILLS}", events, allowed=KILLS * len(CHANNELS))


def test_sigterm(gitlab_with: Making, listener: socket.socket, sink: Sink, ledger: Ledger) -> None:
    chance = random.Random(seed())
    relay = gitlab_with(f"digest_from = 0\n{ROUTES}")
    relay.start(listener=listener)
    with Events(listener.getsockname()[1], sink) as events:
        for _ in range(KILLS):
            more(events, chance.randrange(5, 60))
            assert relay.terminate() == 0
            relay.start(listener=listener)
        more(events)
    assert set(events.answers) == {200}
    ledger.settle(f"GitLab relay: SIGTERM x {KILLS}", events)


def test_standstill(gitlab_with: Making, listener: socket.socket, sink: Sink, ledger: Ledger) -> None:
    relay = gitlab_with(f"digest_from = 0\n{ROUTES}")
    relay.start(listener=listener)
    with Events(listener.getsockname()[1], sink) as events:
        for _ in range(10):
            more(events)
            os.kill(relay.pid, signal.SIGSTOP)
            wait_for(lambda: Path(f"/proc/{relay.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
            waiting = events.sent
            wait_for(lambda waiting=waiting: events.sent == waiting or events.sent >= waiting + len(CHANNELS))  # type: ignore[misc]
            os.kill(relay.pid, signal.SIGCONT)
        more(events)
    ledger.settle("GitLab relay: SIGSTOP and SIGCONT x 10", events)


def test_documents_sigkill(one_by_one: Relay, tree: Path, sink: Sink, ledger: Ledger) -> None:
    chance = random.Random(seed())
    start(one_by_one)
    with Documents(tree, sink) as documents:
        for _ in range(KILLS):
            more(documents, chance.randrange(5, 60))
            one_by_one.kill()
            one_by_one.start(wait=chance.random() < 0.7)
        more(documents)
    ledger.settle(f"Nextcloud relay: SIGKILL x {KILLS}", documents, allowed=KILLS)
