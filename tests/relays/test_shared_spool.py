"""Relays that share a spool on PostgreSQL: each event once and in order, whichever of them takes and delivers it.

The relays of a test have one listening socket in common, so that it is the kernel that deals out what comes, as a load
balancer would.
"""

import os
import random
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import requests

from relays.storage.postgresql import PostgreSQL
from tests.forking import run
from tests.postgresql import PASSWORD, Cluster, cluster
from tests.relays.events import issue
from tests.relays.process import TOKEN, Relay, stored, wait_for
from tests.relays.sink import OK, Reply, Sink, keys_of
from tests.relays.test_storm import Sender, Weather, doubled

pytestmark = pytest.mark.parametrize("spool", ["postgresql"], indirect=True)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """The socket that all relays take from."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as opened:
        yield opened


@pytest.fixture
def relays_with(sink: Sink, tmp_path: Path) -> Iterator[Callable[..., list[Relay]]]:
    """Makes relays with one spool and these settings, not started yet."""
    made: list[Relay] = []

    def make(count: int, spool: str, settings: str = "") -> list[Relay]:
        for number in range(count):
            home = tmp_path / f"host{number}"
            home.mkdir()
            made.append(Relay("gitlab", home, sink.url, settings, spool))
        return made

    yield make
    for relay in made:
        relay.close()


def send(listener: socket.socket, number: int) -> int:
    """One event to whichever relay takes it; the status, 0 if there was no answer."""
    try:
        return requests.post(
            f"http://127.0.0.1:{listener.getsockname()[1]}/webhook/gitlab",
            data=issue(number),
            headers={"X-Gitlab-Token": TOKEN, "webhook-id": f"e-{number}", "Connection": "close"},
            timeout=20,
        ).status_code
    except requests.RequestException:
        return 0


@contextmanager
def sending(listener: socket.socket) -> Iterator[list[int]]:
    """One event after the other for as long as the block lasts; the answers so far."""
    answers: list[int] = []
    enough = threading.Event()

    def go_on() -> None:
        while not enough.is_set():
            answers.append(send(listener, len(answers)))

    with ThreadPoolExecutor(1) as threads:
        ended = threads.submit(go_on)
        try:
            yield answers
        finally:
            enough.set()
            ended.result()


def keys(count: int) -> list[str]:
    return [f"gitlab:e-{number}" for number in range(count)]


def claimed(spool: str) -> list[str]:
    """Who holds claims."""
    with psycopg.connect(spool) as connection:
        rows = connection.execute(
            "SELECT claim_id FROM passerelle.outbox WHERE claim_id IS NOT NULL"
        ).fetchall()
    return [str(claim).partition("/")[0] for (claim,) in rows]


def test_each_event_arrives_once_and_in_order_whoever_takes_it(
    relays_with: Callable[..., list[Relay]], spool: str, listener: socket.socket, sink: Sink
) -> None:
    relays = relays_with(2, spool)
    for relay in relays:
        relay.start(listener=listener)
    for number in range(60):
        assert send(listener, number) == send(listener, number) == 200
    wait_for(lambda: len(sink.keys) >= 60)
    for relay in relays:
        assert relay.terminate() == 0
        assert "accepted key" in relay.text
    assert sink.keys == keys(60)


@pytest.mark.exhaustive
def test_rolling_restarts_refuse_nothing_and_double_nothing(
    relays_with: Callable[..., list[Relay]], spool: str, listener: socket.socket, sink: Sink
) -> None:
    relays = relays_with(2, spool)
    for relay in relays:
        relay.start(listener=listener)
    with sending(listener) as sent:
        for relay in [*relays, *relays]:
            seen = len(sink.keys)
            wait_for(lambda seen=seen: len(sink.keys) > seen + 10)  # type: ignore[misc]
            assert relay.terminate() == 0
            relay.start(listener=listener)
    assert set(sent) == {200}
    wait_for(lambda: len(sink.keys) >= len(sent))
    assert sink.keys == keys(len(sent))


def test_what_a_dead_host_held_is_delivered_by_another(
    relays_with: Callable[..., list[Relay]], spool: str, listener: socket.socket, sink: Sink
) -> None:
    dying, other = relays_with(2, spool)
    dying.start(listener=listener)
    sink.hang()
    assert [send(listener, number) for number in range(3)] == [200] * 3
    wait_for(lambda: sink.attempts == 1)
    (instance,) = claimed(spool)
    dying.kill()
    sink.go_on()  # the post of the dead one gets through
    wait_for(lambda: len(sink.keys) == 1)
    other.start(listener=listener)
    # The lease still holds: nobody may overtake the row, and nobody else may send it.
    assert send(listener, 3) == 200
    assert claimed(spool) == [instance]
    with psycopg.connect(spool) as connection:  # its time passes
        connection.execute("UPDATE passerelle.outbox SET lease_until = 0 WHERE claim_id IS NOT NULL")
    wait_for(lambda: len(sink.keys) == 5)
    assert sink.keys == [*keys(1), *keys(4)]


@pytest.mark.exhaustive
def test_a_long_post_keeps_its_claim(
    relays_with: Callable[..., list[Relay]], spool: str, listener: socket.socket, sink: Sink
) -> None:
    relays = relays_with(2, spool)
    for relay in relays:
        relay.start(listener=listener)
    sink.hang()
    assert send(listener, 0) == 200
    wait_for(lambda: sink.attempts == 1)

    def lease() -> float:
        with psycopg.connect(spool) as connection:
            ((until,),) = connection.execute("SELECT lease_until FROM passerelle.outbox").fetchall()
        return float(until)

    first = lease()
    wait_for(lambda: lease() > first)
    sink.go_on()
    wait_for(lambda: len(sink.keys) == 1)
    assert sink.attempts == 1


def test_a_relay_that_stood_still_sends_nothing_that_is_no_longer_its_own(
    relays_with: Callable[..., list[Relay]], spool: str, listener: socket.socket, sink: Sink
) -> None:
    still, other = relays_with(2, spool)
    still.start(listener=listener)
    sink.hang()
    assert [send(listener, number) for number in range(3)] == [200] * 3
    wait_for(lambda: sink.attempts == 1)
    os.kill(still.pid, signal.SIGSTOP)
    with psycopg.connect(spool) as connection:
        connection.execute("UPDATE passerelle.outbox SET lease_until = 0 WHERE claim_id IS NOT NULL")
    sink.go_on()
    other.start(listener=listener)
    wait_for(lambda: len(sink.keys) == 4)
    os.kill(still.pid, signal.SIGCONT)
    assert send(listener, 3) == 200
    wait_for(lambda: len(sink.keys) == 5)
    assert still.terminate() == other.terminate() == 0
    # The one that was under way twice; what followed once, although the first relay would have gone on with it.
    assert sink.keys == [*keys(1), *keys(4)]


def test_a_relay_that_stops_in_its_turn_does_not_hold_up_the_others(
    relays_with: Callable[..., list[Relay]], spool: str, listener: socket.socket, sink: Sink
) -> None:
    (relay,) = relays_with(1, spool)
    relay.start(listener=listener)
    stuck = PostgreSQL(spool)
    stuck.begin()
    assert send(listener, 0) == 200
    wait_for(lambda: sink.keys == keys(1))
    with pytest.raises(stuck.errors) as caught:
        stuck.commit()
    assert stuck.roll_back(caught.value)
    stuck.begin()
    stuck.close()


@pytest.mark.exhaustive
def test_two_hosts_of_three_workers_that_are_killed_lose_nothing(
    relays_with: Callable[..., list[Relay]],
    spool: str,
    listener: socket.socket,
    sink: Sink,
) -> None:
    """A fifth of all posts fails, every event is sent twice, and doubles have to be answered for by kills."""
    events, kills = 2_000, 20
    seed = int(os.environ.get("PASSERELLE_SEED") or random.randrange(10**9))
    print(f"PASSERELLE_SEED={seed}")
    chance = random.Random(seed)
    names = [f"c{number}" for number in range(4)]
    sink.channels |= set(names)
    weather = Weather(random.Random(seed))
    sink.behave = weather.behave
    routes = "".join(f'[[routes]]\nprojects = ["{name}"]\nchannels = ["{name}"]\n' for name in names)
    relays = relays_with(6, spool, f"digest_from = 0\n{routes}")
    for relay in relays:
        relay.start(listener=listener)
    sender = Sender(listener.getsockname()[1], times=2)
    with ThreadPoolExecutor(len(names)) as threads:
        sending = [threads.submit(sender.send, name, events // len(names)) for name in names]
        for moment in sorted(chance.sample(range(int(1.7 * events)), kills)):
            wait_for(lambda moment=moment: sender.accepted + len(set(sink.keys)) >= moment, seconds=120)  # type: ignore[misc]
            relay = chance.choice(relays)
            relay.kill()
            weather.killed()
            relay.start(listener=listener)
        for each in sending:
            each.result()
        wait_for(lambda: len(set(sink.keys)) == events, seconds=120)
    for relay in relays:
        assert relay.terminate() == 0

    for name in names:
        arrived = [key for post in sink.posts if post.channel == name for key in keys_of(post.payload)]
        assert list(dict.fromkeys(arrived)) == [f"gitlab:{name}-{n}" for n in range(events // len(names))]
    again = doubled(sink)
    print(
        f"{len(sink.posts)} posts, {weather.failed} failures, {again} doubled, of them {weather.provoked} provoked"
    )
    assert sum(again.values()) <= sum(weather.provoked.values()) + kills * len(names)


def test_what_waits_in_the_file_of_a_host_moves_into_the_spool(
    relays_with: Callable[..., list[Relay]], spool: str, listener: socket.socket, sink: Sink
) -> None:
    sink.behave = lambda payload: Reply(400, b"{}") if keys_of(payload) == ["gitlab:e-0"] else OK
    (relay,) = relays_with(1, spool)
    (relay.home / "credentials" / "spool").unlink()
    relay.start(listener=listener)
    assert [send(listener, number) for number in range(2)] == [200] * 2
    wait_for(lambda: sink.keys == ["gitlab:e-1"])
    sink.behave = lambda payload: Reply(503)
    assert [send(listener, number) for number in range(2, 6)] == [200] * 4
    relay.kill()
    (relay.home / "credentials" / "spool").write_text(spool)
    relay.start(listener=listener)
    # Those that were not announced yet, too.
    assert re.search(r"rows=\d+: they are in the shared spool now", relay.text)
    assert not list(relay.state.glob("relay.db*"))
    # Those that were delivered, or are parked, are known as well.
    assert [send(listener, number) for number in range(7)] == [200] * 7
    sink.behave = lambda payload: OK
    wait_for(lambda: len(sink.keys) == 6)
    assert sink.keys == [f"gitlab:e-{number}" for number in range(1, 7)]
    assert stored(relay) == keys(7)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda spool: spool.replace(PASSWORD, "wrong"), "password authentication failed"),
        (lambda spool: f"{spool}_not_there", "does not exist"),
        (lambda spool: re.sub(":[0-9]+/", ":1/", spool), "Connection refused"),
    ],
    ids=["password", "database", "server"],
)
def test_a_spool_that_cannot_be_used_is_one_clear_line(
    relays_with: Callable[..., list[Relay]], spool: str, change: Callable[[str], str], complaint: str
) -> None:
    (relay,) = relays_with(1, change(spool))
    relay.start(wait=False)
    assert relay.wait(20) == os.EX_UNAVAILABLE
    (line,) = relay.text.splitlines()
    assert re.match(f"passerelle-gitlab: spool: PostgreSQL cannot be used .*{complaint}.*relays.spool", line)


@pytest.mark.parametrize(("encoding", "is_taken"), [("LATIN1", False), ("SQL_ASCII", True)])
def test_a_spool_that_lacks_characters_is_refused(
    relays_with: Callable[..., list[Relay]],
    listener: socket.socket,
    spool: str,
    sink: Sink,
    encoding: str,
    is_taken: bool,
) -> None:
    name = f"{encoding.lower()}_{os.urandom(8).hex()}"
    with psycopg.connect(spool, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'".encode()
        )
    (relay,) = relays_with(1, f"{spool.rpartition('/')[0]}/{name}")
    relay.start(listener=listener, wait=is_taken)
    if is_taken:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/webhook/gitlab"
        event = issue(1).decode().replace("Issue 1", "Été 😀").encode()
        assert (
            requests.post(url, data=event, headers={"X-Gitlab-Token": TOKEN}, timeout=20).status_code == 200
        )
        wait_for(lambda: "Été 😀" in "".join(post.shown for post in sink.posts))
    else:
        assert relay.wait(20) == os.EX_CONFIG
        assert f"its encoding {encoding} lacks characters: create it anew with ENCODING 'UTF8'" in relay.text


def forget(relay: Relay, *options: str) -> subprocess.CompletedProcess[str]:
    """Run what takes the tables away, with the relay's credentials."""
    return run(
        "relays.sources.gitlab.drop_tables", "--credentials", str(relay.home / "credentials"), *options
    )


