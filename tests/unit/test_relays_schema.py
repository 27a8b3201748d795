"""The tables of a spool and their versions: whatever is found is brought up to date, or refused before it is used."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from relays.base.settings import StartError
from relays.delivery.tables import OUTBOX
from relays.sources.gitlab.tables import GITLAB
from relays.sources.nextcloud.tables import NEXTCLOUD
from relays.storage import schema
from relays.storage.engine import Engine
from relays.storage.introspection import SQLITE, shape_of
from relays.storage.migrations import upgrade, wanted
from relays.storage.postgresql import PostgreSQL
from relays.storage.schema import Migration, Tables
from relays.storage.sqlite import SQLite
from tests.postgresql import on_both_spools
from tests.waiting import wait_until

PARTS = (OUTBOX, GITLAB, NEXTCLOUD)
FIRST_ON_POSTGRESQL = {OUTBOX: 3, GITLAB: 1}
VERSIONS = [
    (spool, tables, version)
    for spool, first in (("sqlite", dict.fromkeys(PARTS, 1)), ("postgresql", FIRST_ON_POSTGRESQL))
    for tables in first
    for version in range(first[tables], tables.version + 1)
]
# A relay of a release to come: one column more, which others need not know of.
NEXT = replace(
    GITLAB,
    migrations=(
        *GITLAB.migrations,
        Migration(
            GITLAB.version + 1,
            up="ALTER TABLE received ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey';",
            down="ALTER TABLE received DROP COLUMN colour;",
        ),
    ),
)
# And one after it, which nobody before can use.
BREAKING = replace(
    NEXT,
    migrations=(
        *NEXT.migrations,
        Migration(
            NEXT.version + 1,
            up="ALTER TABLE received RENAME COLUMN body TO content;",
            down="ALTER TABLE received RENAME COLUMN content TO body;",
            breaks=range(1, NEXT.version + 1),
        ),
    ),
)

Open = Callable[..., Engine]


@pytest.fixture
def opened(tmp_path: Path, spool: str | None) -> Iterator[Open]:
    """Opens the spool with the tables of these parts, as a relay does at its start."""
    engines: list[Engine] = []

    def start(*parts: Tables) -> Engine:
        engines.append(PostgreSQL(spool, *parts) if spool else SQLite(tmp_path / "relay.db", *parts))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()


def write(engine: Engine, *statements: str) -> None:
    """Execute statements by hand."""
    db = engine.begin()
    for statement in statements:
        db.execute(statement)
    engine.commit()


def make(engine: Engine, tables: Tables, version: int, *, says: bool) -> int:
    """Make the tables as they were at a version; which one it came to."""
    db = engine.begin()
    reached = schema.create(db, tables, version, engine.dialect)
    if says:
        schema.put_version(db, tables, reached, engine.dialect)
    engine.commit()
    return reached


def said(engine: Engine) -> dict[str, int]:
    """The versions that the spool says it has."""
    return dict(engine.read("SELECT part, version FROM schema_version"))


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("spool", "tables", "version"),
    VERSIONS,
    indirect=["spool"],
    ids=lambda value: getattr(value, "part", value),
)
@pytest.mark.parametrize("says", [True, False], ids=["versioned", "unversioned"])
def test_every_version_is_brought_up_to_what_a_new_spool_has(
    opened: Open, tables: Tables, version: int, says: bool
) -> None:
    engine = opened(OUTBOX if tables is not OUTBOX else GITLAB)
    reached = make(engine, tables, version, says=says)
    if not says:
        # What a spool does not say is seen by its columns, if they show it.
        found = tables.recognise(shape_of(engine.read, engine.dialect).columns)
        assert found in (reached, reached - 1)
    engine.close()
    now = opened(tables)
    assert said(now)[tables.part] == tables.version
    assert not shape_of(now.read, now.dialect).unlike(wanted((tables,)))


@pytest.mark.parametrize("tables", PARTS, ids=lambda tables: tables.part)
def test_migrations_are_numbered_and_those_that_break_something_lead_back(tables: Tables) -> None:
    assert [migration.to for migration in tables.migrations] == list(range(2, tables.version + 1))
    first = min((each.to for each in tables.migrations if each.breaks), default=tables.version + 1)
    assert all(each.down is not None for each in tables.migrations if each.to >= first)


@pytest.mark.parametrize("tables", PARTS, ids=lambda tables: tables.part)
def test_a_file_of_every_version_lies_as_one_that_was_brought_there(tables: Tables) -> None:
    """Rows of a damaged file are known by the order of their columns (relays.storage.recovery)."""

    def columns(db: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
        names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        described = {name: db.execute(f"PRAGMA table_info({name})").fetchall() for (name,) in names}
        return {name: [row[1:3] for row in rows] for name, rows in described.items()}

    for version in range(1, tables.version + 1):
        with closing(sqlite3.connect(":memory:")) as old, closing(sqlite3.connect(":memory:")) as new:
            schema.create(old, tables, version, SQLITE)
            upgrade(old, [tables], SQLITE)
            upgrade(new, [tables], SQLITE)
            there, fresh = columns(old), columns(new)
            assert {name: there[name] for name in fresh} == fresh


@on_both_spools
class TestReleases:
    """What another release has left is used, or refused at the start with a line that says why."""

    def test_a_new_column_is_no_matter_to_the_release_before(self, opened: Open) -> None:
        later = opened(OUTBOX, NEXT)
        before = opened(OUTBOX, GITLAB)
        write(before, "INSERT INTO received (delivery_key, body) VALUES ('a', '{}')")
        assert later.read("SELECT colour FROM received") == [("grey",)]
        opened(OUTBOX, NEXT)
        assert said(later)["gitlab"] == NEXT.version, "it was not made twice"

    def test_tables_that_a_release_cannot_use_are_refused(self, opened: Open) -> None:
        later = opened(OUTBOX, BREAKING)
        with pytest.raises(StartError) as caught:
            opened(OUTBOX, GITLAB)
        assert str(caught.value).endswith(
            f"cannot be used: its gitlab tables are of version {BREAKING.version}, which a newer release has made, and"
            f" this one knows {GITLAB.version}: run the deploy, which has them turned back, or brings the newer release"
            " again"
        )
        assert said(later)["gitlab"] == BREAKING.version

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ("ALTER TABLE outbox DROP COLUMN alone", "its table outbox has no column alone"),
            ("DROP TABLE received", "it has no table received"),
            ("ALTER TABLE pipelines RENAME TO pipes", "it has no table pipelines"),
            (
                "ALTER TABLE received ADD COLUMN more TEXT NOT NULL",
                "its table received has a column more that nothing is written into",
            ),
            (
                "CREATE TABLE other AS SELECT * FROM told_delivery; DROP TABLE told_delivery;"
                "ALTER TABLE other RENAME TO told_delivery",
                "its table told_delivery has no key of delivery_key",
            ),
        ],
    )
    def test_tables_that_are_not_what_their_version_says_are_refused(
        self, opened: Open, spool: str | None, change: str, reason: str
    ) -> None:
        if not spool and "NOT NULL" in change:
            change = f"{change} DEFAULT ''"  # without one SQLite adds none
            reason = ""
        write(opened(OUTBOX, GITLAB), *change.split(";"))
        if not reason:
            opened(OUTBOX, GITLAB)
            return
        with pytest.raises(StartError) as caught:
            opened(OUTBOX, GITLAB)
        assert f"cannot be used: {reason}, whatever its version says" in str(caught.value)

    def test_a_migration_that_fails_leaves_everything_as_it_was(self, opened: Open) -> None:
        failing = replace(
            NEXT, migrations=(*NEXT.migrations, Migration(NEXT.version + 1, up="DROP TABLE nothing;"))
        )
        engine = opened(OUTBOX, GITLAB)
        with pytest.raises(StartError, match="nothing"):
            opened(OUTBOX, failing)
        assert said(engine)["gitlab"] == GITLAB.version
        assert "colour" not in shape_of(engine.read, engine.dialect).columns["received"]
        opened(OUTBOX, GITLAB)

    def test_what_breaks_nothing_waits_for_nobody(self, opened: Open) -> None:
        opened(OUTBOX, GITLAB)
        opened(OUTBOX, NEXT)

    def test_tables_that_change_while_they_are_used_are_noticed(self, opened: Open) -> None:
        engine, other = opened(OUTBOX, GITLAB), opened(OUTBOX, GITLAB)
        assert not engine.changed
        write(other, "ALTER TABLE received RENAME COLUMN body TO content")
        with pytest.raises(engine.errors) as caught:
            write(engine, "INSERT INTO received (delivery_key, body) VALUES ('a', '{}')")
        engine.roll_back(caught.value)
        assert engine.changed


@pytest.mark.parametrize("spool", ["postgresql"], indirect=True)
def test_on_a_shared_spool_what_breaks_the_others_waits_for_their_end(opened: Open) -> None:
    """Those that are at work would fail at every statement, in the middle of a post."""
    engine = opened(OUTBOX, GITLAB)
    with pytest.raises(
        StartError, match=r"relays that need them so are at work: stop passerelle-gitlab\.service"
    ):
        opened(OUTBOX, BREAKING)
    assert said(engine)["gitlab"] == GITLAB.version
    engine.close()

    def starts() -> bool:
        """Whether it does by now: the server takes a moment to see that a connection has ended."""
        with suppress(StartError):
            opened(OUTBOX, BREAKING)
            return True
        return False

    wait_until("the start", starts)


@pytest.mark.parametrize("spool", ["postgresql"], indirect=True)
def test_a_table_that_somebody_holds_keeps_the_relays_waiting_for_a_moment_only(
    opened: Open, spool: str
) -> None:
    engine = opened(OUTBOX, GITLAB)
    with psycopg.connect(spool) as foreign:
        foreign.execute("SELECT * FROM passerelle.received")
        with pytest.raises(StartError, match="lock timeout"):
            opened(OUTBOX, NEXT)
    assert said(engine)["gitlab"] == GITLAB.version
    opened(OUTBOX, NEXT)


def test_statements_are_distinguished_whatever_their_comments_say() -> None:
    script = """
-- first; of two
CREATE TABLE a (
    b TEXT, -- a semicolon; in it
    c TEXT
);
CREATE TABLE d (e TEXT);
"""
    with closing(sqlite3.connect(":memory:")) as db:
        schema.run(db, script, SQLITE)
        assert shape_of(lambda query: db.execute(query).fetchall(), SQLITE).columns.keys() == {"a", "d"}
