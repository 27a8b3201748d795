"""What else knows the tables, on spools of other releases: rescue, moving, parked messages, and taking them away."""

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from relays.delivery.tables import OUTBOX
from relays.sources.gitlab.tables import GITLAB
from tests.forking import run
from tests.relays.events import issue, send
from tests.relays.process import PROJECT, Relay, pending, undelivered, wait_for
from tests.relays.sink import OK, Reply, Sink
from tests.relays.test_damaged_spool import PAGE, reported, write_over
from tests.relays.test_nextcloud import known
from tests.relays.test_parked import numbers, parked
from tests.upgrades.releases import EARLIER, NEXT, RENAMED, next_release
from tests.upgrades.spools import Content, fill_database, plant, sample, write_file
from tests.upgrades.test_spools import arrived, versions

# Without its first page a file says neither its tables nor where they are.
FIRST_PAGE = write_over(0, PAGE)
MORE_OF_PROCESSED = "ALTER TABLE told_delivery ADD COLUMN colour TEXT DEFAULT 'grey';"


def all_is_well(relay: Relay, old: Content, sink: Sink) -> None:
    """What was due has arrived in order and once, what was parked is, and what is known is refused."""
    wait_for(lambda: set(old.due) <= set(sink.keys), 60)
    assert arrived(sink, old.known) == old.due
    assert len(numbers(relay)) == len(old.parked)
    for key in old.known:
        name = key.removeprefix("gitlab:")
        content = issue(int(name.rpartition("-")[2]))
        assert send(relay, content, {"webhook-id": name}).status_code == 200
    wait_for(lambda: undelivered(relay) == 0)
    assert arrived(sink, old.known) == old.due