def test_its_tables_can_be_taken_away_and_nothing_else(
    relays_with: Callable[..., list[Relay]], spool: str, listener: socket.socket
) -> None:
    def tables() -> set[str]:
        with psycopg.connect(spool) as connection:
            rows = connection.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'passerelle'"
            ).fetchall()
        return {name for (name,) in rows}

    (relay,) = relays_with(1, spool)
    relay.start(listener=listener)
    assert send(listener, 0) == 200
    relay.terminate()
    made = tables()
    shown = forget(relay, "--dry")
    assert {line.removeprefix("passerelle.") for line in shown.stdout.split()} == made == tables()

    with psycopg.connect(spool, autocommit=True) as connection:
        connection.execute("CREATE VIEW passerelle.theirs AS SELECT count(*) FROM passerelle.outbox")
        refused = forget(relay)
        assert (refused.returncode, tables()) == (1, {*made, "theirs"})
        assert refused.stderr == (
            "forget: cannot drop table passerelle.outbox because other objects depend on it\n"
        )
        connection.execute("DROP VIEW passerelle.theirs")
        connection.execute("CREATE TABLE passerelle.theirs (a INT)")
        assert forget(relay).returncode == 0
        assert tables() == {"theirs"}
        connection.execute("DROP TABLE passerelle.theirs")
    # Made anew, and this time it has the schema to itself.
    relay.start(listener=listener)
    relay.terminate()
    assert tables() == made
    assert forget(relay).returncode == 0
    with psycopg.connect(spool) as connection:
        assert connection.execute("SELECT to_regnamespace('passerelle')").fetchone() == (None,)
    assert (forget(relay).returncode, forget(relay, "--dry").stdout) == (0, "")


