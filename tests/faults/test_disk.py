"""The disk is full, read only, or what is on it was written over."""

import random
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.disk import failing_disk, small_disk
from tests.faults.ledger import Ledger, seed
from tests.faults.traffic import CHANNELS, ROUTES, Documents, Events, more, pile_up
from tests.relays.process import Relay, wait_for
from tests.relays.sink import OK, Reply, Sink
from tests.relays.test_nextcloud import start, waiting

Making = Callable[[str], Relay]


def test_full(gitlab_with: Making, listener: socket.socket, sink: Sink, ledger: Ledger) -> None:
    relay = gitlab_with(f"digest_from = 0\n{ROUTES}")
    with small_disk(relay.state, 8) as disk:
        relay.start(listener=listener)
        with Events(listener.getsockname()[1], sink) as events:
            for turn in range(4):
                more(events)
                refused = events.answers[503]
                disk.fill()
                wait_for(lambda refused=refused: events.answers[503] > refused + 20)  # type: ignore[misc]
                if turn % 2:
                    relay.kill()
                    relay.start(listener=listener, wait=False)
                disk.make_room()
                wait_for(lambda: relay.said("READY=1") or relay.ended)
                if relay.ended:
                    relay.start(listener=listener)
            more(events)
        ledger.settle(
            "GitLab relay: disk full x 4, killed twice meanwhile", events, allowed=2 * len(CHANNELS)
        )
        relay.kill()


def test_read_only(gitlab_with: Making, listener: socket.socket, sink: Sink, ledger: Ledger) -> None:
    relay = gitlab_with(f"digest_from = 0\n{ROUTES}")
    with small_disk(relay.state, 64) as disk:
        relay.start(listener=listener)
        with Events(listener.getsockname()[1], sink) as events:
            for _ in range(2):
                more(events)
                relay.kill()
                # As a host comes up that has found errors on its disk.
                disk.mount("ro")
                relay.start(listener=listener, wait=False)
                assert relay.wait() != 0
                disk.mount("rw")
                relay.start(listener=listener)
            more(events)
        ledger.settle("GitLab relay: disk read only at a start x 2", events, allowed=2 * len(CHANNELS))
        relay.kill()


def test_error(
    gitlab_with: Making, listener: socket.socket, sink: Sink, ledger: Ledger, tmp_path: Path
) -> None:
    relay = gitlab_with(f"digest_from = 0\n{ROUTES}")
    with failing_disk(tmp_path / "image", relay.state) as disk:
        relay.start(listener=listener)
        with Events(listener.getsockname()[1], sink) as events:
            for _ in range(2):
                more(events)
                refused = events.answers[503]
                disk.fail()
                wait_for(lambda refused=refused: events.answers[503] > refused + 20)  # type: ignore[misc]
                relay.kill()
                disk.repair()
                relay.start(listener=listener)
            more(events)
        ledger.settle(
            "GitLab relay: disk fails, goes read only, is repaired x 2", events, allowed=2 * len(CHANNELS)
        )
        relay.kill()


def write_over(file: Path, at: int, chance: random.Random, length: int = 4096) -> None:
    """Random bytes over a part of a file."""
    with file.open("r+b") as opened:
        opened.seek(at)
        opened.write(chance.randbytes(length))


def header(state: Path, chance: random.Random) -> None:
    """The first page, which holds the header and the names of the tables."""
    with closing(sqlite3.connect(state / "relay.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    write_over(state / "relay.db", 0, chance)


def index(state: Path, chance: random.Random) -> None:
    """The root of an index."""
    with closing(sqlite3.connect(state / "relay.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ((root,),) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'outbox_line'")
    write_over(state / "relay.db", (root - 1) * 4096, chance)


def log(state: Path, chance: random.Random) -> None:
    """The header of the write-ahead log."""
    write_over(state / "relay.db-wal", 0, chance, 32)


DAMAGES = pytest.mark.parametrize("damage", [header, index, log])


@DAMAGES
def test_damaged(
    gitlab_with: Making,
    listener: socket.socket,
    sink: Sink,
    ledger: Ledger,
    damage: Callable[[Path, random.Random], None],
) -> None:
    relay = gitlab_with(f"digest_from = 0\n{ROUTES}")
    relay.start(listener=listener)
    with Events(listener.getsockname()[1], sink) as events:
        more(events)
        sink.behave = lambda payload: Reply(503)
        pile_up(events, 100)
        relay.kill()
        damage(relay.state, random.Random(seed()))
        sink.behave = lambda payload: OK
        relay.start(listener=listener)
        more(events)
    assert "rescued waiting=" in relay.text
    ledger.settle(f"GitLab relay: spool damaged, {damage.__name__}", events, allowed=len(CHANNELS))


def test_documents_full(one_by_one: Relay, tree: Path, sink: Sink, ledger: Ledger) -> None:
    with small_disk(one_by_one.state, 8) as disk:
        start(one_by_one)
        with Documents(tree, sink) as documents:
            for _ in range(3):
                more(documents)
                reported = one_by_one.text.count("storage fails")
                disk.fill()
                wait_for(lambda reported=reported: one_by_one.text.count("storage fails") > reported)  # type: ignore[misc]
                disk.make_room()
            more(documents)
        ledger.settle("Nextcloud relay: disk full x 3", documents)
        one_by_one.kill()


@DAMAGES
def test_documents_damaged(
    one_by_one: Relay, tree: Path, sink: Sink, ledger: Ledger, damage: Callable[[Path, random.Random], None]
) -> None:
    start(one_by_one)
    with Documents(tree, sink) as documents:
        more(documents)
        sink.behave = lambda payload: Reply(503)
        wait_for(lambda: waiting(one_by_one) > 50)
        one_by_one.kill()
        damage(one_by_one.state, random.Random(seed()))
        sink.behave = lambda payload: OK
        start(one_by_one)
        more(documents)
    assert "rescued waiting=" in one_by_one.text
    ledger.settle(f"Nextcloud relay: spool damaged, {damage.__name__}", documents, allowed=1)
