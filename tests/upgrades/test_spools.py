"""Spools of earlier commits, brought up to date under load: nothing lost, nothing announced twice, all in order."""

import socket
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
import requests

from relays.delivery.tables import OUTBOX
from relays.sources.gitlab.tables import GITLAB
from relays.sources.nextcloud.tables import NEXTCLOUD
from tests.faults.traffic import ROUTES, Documents, Events, Traffic
from tests.relays.events import issue
from tests.relays.process import PROJECT, TOKEN, Relay, wait_for
from tests.relays.sink import Sink
from tests.relays.test_nextcloud import known
from tests.relays.test_parked import numbers, parked
from tests.upgrades.releases import COLUMN, NEXT, NO_COLUMN, next_release
from tests.upgrades.spools import RELEASE_BEFORE, Content, fill_database, plant, sample, write_file
from tests.upgrades.table import Row

Enter = Callable[[Row], None]

_FEW = 40


def arrived(sink: Sink, keys: Sequence[str]) -> list[str]:
    """Which of these have arrived so far, in the order in which they have."""
    wanted = set(keys)
    return [key for key in sink.keys if key in wanted]


def settle(what: str, old: Content, sink: Sink, traffic: Traffic, enter: Enter, due: Sequence[str]) -> None:
    """Wait until all has arrived that has to, and enter the counts."""
    with suppress(AssertionError):
        wait_for(lambda: not traffic.missing() and not set(due) - set(sink.keys), 60)
    came = arrived(sink, old.known)
    enter(
        Row(
            what,
            len(old.waiting),
            old.claimed,
            len(old.unprocessed),
            len(old.parked),
            len(old.done),
            traffic.accepted,
            lost=len(set(due) - set(came)) + len(traffic.missing()),
            doubled=sum((Counter(came) - Counter(due)).values()) + traffic.doubled(),
            disordered=sum(due.index(a) > due.index(b) for a, b in pairwise(came) if {a, b} <= set(due))
            + (traffic.disordered() or 0),
        )
    )


@contextmanager
def sent_again(listener: socket.socket, keys: Sequence[str]) -> Iterator[None]:
    """Whatever the spool knows is sent once more while the block runs."""
    answers: list[int] = []
    over = Event()

    def send() -> None:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/webhook/gitlab"
        for key in keys:
            name = key.removeprefix("gitlab:")
            headers = {"X-Gitlab-Token": TOKEN, "webhook-id": name, "Connection": "close"}
            content = issue(int(name.rpartition("-")[2]))
            answers.append(requests.post(url, data=content, headers=headers, timeout=30).status_code)
        over.set()

    Thread(target=send, daemon=True).start()
    yield
    assert over.wait(30)
    assert set(answers) == {200}


def versions(relay: Relay) -> dict[str, int]:
    """What the spool says of its tables."""
    if relay.spool:
        with psycopg.connect(relay.spool) as connection:
            return dict(connection.execute("SELECT part, version FROM passerelle.schema_version").fetchall())
    with sqlite3.connect(f"file:{relay.state}/relay.db?mode=ro", uri=True) as db:
        return dict(db.execute("SELECT part, version FROM schema_version").fetchall())


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", sample("gitlab"))
def test_a_file_of_the_gitlab_relay(
    name: str, gitlab_with: Callable[[str], Relay], listener: socket.socket, sink: Sink, enter: Enter
) -> None:
    gitlab = gitlab_with(ROUTES)
    old = write_file(name, gitlab.state / "relay.db")
    assert old.waiting
    assert old.parked
    port = listener.getsockname()[1]
    with Events(port, sink) as traffic, sent_again(listener, old.known):
        gitlab.start(listener=listener)
        wait_for(lambda: traffic.accepted >= _FEW)
        # And once more, when there is nothing left to do.
        assert gitlab.terminate() == 0
        gitlab.start(listener=listener)
        wait_for(lambda: traffic.accepted >= 2 * _FEW)
    assert versions(gitlab) == {"outbox": OUTBOX.version, "gitlab": GITLAB.version}
    # What was refused waits for its operator as before, and goes out in the end.
    assert len(numbers(gitlab)) == len(old.parked)
    assert not arrived(sink, old.parked)
    settle(name, old, sink, traffic, enter, old.due)
    assert parked(gitlab, "retry", *numbers(gitlab)).returncode == 0
    wait_for(lambda: arrived(sink, old.parked) == list(old.parked))
    assert "storage fails" not in gitlab.text


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", sample("nextcloud"))
def test_a_file_of_the_nextcloud_relay(
    name: str, one_by_one: Relay, tree: Path, sink: Sink, enter: Enter
) -> None:
    """Documents that were announced, or are waiting for it, are known: only those that come are announced."""
    file = one_by_one.state / "relay.db"
    old = write_file(name, file)
    plant(file, tree)
    assert old.waiting
    documents = known(one_by_one)
    with Documents(tree, sink) as traffic:
        one_by_one.start()
        wait_for(lambda: traffic.accepted >= _FEW)
        one_by_one.terminate()
        one_by_one.start()
        wait_for(lambda: traffic.accepted >= 2 * _FEW)
    assert versions(one_by_one) == {"outbox": OUTBOX.version, "nextcloud": NEXTCLOUD.version}
    settle(name, old, sink, traffic, enter, old.due)
    assert len(sink.keys) == len(old.due) + traffic.accepted
    assert known(one_by_one) >= documents
    assert len(numbers(one_by_one)) == len(old.parked)
    assert "storage fails" not in one_by_one.text