def test_tables_of_a_server_that_is_away_are_one_clear_line(
    relays_with: Callable[..., list[Relay]], spool: str
) -> None:
    (relay,) = relays_with(1, re.sub(":[0-9]+/", ":1/", spool))
    failed = forget(relay)
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert "Connection refused" in line
    assert PASSWORD not in line


class TestServer:
    """What becomes of the server is survived."""

    @pytest.fixture
    def own(self) -> Iterator[Cluster]:
        """A server that this test may stop."""
        with cluster() as running:
            yield running

    @pytest.fixture
    def relay(
        self, own: Cluster, relays_with: Callable[..., list[Relay]], spool: str, listener: socket.socket
    ) -> Relay:
        """A relay on that server, started."""
        (relay,) = relays_with(1, own.database())
        relay.start(listener=listener)
        return relay

    @pytest.mark.sampled(2)
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["restart", "crash"])
    def test_a_restart_is_waited_for(
        self, own: Cluster, relay: Relay, listener: socket.socket, sink: Sink, number: signal.Signals
    ) -> None:
        with sending(listener) as sent:
            for _ in range(2):
                seen = len(sink.keys)
                wait_for(lambda seen=seen: len(sink.keys) > seen + 20, seconds=40)  # type: ignore[misc]
                own.stop(number)
                own.start()
        assert set(sent) == {200}
        wait_for(lambda: len(sink.keys) >= len(sent), seconds=60)
        # What was under way when the server went, and whose record is lost with it, is sent again.
        assert list(dict.fromkeys(sink.keys)) == keys(len(sent))
        assert len(sink.keys) <= len(sent) + 2

    def test_an_outage_is_answered_reported_and_ended_by_itself(
        self, own: Cluster, relay: Relay, listener: socket.socket, sink: Sink
    ) -> None:
        def well() -> bool:
            port = listener.getsockname()[1]
            return requests.get(f"http://127.0.0.1:{port}/health", timeout=20).status_code == 200

        assert send(listener, 0) == 200
        wait_for(lambda: sink.keys == keys(1))
        own.stop()
        assert send(listener, 1) == 503
        assert send(listener, 2) == 503
        assert not well()
        assert relay.text.count("storage fails") == 1
        own.start()
        wait_for(lambda: send(listener, 1) == 200)
        wait_for(well)
        wait_for(lambda: len(sink.keys) == 2)
        assert sink.keys == keys(2)

    def test_a_post_whose_record_fails_is_recorded_later(
        self, own: Cluster, relay: Relay, listener: socket.socket, sink: Sink
    ) -> None:
        sink.hang()
        assert [send(listener, number) for number in range(3)] == [200] * 3
        wait_for(lambda: sink.attempts == 1)
        own.stop()
        sink.go_on()
        wait_for(lambda: len(sink.keys) == 1)
        wait_for(lambda: "storage fails" in relay.text)
        own.start()
        wait_for(lambda: len(sink.keys) == 3, seconds=40)
        assert sink.keys == keys(3)


def test_the_password_is_in_no_process_list(
    relays_with: Callable[..., list[Relay]], spool: str, listener: socket.socket
) -> None:
    (relay,) = relays_with(1, spool)
    relay.start(listener=listener)
    for name in ("cmdline", "environ"):
        assert PASSWORD.encode() not in Path(f"/proc/{relay.pid}/{name}").read_bytes()
    assert stored(relay) == []


def test_what_postgresql_cannot_hold_is_stored_all_the_same(
    relays_with: Callable[..., list[Relay]], spool: str, listener: socket.socket, sink: Sink
) -> None:
    sink.behave = lambda payload: OK if payload else Reply(400)
    (relay,) = relays_with(1, spool)
    relay.start(listener=listener)
    content = issue(0).replace(b"Issue 0", b"nul \\u0000 and \\ud800 alone")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/webhook/gitlab"
    answer = requests.post(
        url, data=content, headers={"X-Gitlab-Token": TOKEN, "webhook-id": "odd"}, timeout=20
    )
    assert answer.status_code == 200
    wait_for(lambda: sink.keys == ["gitlab:odd"])
