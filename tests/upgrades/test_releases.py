"""Releases that meet the spool of another one: killed, without room, newer than it, or with nothing to do."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path
from random import Random
from time import sleep

import psycopg
import pytest
import requests

from relays.delivery.tables import OUTBOX
from relays.sources.gitlab.tables import GITLAB
from tests.faults.disk import small_disk
from tests.forking import run
from tests.postgresql import also_on_postgresql
from tests.relays.events import issue, send
from tests.relays.process import PROJECT, Relay, undelivered, wait_for
from tests.relays.sink import OK, Reply, Sink
from tests.relays.test_nextcloud import known, upload
from tests.relays.test_nextcloud import waiting as waiting_documents
from tests.upgrades.releases import COLUMN, EARLIER, NEXT, NO_COLUMN, RENAMED, RENAMED_BACK, next_release
from tests.upgrades.spools import RELEASE_BEFORE, write_file
from tests.upgrades.table import Row
from tests.upgrades.test_spools import Enter, versions

SLOW = {
    "sqlite": "CREATE TABLE slow AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500000000)"
    " SELECT count(*) AS c FROM n;",
    "postgresql": "CREATE TABLE slow AS SELECT pg_sleep(600);",
}


@pytest.fixture
def waiting(gitlab: Relay, sink: Sink) -> Relay:
    """A relay that has stopped with three events that Mattermost has not taken yet, and now would."""
    sink.behave = lambda payload: Reply(503)
    gitlab.start()
    for number in range(3):
        assert send(gitlab, issue(number), {"webhook-id": f"e-{number}"}).status_code == 200
    assert gitlab.terminate() == 0
    sink.behave = lambda payload: OK
    return gitlab


def keys(*numbers: int) -> list[str]:
    return [f"gitlab:e-{number}" for number in numbers]


def entry(what: str, relay: Relay, sink: Sink, accepted: int) -> Row:
    """The row of a test whose relay held three events from the start and took the others of so many."""
    due = keys(*range(accepted))
    places = [due.index(key) for key in sink.keys if key in due]
    return Row(
        f"{what}, {'postgresql' if relay.spool else 'file'}",
        waiting=3,
        claimed=0,
        unprocessed=0,
        parked=0,
        done=0,
        accepted=accepted - 3,
        lost=len(set(due) - set(sink.keys)),
        doubled=len(sink.keys) - len(set(sink.keys)),
        disordered=sum(later < earlier for earlier, later in pairwise(places)),
    )


def delivers(relay: Relay, sink: Sink, number: int) -> None:
    """What waited and one more event go out, in order and once."""
    assert send(relay, issue(number), {"webhook-id": f"e-{number}"}).status_code == 200
    wait_for(lambda: undelivered(relay) == 0)
    assert sink.keys == keys(*range(3), *range(3, number + 1))


def refused(relay: Relay, code: int) -> str:
    """The one line with which it ends before it is ready."""
    before = relay.text
    relay.start(wait=False)
    assert relay.wait(30) == code
    assert not relay.said("READY=1")
    lines = [line for line in relay.text.removeprefix(before).splitlines() if "listening" not in line]
    assert len(lines) == 1, lines
    return lines[0]


def turn_back(relay: Relay, code: Path, *versions: str) -> subprocess.CompletedProcess[str]:
    """Have a release turn back the tables of a relay that is stopped."""
    places = ["--state", str(relay.state), "--credentials", str(relay.home / "credentials")]
    return subprocess.run(
        [sys.executable, "-m", "relays.spool", *places, *versions],
        cwd=relay.home,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
        check=False,
    )


def there_and_back(relay: Relay, use: Callable[[], object]) -> None:
    """The release before, the present one, the one before again as the deploy goes back to it, and the present one."""
    relay.code = RELEASE_BEFORE
    relay.start()
    use()
    assert relay.terminate() == 0
    broken = turn_back(relay, PROJECT, "broken").stdout.split()
    for code in (PROJECT, RELEASE_BEFORE, PROJECT):
        if code is RELEASE_BEFORE and broken:
            assert turn_back(relay, PROJECT, "revert", *broken).returncode == 0
        relay.code = code
        relay.start()
        use()
        assert relay.terminate() == 0
    assert "storage fails" not in relay.text


@also_on_postgresql
def test_going_back_to_the_release_before(gitlab: Relay, sink: Sink) -> None:
    def use() -> None:
        number = len(sink.keys)
        for content in (issue(number), issue(number), issue(number + 1)):
            key = json.loads(content)["object_attributes"]["iid"]
            assert send(gitlab, content, {"webhook-id": f"e-{key}"}).status_code == 200
        wait_for(lambda: undelivered(gitlab) == 0)
        assert sink.keys == keys(*range(number + 2))

    there_and_back(gitlab, use)


def test_going_back_to_the_release_before_with_documents(one_by_one: Relay, tree: Path, sink: Sink) -> None:
    """Those that the other release has announced are known, those that change and go are looked after."""

    def use() -> None:
        number = len(sink.posts)
        names = [f"{number}-{place}.pdf" for place in range(2)]
        for name in names:
            upload(tree / "Conges" / name)
        wait_for(lambda: len(sink.posts) == number + 2 and waiting_documents(one_by_one) == 0)
        shown = [post.shown for post in sink.posts[number:]]
        assert all(sum(name in each for each in shown) == 1 for name in names)
        for other in (tree / "Conges").glob("*-0.pdf"):
            other.rename(tree / "Contrats" / other.name)
        wait_for(lambda: f"Contrats/{names[0]}" in known(one_by_one))

    there_and_back(one_by_one, use)
    assert len(sink.posts) == 8


def columns(relay: Relay, table: str = "received") -> list[str]:
    """The columns of a table."""
    if relay.spool:
        with psycopg.connect(relay.spool) as connection:
            return [
                name
                for (name,) in connection.execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = %s", (table,)
                )
            ]
    with closing(sqlite3.connect(f"file:{relay.state}/relay.db?mode=ro", uri=True)) as db:
        return [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")]


@also_on_postgresql
class TestOneMigrationMore:
    """The release to come, the present one on what it leaves, and the one to come again."""

    def test_a_new_column(self, waiting: Relay, sink: Sink, tmp_path: Path, enter: Enter) -> None:
        later = next_release(tmp_path / "later", COLUMN, NO_COLUMN)
        for number, code in enumerate([later, PROJECT, RELEASE_BEFORE, later], start=3):
            waiting.code = code
            waiting.start()
            delivers(waiting, sink, number)
            assert waiting.terminate() == 0
            assert versions(waiting)["gitlab"] == NEXT
            assert "colour" in columns(waiting)
        assert waiting.text.count(f"migrated part=gitlab from={GITLAB.version} to={NEXT}") == 1
        enter(entry("a column more, and releases before", waiting, sink, 7))

    def test_what_breaks_the_present_release_is_refused_and_can_be_turned_back(
        self, waiting: Relay, sink: Sink, tmp_path: Path, enter: Enter
    ) -> None:
        later = next_release(tmp_path / "later", RENAMED, RENAMED_BACK, EARLIER, uses="inbox")
        asked = turn_back(waiting, later, "broken")
        assert (asked.returncode, asked.stdout) == (0, f"gitlab={GITLAB.version}\n"), asked.stderr
        waiting.code = later
        waiting.start()
        # Of what the later release took some is delivered, and some nobody has processed.
        delivers(waiting, sink, 3)
        sink.behave = lambda payload: Reply(503)
        assert send(waiting, issue(4), {"webhook-id": "e-4"}).status_code == 200
        waiting.kill()
        waiting.code = PROJECT
        line = refused(waiting, os.EX_CONFIG)
        assert f"its gitlab tables are of version {NEXT}, which a newer release has made" in line
        assert "run the deploy" in line
        parked = run("relays.dead_letters", "--state", str(waiting.state), "list")
        assert "Traceback" not in parked.stderr
        sink.behave = lambda payload: OK
        done = turn_back(waiting, later, "revert", f"gitlab={GITLAB.version}", f"outbox={OUTBOX.version}")
        assert (done.returncode, done.stdout) == (
            0,
            f"reverted part=gitlab from={NEXT} to={GITLAB.version}\n",
        )
        waiting.start()
        delivers(waiting, sink, 5)
        enter(entry("a spool that is newer, turned back", waiting, sink, 6))

    def test_what_is_of_use_is_not_turned_back(self, waiting: Relay, tmp_path: Path) -> None:
        later = next_release(tmp_path / "later", COLUMN, NO_COLUMN)
        assert turn_back(waiting, later, "broken").stdout == ""
        waiting.code = later
        waiting.start()
        # Nor while a relay has it.
        in_use = turn_back(waiting, later, "revert", f"gitlab={GITLAB.version}")
        assert in_use.returncode == os.EX_CONFIG
        assert "is in use: stop the other relay" in in_use.stderr
        waiting.terminate()
        done = turn_back(waiting, later, "revert", f"gitlab={GITLAB.version}")
        assert (done.returncode, done.stdout) == (0, "")
        assert "colour" in columns(waiting)

    def test_a_migration_that_fails(self, waiting: Relay, sink: Sink, tmp_path: Path, enter: Enter) -> None:
        waiting.code = next_release(tmp_path / "later", f"{COLUMN}\nINSERT INTO nothing VALUES (1);")
        line = refused(waiting, os.EX_CONFIG if waiting.spool else os.EX_IOERR)
        assert re.search(
            r"its tables cannot be brought up to date \(.*nothing.*\), and are as they were", line
        )
        assert "colour" not in columns(waiting)
        waiting.code = PROJECT
        waiting.start()
        delivers(waiting, sink, 3)
        enter(entry("a migration that fails", waiting, sink, 4))

    def test_a_kill_in_the_middle(self, waiting: Relay, sink: Sink, tmp_path: Path, enter: Enter) -> None:
        slow = SLOW["postgresql" if waiting.spool else "sqlite"]
        waiting.code = next_release(tmp_path / "later", f"{COLUMN}\n{slow}\nDROP TABLE slow;")
        waiting.start(wait=False)
        wait_for(lambda: waiting.said("EXTEND_TIMEOUT_USEC=60000000"))
        sleep(0.2)  # so that the column is there, for who looks from inside
        waiting.kill()
        if waiting.spool:
            # Its session ends when the server notices, at the latest with the statement.
            with psycopg.connect(waiting.spool, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%'"
                    " AND pid <> pg_backend_pid()"
                )
        assert "colour" not in columns(waiting)
        waiting.code = PROJECT
        waiting.start()
        delivers(waiting, sink, 3)
        assert waiting.terminate() == 0
        waiting.code = next_release(tmp_path / "later", COLUMN)
        waiting.start()
        delivers(waiting, sink, 4)
        assert "colour" in columns(waiting)
        enter(entry("a kill in the middle", waiting, sink, 5))

    @pytest.mark.sampled(3)
    @pytest.mark.parametrize(
        "change",
        ["ALTER TABLE {0}outbox DROP COLUMN alone", "DROP TABLE {0}received", "DROP TABLE {0}pipelines"],
    )
    def test_tables_that_somebody_has_changed(self, waiting: Relay, change: str) -> None:
        """While it runs it ends, once; and it does not start as if they were right."""
        waiting.start()
        if waiting.spool:
            with psycopg.connect(waiting.spool) as connection:
                connection.execute(change.format("passerelle.").encode())
        else:
            with closing(sqlite3.connect(waiting.state / "relay.db")) as db:
                db.execute(change.format(""))
        with_pipeline = (PROJECT / "tasks/samples/gitlab/pipeline_success.json").read_bytes()
        for content in (issue(7), with_pipeline):
            with suppress(requests.RequestException):  # the first may have ended it
                send(waiting, content, {"webhook-id": f"e-{len(content)}"})
        assert waiting.wait(30) == os.EX_CONFIG
        assert "the tables of the spool are not what they were: starting again" in waiting.text
        line = refused(waiting, os.EX_CONFIG)
        assert "cannot be used: it" in line


def test_a_disk_that_fills_up_in_the_middle(waiting: Relay, sink: Sink, tmp_path: Path, enter: Enter) -> None:
    large = (
        "CREATE TABLE large AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000)"
        " SELECT i, randomblob(1000) FROM n;"
    )
    kept = waiting.state.rename(tmp_path / "kept")
    waiting.state.mkdir()
    with small_disk(waiting.state, 6):
        for file in kept.iterdir():
            (waiting.state / file.name).write_bytes(file.read_bytes())
        waiting.code = next_release(tmp_path / "later", f"{COLUMN}\n{large}\nDROP TABLE large;")
        line = refused(waiting, os.EX_IOERR)
        assert "disk is full" in line
        waiting.code = PROJECT
        waiting.start()
        delivers(waiting, sink, 3)
        enter(entry("a disk that fills up in the middle", waiting, sink, 4))
        assert "colour" not in columns(waiting)
        waiting.kill()


@pytest.mark.exhaustive
def test_kills_at_any_moment_of_a_long_way(gitlab: Relay, sink: Sink) -> None:
    """A spool of the second release with a long past: all of it is as it was, or all of it is brought up to date."""
    file = gitlab.state / "relay.db"
    old = write_file("gitlab-6c46b6f", file)
    with closing(sqlite3.connect(file)) as db:
        db.executemany(
            "INSERT INTO outbox (channel, delivery_key, message, summary, state, run_at, created_at, finished_at)"
            " SELECT channel, 'gitlab:past-' || ?, '{}', hex(randomblob(200)), 'done', run_at, created_at, finished_at"
            " FROM outbox WHERE state = 'done' LIMIT 1",
            [(number,) for number in range(40_000)],
        )
        db.commit()
    count = 40_000 + len(old.waiting) + len(old.done) + len(old.parked)
    chance = Random(7)
    killed = 0
    for _ in range(8):
        gitlab.start(wait=False)
        wait_for(lambda: gitlab.said("EXTEND_TIMEOUT_USEC=60000000") or gitlab.said("READY=1"))
        sleep(chance.uniform(0, 0.6))
        killed += not gitlab.said("READY=1")
        gitlab.kill()
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
            assert db.execute("SELECT count(*) FROM outbox").fetchone() == (count,)
            names = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert {"outbox_2", "outbox_1"}.isdisjoint(names)
        assert ("alone" in columns(gitlab, "outbox")) == ("schema_version" in names)
    assert killed
    gitlab.start()
    wait_for(lambda: set(old.due) <= set(sink.keys), 60)
    # A kill right after the commit takes the line away.
    assert len(re.findall("migrated part=outbox from=2", gitlab.text)) <= 1