@pytest.mark.sampled(2)
@pytest.mark.parametrize("spool", ["postgresql"], indirect=True)
@pytest.mark.parametrize("name", sample("postgresql"))
def test_a_shared_spool_whose_hosts_start_together(
    name: str,
    hosts: Callable[[int, str], list[Relay]],
    spool: str,
    listener: socket.socket,
    sink: Sink,
    enter: Enter,
) -> None:
    old = fill_database(name, spool)
    # As time goes by: the host that claimed it is gone.
    with psycopg.connect(spool) as connection:
        connection.execute("UPDATE passerelle.outbox SET lease_until = 0 WHERE claim_id IS NOT NULL")
    relays = hosts(2, ROUTES)

    def up(relay: Relay) -> bool:
        if relay.ended:  # as systemd does
            relay.start(listener=listener, wait=False)
        return relay.said("READY=1")

    with Events(listener.getsockname()[1], sink) as traffic, sent_again(listener, old.known):
        for relay in relays:
            relay.start(listener=listener, wait=False)
        for relay in relays:
            wait_for(lambda relay=relay: up(relay))  # type: ignore[misc]
        wait_for(lambda: traffic.accepted >= 2 * _FEW)
    assert versions(relays[0]) == {"outbox": OUTBOX.version, "gitlab": GITLAB.version}
    assert sum(relay.text.count("migrated part=gitlab") for relay in relays) <= 1
    settle(name, old, sink, traffic, enter, old.due)
    assert len(numbers(relays[0])) == len(old.parked)
    assert not any("storage fails" in relay.text for relay in relays)


@pytest.mark.parametrize("spool", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "step", ["from the release before", pytest.param("to the next one", marks=pytest.mark.exhaustive)]
)
def test_two_releases_on_one_spool_while_the_hosts_are_updated_one_by_one(
    step: str,
    hosts: Callable[[int, str], list[Relay]],
    spool: str,
    listener: socket.socket,
    sink: Sink,
    tmp_path: Path,
    enter: Enter,
) -> None:
    """And back: a host that returns to the older release works beside one that does not."""
    older, newer = RELEASE_BEFORE, PROJECT
    if step == "to the next one":
        older, newer = PROJECT, next_release(tmp_path / "next", COLUMN, NO_COLUMN)
    old = fill_database("postgresql-da8537e", spool)
    relays = first, second = hosts(2, ROUTES)
    for relay in relays:
        relay.code = older
        relay.start(listener=listener)
    with Events(listener.getsockname()[1], sink, pause=0.005) as traffic:
        for relay, code in [(first, newer), (second, newer), (first, older), (first, newer)]:
            before = traffic.accepted
            wait_for(lambda before=before: traffic.accepted >= before + _FEW)  # type: ignore[misc]
            assert relay.terminate() == 0
            relay.code = code
            relay.start(listener=listener)
        wait_for(lambda: traffic.accepted >= 5 * _FEW)
    settle(f"postgresql-da8537e, host by host {step}", old, sink, traffic, enter, old.due)
    assert versions(first) == {
        "outbox": OUTBOX.version,
        "gitlab": NEXT if newer is not PROJECT else GITLAB.version,
    }
    assert not any("storage fails" in relay.text for relay in relays)
