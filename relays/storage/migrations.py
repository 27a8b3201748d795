"""Tables of a spool brought up to date, checked, and turned back; what a migration is, storage.schema says."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cache

from relays.base import systemd
from relays.storage.engine import Database, Dialect
from relays.storage.introspection import SQLITE, Query, Shape, shape_of
from relays.storage.schema import PartVersion, SchemaError, Tables, asking, create, find, put_version, run


def upgrade(db: Database, parts: Sequence[Tables], dialect: Dialect) -> list[str]:
    """Bring the tables of `parts` up to date in the transaction that is open, and see that they are as they should be.

    What was done, in words for the log. SchemaError, or what the database raises, if that cannot be: the transaction
    has to be rolled back then.
    """
    if not parts:
        return []
    done = _bring_up(db, parts, dialect)
    _compare(shape_of(asking(db), dialect), parts)
    return done


def check(query: Query, parts: Sequence[Tables], dialect: Dialect) -> None:
    """See that the tables are those that this release works with, and change nothing. SchemaError if not."""
    shape = shape_of(query, dialect)
    found = find(query, shape.columns, parts)
    for tables in parts:
        here = found.get(tables.part, PartVersion(0))
        _refuse_newer(tables, here)
        if here.version < tables.version:
            raise SchemaError(
                f"its {tables.part} tables are of version {here.version}, and this release works with"
                f" {tables.version}: start the relay, which brings them up to date"
            )
    _compare(shape, parts)


def revert(db: Database, parts: Sequence[Tables], versions: Mapping[str, int], dialect: Dialect) -> list[str]:
    """Turn tables back, in the transaction that is open, for a release that knows these versions of some parts.

    What it can use already stays as it is. What was done, in words; SchemaError if it cannot be.
    """
    done: list[str] = []
    found = find(asking(db), shape_of(asking(db), dialect).columns, parts)
    for tables in parts:
        here, version = found.get(tables.part), versions.get(tables.part)
        if here is None or version is None:
            continue
        if here.version > tables.version:
            raise SchemaError(
                f"its {tables.part} tables are of version {here.version}, and this release knows {tables.version}:"
                " have the release that made them turn them back"
            )
        back = [migration for migration in reversed(tables.after(version)) if migration.to <= here.version]
        if not any(version in migration.breaks for migration in back):
            continue
        _refuse_in_use(db, tables, here, dialect)
        for migration in back:
            if migration.down is None:
                raise SchemaError(
                    f"no way leads back from version {migration.to} of its {tables.part} tables"
                )
            run(db, migration.down, dialect)
        put_version(db, tables, version, dialect)
        done.append(f"reverted part={tables.part} from={here.version} to={version}")
    return done


def _refuse_newer(tables: Tables, here: PartVersion) -> None:
    """SchemaError if a newer release has made tables that this one cannot use."""
    if not tables.can_use(here):
        raise SchemaError(
            f"its {tables.part} tables are of version {here.version}, which a newer release has made, and this one"
            f" knows {tables.version}: run the deploy, which has them turned back, or brings the newer release again"
        )


@cache
def wanted(parts: tuple[Tables, ...]) -> Shape:
    """The tables as this release works with them, the one with the versions among them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        _bring_up(db, parts, SQLITE)
        return shape_of(asking(db), SQLITE)


def _bring_up(db: Database, parts: Sequence[Tables], dialect: Dialect) -> list[str]:
    done: list[str] = []
    found = find(asking(db), shape_of(asking(db), dialect).columns, parts)
    for tables in parts:
        here = found.get(tables.part)
        if here is None:
            create(db, tables, tables.version, dialect)
            put_version(db, tables, tables.version, dialect)
            continue
        _refuse_newer(tables, here)
        if lacking := tables.after(here.version):
            if tables.breaks(here.version):
                _refuse_in_use(db, tables, here, dialect)
            with systemd.long_start():
                for migration in lacking:
                    run(db, migration.up, dialect)
            done.append(f"migrated part={tables.part} from={here.version} to={tables.version}")
        if lacking or not here.is_said:
            put_version(db, tables, tables.version, dialect)
    return done


def _refuse_in_use(db: Database, tables: Tables, here: PartVersion, dialect: Dialect) -> None:
    if dialect.busy and db.execute(dialect.busy).fetchone() != (0,):
        raise SchemaError(
            f"its {tables.part} tables are of version {here.version}, and relays that need them so are at work:"
            " stop passerelle-gitlab.service on every host, then deploy"
        )


def _compare(shape: Shape, parts: Sequence[Tables]) -> None:
    if unlike := shape.unlike(wanted(tuple(parts))):
        raise SchemaError(
            f"{unlike}, whatever its version says: put a copy of it in its place, or move it away"
        )
