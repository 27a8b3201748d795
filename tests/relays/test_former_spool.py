"""A relay that is given another spool: what waits in the one before comes along, whatever kills it on the way."""

import re
import socket
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.postgresql import PASSWORD, Cluster
from tests.relays.events import issue
from tests.relays.process import Relay, health, stored, undelivered, wait_for
from tests.relays.sink import OK, Reply, Sink, keys_of
from tests.relays.test_shared_spool import forget, keys, listener, relays_with, send

__all__ = ["listener", "relays_with"]

Make = Callable[..., list[Relay]]


@pytest.fixture
def former(server: Cluster) -> str:
    """The address of the database that is left."""
    return server.database()


def credential(relay: Relay) -> Path:
    return relay.home / "credentials" / "spool"


def rows(address: str) -> int:
    """What is left in a database."""
    with psycopg.connect(address) as connection:
        found = connection.execute(
            "SELECT (SELECT count(*) FROM passerelle.outbox) + (SELECT count(*) FROM passerelle.received)"
        ).fetchone()
    return int(found[0]) if found else 0


@pytest.fixture(params=["another database", "the file of the host"])
def following(request: pytest.FixtureRequest, server: Cluster) -> str:
    """The first line of the credential after the change."""
    return server.database() if request.param == "another database" else "file"


def filled(relay: Relay, listener: socket.socket, sink: Sink) -> None:
    """One that was delivered, one that is parked, and some that wait: e-0 to e-5."""
    sink.behave = lambda payload: Reply(400, b"{}") if keys_of(payload) == ["gitlab:e-0"] else OK
    relay.start(listener=listener)
    assert [send(listener, number) for number in range(2)] == [200] * 2
    wait_for(lambda: sink.keys == ["gitlab:e-1"])
    wait_for(lambda: health(relay)[1]["parked"] == 1)
    sink.behave = lambda payload: Reply(503)
    assert [send(listener, number) for number in range(2, 6)] == [200] * 4


@pytest.mark.sampled(2)
@pytest.mark.parametrize("end", [Relay.kill, pytest.param(Relay.terminate, marks=pytest.mark.exhaustive)])
def test_what_waits_comes_along_in_its_order(
    relays_with: Make,
    former: str,
    following: str,
    listener: socket.socket,
    sink: Sink,
    end: Callable[[Relay], object],
) -> None:
    (relay,) = relays_with(1, former)
    filled(relay, listener, sink)
    end(relay)
    credential(relay).write_text(f"{following}\n{former}\n")
    relay.spool = None if following == "file" else following
    relay.start(listener=listener)
    assert re.search(r"moved from=spool rows=\d+", relay.text)
    assert rows(former) == 0
    # Those that were delivered, or are parked, are known as well.
    assert [send(listener, number) for number in range(8)] == [200] * 8
    sink.behave = lambda payload: OK
    wait_for(lambda: undelivered(relay) == 0)
    assert sink.keys == [f"gitlab:e-{number}" for number in range(1, 8)]
    assert sorted(stored(relay)) == keys(8)
    assert health(relay)[1]["parked"] == 1
    # The tables can go, and once they have, a start makes no new ones.
    assert forget(relay, "--former").returncode == 0
    relay.terminate()
    relay.start(listener=listener)
    with psycopg.connect(former) as connection:
        assert connection.execute("SELECT to_regnamespace('passerelle')").fetchone() == (None,)


def test_what_another_relay_delivers_stays_with_it(
    relays_with: Make, former: str, server: Cluster, listener: socket.socket, sink: Sink
) -> None:
    """Its channel too, or what is behind would overtake; other channels come along."""
    first, second = relays_with(2, former)
    sink.hang()
    second.start(listener=listener)
    assert [send(listener, number) for number in range(3)] == [200] * 3
    wait_for(lambda: sink.attempts == 1)
    following = server.database()
    credential(first).write_text(f"{following}\n{former}\n")
    first.spool = following
    first.start(listener=listener)
    assert rows(former) == 3
    assert forget(first, "--former").returncode == 75
    assert "3 still wait in the former database" in forget(first, "--former").stderr
    sink.go_on()
    wait_for(lambda: undelivered(second) == 0)
    second.terminate()
    first.terminate()
    first.start(listener=listener)
    assert rows(former) == 0
    assert forget(first, "--former").returncode == 0
    assert sink.keys == [f"gitlab:e-{number}" for number in range(3)]


def test_a_former_database_that_is_away_stops_nobody(
    relays_with: Make, former: str, server: Cluster, listener: socket.socket, sink: Sink
) -> None:
    (relay,) = relays_with(1, server.database())
    away = re.sub(":[0-9]+/", ":1/", former)
    address = credential(relay).read_text().strip()
    credential(relay).write_text(f"{address}\n{away}\n")
    relay.start(listener=listener)
    assert "former spool: spool: PostgreSQL cannot be used" in relay.text
    assert PASSWORD not in relay.text
    assert send(listener, 0) == 200
    wait_for(lambda: sink.keys == ["gitlab:e-0"])


_SLOW = """
CREATE FUNCTION passerelle.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN OLD; END'
"""


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "table", ["told_delivery", pytest.param("outbox", marks=pytest.mark.exhaustive), "received"]
)
def test_a_kill_on_the_way_loses_nothing_and_doubles_nothing(
    relays_with: Make, former: str, server: Cluster, listener: socket.socket, sink: Sink, table: str
) -> None:
    """Between the two commits a lot is in both databases."""
    (relay,) = relays_with(1, former)
    filled(relay, listener, sink)
    if table == "received":
        # Stored and not processed, as at a kill right after the answer.
        wait_for(lambda: health(relay)[1]["pending"] == 0)
        relay.terminate()
        with psycopg.connect(former) as old:
            old.execute(
                "INSERT INTO passerelle.received (delivery_key, body) VALUES ('gitlab:e-6', %s)",
                (issue(6).decode(),),
            )
    else:
        relay.terminate()
    credential(relay).write_text(f"{server.database()}\n{former}\n")
    with psycopg.connect(former, autocommit=True) as old:
        old.execute(_SLOW)
        where = f"BEFORE DELETE ON passerelle.{table} FOR EACH ROW"
        old.execute(f"CREATE TRIGGER slow {where} EXECUTE FUNCTION passerelle.slow()".encode())
        relay.start(listener=listener, wait=False)
        sleeping = (
            "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        )
        wait_for(lambda: old.execute(sleeping).fetchone())
        relay.kill()
        old.execute(f"SELECT pg_terminate_backend(pid) FROM ({sleeping}) AS sleeping".encode())  # noqa: S608
        wait_for(lambda: not old.execute(sleeping).fetchone())
        old.execute("DROP FUNCTION passerelle.slow CASCADE")
    relay.start(listener=listener)
    assert rows(former) == 0
    sink.behave = lambda payload: OK
    wait_for(lambda: undelivered(relay) == 0)
    last = 6 if table == "received" else 5
    assert sink.keys == [f"gitlab:e-{number}" for number in range(1, last + 1)]
