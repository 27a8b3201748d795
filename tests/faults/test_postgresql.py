"""The server of a shared spool restarts, crashes, is followed by its standby; relays on two hosts are killed."""

import random
import signal
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.faults.ledger import Ledger, seed
from tests.faults.traffic import CHANNELS, ROUTES, Events, more
from tests.postgresql import Cluster, cluster
from tests.relays.process import Relay, wait_for
from tests.relays.sink import DROPPED_AFTER_POSTING, OK, Reply, Sink
from tests.relays.test_shared_spool import relays_with
from tests.relays.test_storm import FAILURES, Weather

__all__ = ["relays_with"]

Making = Callable[..., list[Relay]]
SETTINGS = f"digest_from = 0\n{ROUTES}"


@pytest.fixture
def own() -> Iterator[Cluster]:
    """A server that this test may stop."""
    with cluster() as running:
        yield running


@pytest.mark.parametrize(
    ("number", "what"), [(signal.SIGINT, "restart"), (signal.SIGQUIT, "crash")], ids=["restart", "crash"]
)
def test_server(
    relays_with: Making,
    own: Cluster,
    listener: socket.socket,
    sink: Sink,
    ledger: Ledger,
    number: signal.Signals,
    what: str,
) -> None:
    times = 5
    relays = relays_with(2, own.database(), SETTINGS)
    for relay in relays:
        relay.start(listener=listener)
    with Events(listener.getsockname()[1], sink) as events:
        for _ in range(times):
            more(events)
            own.stop(number)
            own.start()
        more(events)
    # What was under way in a channel, and whose record was lost with the server, is sent again.
    ledger.settle(f"Shared spool: PostgreSQL {what} x {times}", events, allowed=times * len(CHANNELS))


def test_failover(
    relays_with: Making, own: Cluster, listener: socket.socket, sink: Sink, ledger: Ledger
) -> None:
    """The server dies for good, and the standby, which has all that was committed, is promoted."""
    with own.standby() as standby:
        spool = own.database()
        both = spool.replace(f":{own.port}/", f":{own.port},127.0.0.1:{standby.port}/")
        relays = relays_with(2, both, SETTINGS)
        for relay in relays:
            relay.start(listener=listener)
        with Events(listener.getsockname()[1], sink) as events:
            more(events, 100)
            own.stop(signal.SIGKILL)
            standby.promote()
            more(events, 100)
        ledger.settle("Shared spool: failover to the standby", events, allowed=len(CHANNELS))
        for relay in relays:
            assert relay.terminate() == 0


@pytest.mark.parametrize(
    ("what", "failures"),
    [
        ("a fifth of the posts fails", [each for each in FAILURES if each is not DROPPED_AFTER_POSTING]),
        ("a fifth of the posts fails or is taken without an answer", FAILURES),
    ],
    ids=["fail", "fail or stay unanswered"],
)
def test_two_hosts_of_three_workers(
    relays_with: Making,
    own: Cluster,
    listener: socket.socket,
    sink: Sink,
    ledger: Ledger,
    what: str,
    failures: list[Reply],
) -> None:
    """Every event is sent twice, and one message may be doubled for each kill and each answer that is lost."""
    kills = 20
    chance = random.Random(seed())
    weather = Weather(random.Random(chance.random()), failures)
    sink.behave = weather.behave
    relays = relays_with(6, own.database(), SETTINGS)
    for relay in relays:
        relay.start(listener=listener)
    with Events(listener.getsockname()[1], sink, times=2) as events:
        for _ in range(kills):
            more(events, chance.randrange(10, 60))
            relay = chance.choice(relays)
            relay.kill()
            weather.killed()
            relay.start(listener=listener)
        more(events)
    sink.behave = lambda payload: OK
    wait_for(lambda: not events.missing(), 60)
    ledger.settle(
        f"Shared spool: 2 hosts x 3 workers, SIGKILL x {kills}, {what}",
        events,
        # The sink drops answers after it has posted: the relay cannot know, and that is no kill.
        allowed=kills + weather.provoked.total(),
    )
