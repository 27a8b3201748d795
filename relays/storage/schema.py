"""The tables of a spool: which version of them it has, and the migrations that bring it up to date.

The outbox and each source describe the tables they keep in one `Tables`: `relays.delivery.tables.OUTBOX`,
`tables.GITLAB`, `tables.NEXTCLOUD`. A new spool gets `script`, which makes the tables as
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
(Statements name the columns that they insert. Releases without versions did not for `documents`, `missed_delivery` and
`hook_log_read`, so one column more of these breaks nextcloud 1 and 2, or gitlab 1 to 5.) One that cannot names in
`breaks` the versions whose relays cannot go on with what comes out. That stops all relays of a shared spool for a
moment, and where a release is switched back, `down` is run (relays.spool). tests/upgrades finds what is not so.

The table `schema_version` holds the version of each part of a spool, and the one that a release has to know at least
to use it. Spools that are older than this table are known by their columns (`recognise`).
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from relays.storage.engine import Database, Dialect
from relays.storage.introspection import Columns, Query, shape_of

VERSIONS = "schema_version"
SAID = "SELECT part, version, usable_from FROM schema_version"
_SCRIPT = """
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

    `recognise` finds the version of a spool that says none, None if it has no such tables. Of the tables whose rows go
    along into another spool, `known` hold what has been processed, and `waiting` what has yet to be.
    """

    part: str
    baseline: int
    script: str
    recognise: Callable[[Columns], int | None]
    migrations: Sequence[Migration]
    known: Sequence[str] = ()
    waiting: Sequence[str] = ()

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

    def can_use(self, here: "PartVersion") -> bool:
        """Whether this release can use the tables of a spool, once they are brought up to date if they are older."""
        return self.version >= min(here.version, here.usable_from)

    def breaks(self, version: int) -> bool:
        """Whether a release that knows this version can no longer use the tables once they are up to date."""
        return any(version in migration.breaks for migration in self.after(version))


def moved(parts: Sequence[Tables]) -> list[str]:
    """The tables whose rows go along into another spool, in an order that doubles nothing if it is broken off.

    What is known goes first, then what waits, in the order of the parts.
    """
    return [
        *(each for part in parts for each in part.known),
        *(each for part in parts for each in part.waiting),
    ]


@dataclass(frozen=True)
class PartVersion:
    """The version of a part of a spool, the lowest one that a release has to know to use it, and whether it says so."""

    version: int
    usable_from: int = 0
    is_said: bool = False


def find(query: Query, columns: Columns, parts: Sequence[Tables]) -> dict[str, PartVersion]:
    """The version of each of `parts` that is there, in a spool with these columns."""
    said = query(SAID) if VERSIONS in columns else ()
    found = {part: PartVersion(version, usable_from, is_said=True) for part, version, usable_from in said}
    for tables in parts:
        version = tables.recognise(columns)
        if tables.part not in found and version is not None:
            found[tables.part] = PartVersion(version)
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
    if VERSIONS not in shape_of(asking(db), dialect).columns:
        run(db, _SCRIPT, dialect)
    db.execute("DELETE FROM schema_version WHERE part = ?", (tables.part,))
    db.execute(
        "INSERT INTO schema_version (part, version, usable_from) VALUES (?, ?, ?)",
        (tables.part, version, tables.usable_from(version)),
    )


def run(db: Database, script: str, dialect: Dialect) -> None:
    """Execute the statements of a script, each of which begins on a line of its own."""
    for statement in _statements(script):
        db.execute(dialect.ddl(statement))


def asking(db: Database) -> Query:
    """Asks within a transaction."""
    return lambda statement: db.execute(statement).fetchall()


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
