"""What can be read of a damaged spool file, of whatever release, put into a new one.

Its rows are known by the number and the types of their values alone, so first of all it has to be known which version
of the tables they are of: the spool says so, or else it is the newest of those that most of the rows fit. They are put
into tables of that version, which are brought up to date then like those of any older spool.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from relays.base import systemd
from relays.storage import salvage, schema
from relays.storage.introspection import SQLITE
from relays.storage.migrations import upgrade
from relays.storage.salvage import Value
from relays.storage.schema import SchemaError, Tables

_ROWS_A_NOTE = 10_000
# What only a damaged page can hold: messages are written as JSON objects.
UNREADABLE = """
outbox WHERE state <> 'done' AND CASE WHEN json_valid(message) THEN json_type(message) <> 'object' ELSE TRUE END
"""


@dataclass(frozen=True)
class Rescue:
    """What was brought over from a damaged file: how many notifications that wait, are parked, are delivered."""

    waiting: int
    parked: int
    delivered: int
    kept: Path


@dataclass(frozen=True)
class _Layout:
    """How the rows of a table lie in a file; those from before a column was added end before it, at `shortest`.

    `required` says of each column whether something stands there in every row. `key` is the place of the column that
    is the number of its row, and stored as NULL then.
    """

    names: Sequence[str]
    types: Sequence[str]
    required: Sequence[bool]
    key: int | None
    shortest: int

    def fits(self, values: Sequence[Value]) -> bool:
        is_whole = not any(
            value is None and required for value, required in zip(values, self.required, strict=False)
        )
        return is_whole and self.shortest <= len(values) and salvage.fits(values, self.types[: len(values)])


_Layouts = Mapping[str, _Layout]
# What a row is known by.
_Kind = tuple[type, ...]


def rescue(file: Path, db: sqlite3.Connection, kept: Path, parts: Sequence[Tables]) -> Rescue:
    """Put all rows that can be read into `db`, which is empty, each into the table that it fits into.

    SchemaError if a newer release has written them.
    """
    layouts: dict[str, _Layout] = {}
    for tables, version in _versions(file, parts):
        schema.put_version(db, tables, schema.create(db, tables, version, SQLITE), SQLITE)
        layouts.update(_history(tables)[version])
    fitting: dict[_Kind, list[str]] = {}
    for number, values in _rows(file):
        kind = tuple(map(type, values))
        if kind not in fitting:
            fitting[kind] = [table for table, layout in layouts.items() if layout.fits(values)]
        for table in fitting[kind]:
            _insert(db, table, layouts[table], number, values)
    db.execute("DELETE FROM" + UNREADABLE)
    upgrade(db, parts, SQLITE)
    counts = dict(db.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())
    # What a source has taken and not processed yet waits as well.
    inboxes = [table for part in parts for table in part.waiting if table != "outbox"]
    pending = sum(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in inboxes)  # noqa: S608
    return Rescue(counts.get("ready", 0) + pending, counts.get("parked", 0), counts.get("done", 0), kept)


def _versions(file: Path, parts: Sequence[Tables]) -> list[tuple[Tables, int]]:
    """Each part with the version that the rows of the file are of."""
    said: dict[str, int] = {}
    kinds: dict[_Kind, Sequence[Value]] = {}
    counts: Counter[_Kind] = Counter()
    for _, values in _rows(file):
        kind = tuple(map(type, values))
        counts[kind] += 1
        kinds.setdefault(kind, values)
        match values:
            case [str(part), int(version), int()]:
                said[part] = version
    found: list[tuple[Tables, int]] = []
    for tables in parts:
        version = said.get(tables.part) or _likeliest(tables, kinds, counts)
        if version > tables.version:
            raise SchemaError(
                f"it is damaged, and its {tables.part} tables are of version {version}, which a newer release has"
                " made: deploy that one again, which rescues what can be read"
            )
        found.append((tables, version))
    return found


def _likeliest(tables: Tables, kinds: Mapping[_Kind, Sequence[Value]], counts: Counter[_Kind]) -> int:
    def fitting(version: int) -> int:
        layouts = _history(tables)[version].values()
        return sum(
            counts[kind] for kind, values in kinds.items() if any(each.fits(values) for each in layouts)
        )

    return max(range(1, tables.version + 1), key=lambda version: (fitting(version), version))


def _history(tables: Tables) -> dict[int, _Layouts]:
    """How the rows of each table lie in a file of each version."""
    history: dict[int, _Layouts] = {}
    for version in range(1, tables.version + 1):
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
            schema.create(db, tables, version, SQLITE)
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            described = {name: db.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
        history[version] = {
            table: _layout(columns, [layouts[table] for layouts in history.values() if table in layouts])
            for table, columns in described.items()
        }
    return history


def _layout(columns: Sequence[tuple[int, str, str, int, object, int]], before: Sequence[_Layout]) -> _Layout:
    names = [name for _, name, *_ in columns]
    keys = [place for place, *_, part_of_key in columns if part_of_key]
    return _Layout(
        names,
        [declared for _, _, declared, *_ in columns],
        [bool(required) for _, _, _, required, *_ in columns],
        keys[0] if len(keys) == 1 else None,
        min(
            (len(each.names) for each in before if names[: len(each.names)] == each.names),
            default=len(names),
        ),
    )


def _rows(file: Path) -> Iterator[tuple[int, list[Value]]]:
    for count, row in enumerate(salvage.rows(file, file.with_name(f"{file.name}-wal"))):
        if count % _ROWS_A_NOTE == 0:
            systemd.notify(systemd.LONG_START)
        yield row


def _insert(
    db: sqlite3.Connection, table: str, layout: _Layout, number: int, values: Sequence[Value]
) -> None:
    whole = [number if place == layout.key and value is None else value for place, value in enumerate(values)]
    names = ", ".join(layout.names[: len(whole)])
    marks = ", ".join("?" * len(whole))
    with suppress(sqlite3.IntegrityError):  # damaged in a way that can still be read
        db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING", whole)  # noqa: S608
