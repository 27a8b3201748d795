"""The tables of a spool: which version of them it has, and the migrations that bring it up to date.

The outbox and each source describe the tables they keep in one `Tables`: `relays.tables.OUTBOX`,
`relays.gitlab.tables.GITLAB`, `relays.nextcloud.tables.NEXTCLOUD`. A new spool gets `script`, which makes the tables as
they were at version `baseline`, and then every migration after that one. An older spool gets the migrations that it
lacks. Both happen at the start of a relay, before it is ready, in one transaction: all of it is done, or nothing.

To change a table, add a migration at the end of the list, with the next number, and leave `script` as it is:

    Migration(
        6,
        up="ALTER TABLE received ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;",
        down="ALTER TABLE received DROP COLUMN attempts;",
    ),

That is all: a spool of any release is brought up to date, moved, rescued and checked by it. The SQL has to be that of
SQLite and PostgreSQL alike (`INTEGER PRIMARY KEY` is translated), each statement beginning on a line of its own.

Relays of the release before may use the same spool, for a while in a rolling update or again after a rollback. So a
migration leaves them what their statements rest on: a new column has a default, another key goes into another table.
One that cannot names in `breaks` the versions whose relays cannot go on with what comes out. That stops all relays of
a shared spool for a moment, and where a release is switched back, `down` is run (relays.spool).

The table `schema_version` holds the version of each part of a spool, and the one that a release has to know at least
to use it. Spools that are older than this table are known by their columns (`recognise`).
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

from relays import systemd
from relays.engine import Database, Dialect
from relays.shape import SQLITE, Columns, Query, Shape, shape_of

_VERSIONS = """
CREATE TABLE schema_version (
    part        TEXT PRIMARY KEY,
    version     BIGINT NOT NULL,
    usable_from BIGINT NOT NULL
);
"""


class SchemaError(Exception):
    """Why this release cannot use the tables of a spool, and what helps."""


@dataclass(frozen=True)
class Migration:
    """The statements that lead `to` a version from the one before it, and back, unless something is lost by that.

    `breaks` holds the versions of releases that cannot use what comes out.
    """

    to: int
    up: str
    down: str | None = None
    breaks: Sequence[int] = ()


@dataclass(frozen=True)
class Tables:
    """The tables of one part of a spool.

    `recognise` tells the version of a spool that says none, None if it has no such tables.
    """

    part: str
    baseline: int
    script: str
    recognise: Callable[[Columns], int | None]
    migrations: Sequence[Migration]

    @property
    def version(self) -> int:
        """The version that this release works with."""
        return max(self.baseline, *(migration.to for migration in self.migrations))

    def usable_from(self, version: int) -> int:
        """The lowest version that a release has to know to use the tables as they are at this one."""
        return 1 + max((b for each in self.migrations if each.to <= version for b in each.breaks), default=0)

    def after(self, version: int) -> list[Migration]:
        """The migrations that lead on from a version."""
        return [migration for migration in self.migrations if migration.to > version]


@dataclass(frozen=True)
class Found:
    """The version of a part of a spool, the lowest one that a release has to know to use it, and whether it says so."""

    version: int
    usable_from: int = 0
    is_said: bool = False


def upgrade(db: Database, parts: Sequence[Tables], dialect: Dialect) -> list[str]:
    """Bring the tables of `parts` up to date in the transaction that is open, and see that they are as they should be.

    What was done, in words for the log. SchemaError, or what the database raises, if that cannot be: the transaction
    has to be rolled back then.
    """
    if not parts:
        return []
    done = _bring_up(db, parts, dialect)
    _compare(shape_of(_query(db), dialect), parts)
    return done


def check(query: Query, parts: Sequence[Tables], dialect: Dialect) -> None:
    """See that the tables are those that this release works with, and change nothing. SchemaError if not."""
    shape = shape_of(query, dialect)
    found = find(query, shape, parts)
    for tables in parts:
        here = found.get(tables.part, Found(0))
        _refuse_newer(tables, here)
        if here.version < tables.version:
            raise SchemaError(
                f"its {tables.part} tables are of version {here.version}, and this release works with"
                f" {tables.version}: start the relay, which brings them up to date"
            )
    _compare(shape, parts)


def find(query: Query, shape: Shape, parts: Sequence[Tables]) -> dict[str, Found]:
    """The version of each of `parts` that is there."""
    said = query("SELECT part, version, usable_from FROM schema_version") if _says(shape) else ()
    found = {part: Found(version, usable_from, is_said=True) for part, version, usable_from in said}
    for tables in parts:
        version = tables.recognise(shape.columns)
        if tables.part not in found and version is not None:
            found[tables.part] = Found(version)
    return found


def create(db: Database, tables: Tables, version: int, dialect: Dialect) -> int:
    """Make the tables as they are at a version, or at the oldest one after it that migrations lead back to: which."""
    run(db, tables.script, dialect)
    at = tables.baseline
    for migration in reversed(tables.migrations):
        if migration.to == at > version and migration.down is not None:
            run(db, migration.down, dialect)
            at = migration.to - 1
    for migration in tables.after(at):
        if migration.to <= version:
            run(db, migration.up, dialect)
            at = migration.to
    return at


def put_version(db: Database, tables: Tables, version: int, dialect: Dialect) -> None:
    """Write down which version a part of the spool has now."""
    if not _says(shape_of(_query(db), dialect)):
        run(db, _VERSIONS, dialect)
    db.execute("DELETE FROM schema_version WHERE part = ?", (tables.part,))
    db.execute(
        "INSERT INTO schema_version (part, version, usable_from) VALUES (?, ?, ?)",
        (tables.part, version, tables.usable_from(version)),
    )


def run(db: Database, script: str, dialect: Dialect) -> None:
    """Execute the statements of a script, each of which begins on a line of its own."""
    for statement in _statements(script):
        db.execute(dialect.ddl(statement))


def _bring_up(db: Database, parts: Sequence[Tables], dialect: Dialect) -> list[str]:
    done: list[str] = []
    found = find(_query(db), shape_of(_query(db), dialect), parts)
    for tables in parts:
        here = found.get(tables.part)
        if here is None:
            create(db, tables, tables.version, dialect)
            put_version(db, tables, tables.version, dialect)
            continue
        _refuse_newer(tables, here)
        if lacking := tables.after(here.version):
            _refuse_in_use(db, tables, here, lacking, dialect)
            with systemd.long_start():
                for migration in lacking:
                    run(db, migration.up, dialect)
            done.append(f"migrated part={tables.part} from={here.version} to={tables.version}")
        if lacking or not here.is_said:
            put_version(db, tables, tables.version, dialect)
    return done


def _refuse_newer(tables: Tables, here: Found) -> None:
    if here.version > tables.version < here.usable_from:
        raise SchemaError(
            f"its {tables.part} tables are of version {here.version}, which a newer release has made, and this one"
            f" knows {tables.version}: deploy the newer release again, or have it turn them back"
        )


def _refuse_in_use(
    db: Database, tables: Tables, here: Found, lacking: Sequence[Migration], dialect: Dialect
) -> None:
    if dialect.busy and any(here.version in migration.breaks for migration in lacking):
        ((others,),) = db.execute(dialect.busy).fetchall()
        if others:
            raise SchemaError(
                f"its {tables.part} tables are of version {here.version}, and relays that need them so are at work:"
                " stop passerelle-gitlab.service on every host, then deploy"
            )


def _compare(shape: Shape, parts: Sequence[Tables]) -> None:
    if unlike := shape.unlike(wanted(tuple(parts))):
        raise SchemaError(
            f"{unlike}, whatever its version says: put a copy of it in its place, or move it away"
        )


@cache
def wanted(parts: tuple[Tables, ...]) -> Shape:
    """The tables as this release works with them, the one with the versions among them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        _bring_up(db, parts, SQLITE)
        return shape_of(_query(db), SQLITE)


def _says(shape: Shape) -> bool:
    return "schema_version" in shape.columns


def _query(db: Database) -> Callable[[str], Sequence[Any]]:
    return lambda statement: db.execute(statement).fetchall()


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