class TestRescue:
    """A damaged file of any release: its rows are known by the tables that this release had."""

    @pytest.mark.sampled(2)
    @pytest.mark.parametrize("name", sample("gitlab"))
    def test_events(self, name: str, gitlab_with: Callable[[str], Relay], sink: Sink) -> None:
        gitlab = gitlab_with("digest_from = 0")
        old = write_file(name, gitlab.state / "relay.db")
        FIRST_PAGE(gitlab.state)
        gitlab.start()
        counts = f"parked={len(old.parked)} delivered={len(old.done)}"
        assert re.search(rf"rescued waiting=\d+ {counts}", gitlab.text)
        wait_for(lambda: reported(sink))
        all_is_well(gitlab, old, sink)
        assert versions(gitlab) == {"outbox": OUTBOX.version, "gitlab": GITLAB.version}

    @pytest.mark.parametrize("name", sample("nextcloud"))
    def test_documents(self, name: str, one_by_one: Relay, tree: Path, sink: Sink) -> None:
        file = one_by_one.state / "relay.db"
        old = write_file(name, file)
        plant(file, tree)
        documents = known(one_by_one)
        FIRST_PAGE(one_by_one.state)
        one_by_one.start()
        wait_for(lambda: reported(sink) and set(old.due) <= set(sink.keys))
        (tree / "Conges" / "new.pdf").write_bytes(b"new")
        wait_for(lambda: any("new.pdf" in post.shown for post in sink.posts))
        assert len(sink.posts) == len(old.due) + 2
        assert known(one_by_one) >= documents

    @pytest.mark.sampled(2)
    @pytest.mark.parametrize("what", ["first page", "first page and versions"])
    def test_rows_from_before_a_column_was_added(
        self, what: str, gitlab: Relay, sink: Sink, tmp_path: Path
    ) -> None:
        """They end before it in the file."""
        sink.behave = lambda payload: Reply(503)
        url = {"webhook-id": "e-0"}
        gitlab.start()
        assert send(gitlab, issue(0), url).status_code == 200
        wait_for(lambda: pending(gitlab) == 0)
        gitlab.terminate()
        later = next_release(tmp_path / "later", MORE_OF_PROCESSED)
        gitlab.code = later
        gitlab.start()
        assert send(gitlab, issue(1), {"webhook-id": "e-1"}).status_code == 200
        wait_for(lambda: pending(gitlab) == 0)
        gitlab.terminate()
        with closing(sqlite3.connect(gitlab.state / "relay.db")) as db:
            (page,) = db.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = 'schema_version'"
            ).fetchone()
        FIRST_PAGE(gitlab.state)
        if "versions" in what:
            write_over((page - 1) * PAGE, PAGE)(gitlab.state)
        sink.behave = lambda payload: OK
        gitlab.start()
        wait_for(lambda: set(sink.keys) >= {"gitlab:e-0", "gitlab:e-1"})
        with closing(sqlite3.connect(f"file:{gitlab.state}/relay.db?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT delivery_key, colour FROM told_delivery ORDER BY id").fetchall()
        assert rows == [("gitlab:e-0", "grey"), ("gitlab:e-1", "grey")]

    def test_a_file_that_only_a_newer_release_can_read(
        self, gitlab: Relay, sink: Sink, tmp_path: Path
    ) -> None:
        sink.behave = lambda payload: Reply(503)
        later = next_release(tmp_path / "later", RENAMED, None, EARLIER, uses="inbox")
        gitlab.code = later
        gitlab.start()
        for number in range(3):
            assert send(gitlab, issue(number), {"webhook-id": f"e-{number}"}).status_code == 200
        gitlab.terminate()
        FIRST_PAGE(gitlab.state)
        damaged = (gitlab.state / "relay.db").read_bytes()
        gitlab.code = PROJECT
        gitlab.start(wait=False)
        assert gitlab.wait(30) == os.EX_CONFIG
        line = gitlab.text.splitlines()[-1]
        assert (
            f"it is damaged, and its gitlab tables are of version {NEXT}, which a newer release has made"
            in line
        )
        assert (gitlab.state / "relay.db").read_bytes() == damaged
        gitlab.code = later
        sink.behave = lambda payload: OK
        gitlab.start()
        wait_for(lambda: set(sink.keys) >= {f"gitlab:e-{number}" for number in range(3)})


@pytest.mark.sampled(2)
@pytest.mark.parametrize("spool", ["postgresql"], indirect=True)
@pytest.mark.parametrize("name", sample("gitlab"))
def test_a_file_of_any_release_moves_into_the_shared_spool(
    name: str, gitlab_with: Callable[[str], Relay], sink: Sink
) -> None:
    gitlab = gitlab_with("digest_from = 0")
    old = write_file(name, gitlab.state / "relay.db")
    gitlab.start()
    assert "they are in the shared spool now" in gitlab.text
    assert not list(gitlab.state.glob("relay.db*"))
    all_is_well(gitlab, old, sink)


@pytest.mark.parametrize("spool", ["postgresql"], indirect=True)
def test_what_a_migration_has_added_moves_as_well(
    gitlab: Relay, sink: Sink, spool: str, tmp_path: Path
) -> None:
    credential = gitlab.home / "credentials" / "spool"
    credential.unlink()
    gitlab.code = next_release(tmp_path / "later", MORE_OF_PROCESSED)
    gitlab.start()
    assert send(gitlab, issue(0), {"webhook-id": "e-0"}).status_code == 200
    wait_for(lambda: sink.keys == ["gitlab:e-0"])
    gitlab.terminate()
    with closing(sqlite3.connect(gitlab.state / "relay.db")) as db:
        db.execute("UPDATE told_delivery SET colour = 'red'")
        db.commit()
    credential.write_text(spool)
    gitlab.start()
    with psycopg.connect(spool) as connection:
        rows = connection.execute("SELECT delivery_key, colour FROM passerelle.told_delivery").fetchall()
    assert rows == [("gitlab:e-0", "red")]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["gitlab-153d3cc", "gitlab-6c46b6f"])
def test_parked_messages_of_an_older_spool_wait_for_the_relay(name: str, gitlab: Relay, sink: Sink) -> None:
    """An operator who comes before the relay has been started reads why, and nothing is changed."""
    old = write_file(name, gitlab.state / "relay.db")
    before = (gitlab.state / "relay.db").read_bytes()
    for command in (["list"], ["drop", "2"], ["retry", "2"]):
        done = parked(gitlab, *command)
        assert done.returncode == os.EX_CONFIG
        assert re.fullmatch(
            r"parked: the store cannot be used: its outbox tables are of version \d, and this release works with \d+:"
            r" start the relay, which brings them up to date\n",
            done.stderr,
        )
    assert (gitlab.state / "relay.db").read_bytes() == before
    gitlab.start()
    assert len(numbers(gitlab)) == len(old.parked) == 1


@pytest.mark.sampled(2)
@pytest.mark.parametrize("spool", ["postgresql"], indirect=True)
@pytest.mark.parametrize("name", sample("postgresql"))
@pytest.mark.parametrize("is_started", [False, True], ids=["as it was", "brought up to date"])
def test_the_tables_of_any_release_are_taken_away(
    name: str, is_started: bool, gitlab: Relay, spool: str
) -> None:
    fill_database(name, spool)
    if is_started:
        gitlab.start()
        gitlab.terminate()
    done = run("relays.sources.gitlab.drop_tables", "--credentials", str(gitlab.home / "credentials"))
    assert (done.returncode, done.stderr) == (0, "")
    with psycopg.connect(spool) as connection:
        assert connection.execute("SELECT to_regnamespace('passerelle')").fetchone() == (None,)
