"""A spool file that something has written over: the relay goes up, with all that can be read, and says so."""

import os
import random
import re
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.relays.events import issue, send
from tests.relays.process import Relay, pending, stored, undelivered, wait_for
from tests.relays.sink import OK, Reply, Sink, keys_of
from tests.relays.test_nextcloud import start, upload, waiting

PAGE = 4096
Damage = Callable[[Path], object]


def write_over(at: int, length: int, name: str = "relay.db") -> Damage:
    """Random bytes over a part of a file."""

    def damage(state: Path) -> None:
        file = state / name
        with file.open("r+b") as opened:
            opened.seek(at)
            opened.write(random.Random(7).randbytes(length))

    return damage


def page_of(text: bytes) -> Damage:
    """Random bytes over the page that holds a text."""

    def damage(state: Path) -> None:
        at = (state / "relay.db").read_bytes().index(text)
        write_over(at // PAGE * PAGE, PAGE)(state)

    return damage


def keys(first: int, end: int) -> list[str]:
    return [f"gitlab:e-{number}" for number in range(first, end)]


def fill(relay: Relay, sink: Sink, count: int, looked_into: bool = True) -> None:
    """Have the relay accept events: two are delivered, one is parked, the rest waits. It is killed then.

    Unless `looked_into`, the kill finds the last ones as GitLab sent them.
    """
    sink.behave = lambda payload: Reply(400) if keys_of(payload) == ["gitlab:e-1"] else OK
    relay.start()
    for number in range(3):
        assert send(relay, issue(number), {"webhook-id": f"e-{number}"}).status_code == 200
    wait_for(lambda: sink.keys == [*keys(0, 1), *keys(2, 3)])
    sink.behave = lambda payload: Reply(503)
    for number in range(3, count):
        assert send(relay, issue(number), {"webhook-id": f"e-{number}"}).status_code == 200
    if looked_into:
        wait_for(lambda: pending(relay) == 0)
    relay.kill()


def checkpoint(state: Path) -> None:
    """Have all that is stored in the file itself, and none of it in the log."""
    with sqlite3.connect(state / "relay.db") as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def reported(sink: Sink) -> list[str]:
    """What people read of the rescue."""
    return [post.shown for post in sink.posts if "endommagé" in post.shown]


def truncate(to: float) -> Damage:
    """Cut the file off at this share of it."""
    return lambda state: os.truncate(state / "relay.db", int((state / "relay.db").stat().st_size * to))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("logged", "damage", "least"),
    [
        pytest.param(False, write_over(0, 100), 60, id="header", marks=pytest.mark.exhaustive),
        pytest.param(False, write_over(0, PAGE), 60, id="first page"),
        pytest.param(False, write_over(16, 4), 60, id="page size", marks=pytest.mark.exhaustive),
        pytest.param(False, write_over(PAGE, PAGE), 60, id="second page", marks=pytest.mark.exhaustive),
        pytest.param(False, page_of(b"Issue 50"), 45, id="page of messages"),
        pytest.param(False, truncate(0.85), 1, id="truncated"),
        pytest.param(False, truncate(0), 0, id="empty", marks=pytest.mark.exhaustive),
        pytest.param(False, write_over(0, 10_000_000), 0, id="garbage", marks=pytest.mark.exhaustive),
        pytest.param(
            True, write_over(0, 32, "relay.db-wal"), 60, id="header of the log", marks=pytest.mark.exhaustive
        ),
        pytest.param(
            True,
            write_over(32 + 20 * (24 + PAGE), 24, "relay.db-wal"),
            60,
            id="header in the log",
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(
            True, write_over(32 + 20 * (24 + PAGE) + 24, PAGE, "relay.db-wal"), 60, id="page in the log"
        ),
    ],
)
def test_what_can_be_read_is_delivered_in_order(
    gitlab_with: Callable[[str], Relay], sink: Sink, damage: Damage, logged: bool, least: int
) -> None:
    gitlab = gitlab_with("digest_from = 0\n")
    fill(gitlab, sink, 60)
    if not logged:
        checkpoint(gitlab.state)
    damage(gitlab.state)
    before = {
        path.name: path.read_bytes() for path in gitlab.state.glob("relay.db*") if "shm" not in path.name
    }
    sink.behave = lambda payload: OK
    gitlab.start()
    assert not least or gitlab.said("EXTEND_TIMEOUT_USEC=60000000")
    (line,) = re.findall("rescued waiting=.*", gitlab.text)
    waiting, parked, delivered = map(int, re.findall(r"=(\d+)", line)[:3])
    wait_for(lambda: reported(sink))
    (text,) = reported(sink)
    assert f"{waiting} notification(s)" in text
    (kept,) = (path for path in gitlab.state.glob("relay.db.damaged-*") if not path.name.endswith("-wal"))
    assert str(kept) in text
    assert str(kept) in line
    assert kept.read_bytes() == before["relay.db"]
    if logged:
        assert kept.with_name(f"{kept.name}-wal").read_bytes() == before["relay.db-wal"]
    arrived = [key for key in sink.keys if not key.startswith("rescue:")]
    assert len(arrived) == 2 + waiting
    assert arrived == sorted(set(arrived), key=lambda key: int(key.rpartition("-")[2]))
    assert waiting + parked + delivered >= least
    # What was brought over goes on refusing duplicates, and a parked message stays parked.
    known = stored(gitlab)
    for key in known:
        if key.startswith("gitlab:"):
            number = int(key.rpartition("-")[2])
            assert send(gitlab, issue(number), {"webhook-id": f"e-{number}"}).status_code == 200
    wait_for(lambda: pending(gitlab) == 0)
    assert stored(gitlab) == known
    assert send(gitlab, issue(99), {"webhook-id": "e-99"}).text == "accepted\n"
    assert gitlab.terminate() == 0
    gitlab.start()
    assert gitlab.text.count("rescued waiting=") == 1
    assert len(reported(sink)) == 1


def test_what_was_not_processed_yet_is_rescued_as_well(gitlab: Relay, sink: Sink) -> None:
    fill(gitlab, sink, 60, looked_into=False)
    checkpoint(gitlab.state)
    write_over(0, PAGE)(gitlab.state)
    sink.behave = lambda payload: OK
    gitlab.start()
    wait_for(lambda: len(set(sink.keys) & set(keys(0, 60))) == 59)
    assert "rescued waiting=57 parked=1 delivered=2" in gitlab.text


def test_damage_that_is_met_later_ends_the_process_and_the_next_start_mends_it(
    gitlab: Relay, sink: Sink
) -> None:
    gitlab.start()
    for number in range(3):
        assert send(gitlab, issue(number), {"webhook-id": f"e-{number}"}).status_code == 200
    wait_for(lambda: len(sink.keys) == 3 and undelivered(gitlab) == 0)
    os.kill(gitlab.pid, signal.SIGSTOP)
    with sqlite3.connect(gitlab.state / "relay.db") as db:
        # What another connection has changed is read from the disk again.
        db.execute("UPDATE outbox SET attempts = attempts + 1")
    db.close()
    checkpoint(gitlab.state)
    write_over(PAGE, PAGE)(gitlab.state)
    os.kill(gitlab.pid, signal.SIGCONT)
    # Whether it is stored before the damage is met depends on which page is looked at first.
    send(gitlab, issue(3), {"webhook-id": "e-3"})
    assert gitlab.wait() == os.EX_IOERR
    assert "the spool is damaged: starting again" in gitlab.text
    gitlab.start()
    wait_for(lambda: reported(sink))
    assert send(gitlab, issue(3), {"webhook-id": "e-3"}).status_code == 200
    wait_for(lambda: undelivered(gitlab) == 0)
    assert sink.keys.count("gitlab:e-3") == 1


@pytest.mark.parametrize(
    "change",
    [
        "message = x'ff7b7d'",
        pytest.param("message = '{\"text\": '", marks=pytest.mark.exhaustive),
        pytest.param("message = '[]'", marks=pytest.mark.exhaustive),
        pytest.param("message = CAST(x'7bff7d' AS TEXT)", marks=pytest.mark.exhaustive),
    ],
)
def test_a_message_that_nobody_can_read_holds_nobody_up(gitlab: Relay, sink: Sink, change: str) -> None:
    fill(gitlab, sink, 10)
    with sqlite3.connect(gitlab.state / "relay.db") as db:
        db.execute(f"UPDATE outbox SET {change} WHERE id = 5")  # noqa: S608
    db.close()
    sink.behave = lambda payload: OK
    gitlab.start()
    wait_for(lambda: reported(sink))
    assert [key for key in sink.keys if key.startswith("gitlab:")] == [*keys(0, 1), *keys(2, 4), *keys(5, 10)]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("moved", [(), ("",), ("", "-wal")], ids=["nothing", "file", "file and log"])
def test_a_rescue_that_was_killed_is_finished(gitlab: Relay, sink: Sink, moved: tuple[str, ...]) -> None:
    fill(gitlab, sink, 10)
    rescued, damaged = (gitlab.state / f"relay.db.{name}-20300101T000000Z" for name in ("rescued", "damaged"))
    with (
        closing(sqlite3.connect(f"file:{gitlab.state}/relay.db?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(rescued)) as new,
    ):
        old.backup(new)
    write_over(0, PAGE)(gitlab.state)
    write_over(0, PAGE, "relay.db-wal")(gitlab.state)
    for suffix in moved:
        (gitlab.state / f"relay.db{suffix}").rename(damaged.with_name(damaged.name + suffix))
    sink.behave = lambda payload: OK
    gitlab.start()
    wait_for(lambda: len(sink.keys) == 9)
    assert sink.keys == [*keys(0, 1), *keys(2, 10)]
    assert damaged.exists()
    assert not rescued.exists()


def test_without_room_for_a_rescue_the_damaged_file_stays_until_there_is_some(
    gitlab: Relay, sink: Sink
) -> None:
    fill(gitlab, sink, 60)
    checkpoint(gitlab.state)
    write_over(0, PAGE)(gitlab.state)
    gitlab.start(wait=False, through=("prlimit", "--fsize=30000"))
    assert gitlab.wait() == os.EX_IOERR
    assert re.search(r"relay\.db cannot be opened \(.*\): see to its disk; nothing is lost", gitlab.text)
    sink.behave = lambda payload: OK
    gitlab.start()
    wait_for(lambda: reported(sink))
    wait_for(lambda: set(keys(2, 60)) <= set(sink.keys))


class TestDocuments:
    """What the Nextcloud relay knows of its tree is rescued too, or made anew: it does not announce all of it again."""

    @pytest.mark.parametrize(
        "damage",
        [
            write_over(0, PAGE),
            write_over(0, 10_000_000),
            *(write_over(n * PAGE, PAGE) for n in (5, 9)),
        ],
    )
    def test_only_what_is_new_is_reported(
        self, one_by_one: Relay, tree: Path, sink: Sink, damage: Damage
    ) -> None:
        for number in range(400):
            name = tree / "Contrats" / f"{number}-{'x' * 40}.pdf"
            name.write_bytes(b"content")
        start(one_by_one)
        upload(tree / "Conges" / "avant.pdf")
        wait_for(lambda: sink.posts and waiting(one_by_one) == 0)
        one_by_one.kill()
        checkpoint(one_by_one.state)
        damage(one_by_one.state)
        start(one_by_one)
        wait_for(lambda: reported(sink))
        upload(tree / "Conges" / "apres.pdf")
        wait_for(lambda: any("apres.pdf" in post.shown for post in sink.posts))
        # Those of the page that is lost, if they came within the last minute: rather twice than never.
        assert len(sink.posts) <= 3 + 30
