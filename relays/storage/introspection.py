"""What tables a database has, as it says itself: their columns, and what is unique in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relays.storage.engine import Dialect

Query = Callable[[str], Sequence[Any]]

Columns = Mapping[str, Mapping[str, bool]]
"""The tables with their columns, each with whether a row cannot be written without a value for it."""

SQLITE = Dialect(
    columns="""
SELECT t.name, c.name, c."notnull" AND c.dflt_value IS NULL AND NOT c.pk
FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'
""",
    keys="""
SELECT t.name, '', c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND c.pk
UNION ALL
SELECT t.name, i.name, c.name FROM sqlite_master t JOIN pragma_index_list(t.name) i JOIN pragma_index_info(i.name) c
WHERE t.type = 'table' AND i."unique" AND NOT i.partial
""",
)


def _ddl(statement: str) -> str:
    # What SQLite counts by itself.
    return statement.replace("INTEGER PRIMARY KEY", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")


POSTGRESQL = Dialect(
    columns="""
SELECT table_name, column_name, is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'
FROM information_schema.columns WHERE table_schema = current_schema()
""",
    keys="""
SELECT t.relname, i.relname, c.attname
FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = ANY (x.indkey)
WHERE x.indisunique AND x.indpred IS NULL AND t.relnamespace = to_regnamespace(current_schema())
""",
    # Those that only wait for their turn are starting as well; one at work has a session to read with. Relays that
    # share a spool are one user of the database, and see each other's names.
    busy="""
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND application_name = current_setting('application_name') AND wait_event IS DISTINCT FROM 'advisory'
""",
    ddl=_ddl,
)


@dataclass(frozen=True)
class Shape:
    """The tables of a database; of each the sets of columns that are unique together."""

    columns: Columns
    unique: Mapping[str, set[frozenset[str]]]

    def unlike(self, wanted: "Shape") -> str:
        """What statements that are made for the wanted tables would fail at, empty if nothing."""
        for table, columns in wanted.columns.items():
            there = self.columns.get(table)
            if there is None:
                return f"it has no table {table}"
            if missing := columns.keys() - there.keys():
                return f"its table {table} has no column {min(missing)}"
            if unknown := {name for name, is_required in there.items() if is_required} - columns.keys():
                return f"its table {table} has a column {min(unknown)} that nothing is written into"
            if lost := wanted.unique.get(table, set()) - self.unique.get(table, set()):
                return f"its table {table} has no key of {', '.join(sorted(min(lost, key=sorted)))}"
        return ""


def shape_of(query: Query, dialect: Dialect) -> Shape:
    """The tables that are there."""
    columns: dict[str, dict[str, bool]] = {}
    for table, column, is_required in query(dialect.columns):
        columns.setdefault(table, {})[column] = bool(is_required)
    keys: dict[tuple[str, str], set[str]] = {}
    for table, key, column in query(dialect.keys):
        keys.setdefault((table, key), set()).add(column)
    unique: dict[str, set[frozenset[str]]] = {}
    for (table, _), names in keys.items():
        unique.setdefault(table, set()).add(frozenset(names))
    return Shape(columns, unique)
