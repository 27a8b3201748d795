"""Durable state: one SQLite database in the data folder.

Write-ahead logging keeps committed work through a SIGKILL of the process, which is what the lab needs.
The server is one process with one thread that touches the database, so there is no locking here.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id TEXT PRIMARY KEY, create_at INTEGER, update_at INTEGER, delete_at INTEGER DEFAULT 0,
    username TEXT UNIQUE, email TEXT UNIQUE, nickname TEXT DEFAULT '', first_name TEXT DEFAULT '',
    last_name TEXT DEFAULT '', position TEXT DEFAULT '', roles TEXT, password TEXT DEFAULT '',
    failed_attempts INTEGER DEFAULT 0, bot_owner TEXT, bot_description TEXT, locale TEXT DEFAULT 'en');
CREATE TABLE IF NOT EXISTS sessions (token TEXT PRIMARY KEY, user_id TEXT, create_at INTEGER);
CREATE TABLE IF NOT EXISTS access_tokens (
    id TEXT PRIMARY KEY, token TEXT UNIQUE, user_id TEXT, description TEXT);
CREATE TABLE IF NOT EXISTS config (id INTEGER PRIMARY KEY CHECK (id = 1), document TEXT);
CREATE TABLE IF NOT EXISTS teams (
    id TEXT PRIMARY KEY, create_at INTEGER, update_at INTEGER, delete_at INTEGER DEFAULT 0,
    name TEXT UNIQUE, display_name TEXT, description TEXT, email TEXT, type TEXT, invite_id TEXT,
    allow_open_invite INTEGER);
CREATE TABLE IF NOT EXISTS team_members (
    team_id TEXT, user_id TEXT, scheme_admin INTEGER DEFAULT 0, delete_at INTEGER DEFAULT 0,
    PRIMARY KEY (team_id, user_id));
CREATE TABLE IF NOT EXISTS channels (
    id TEXT PRIMARY KEY, create_at INTEGER, update_at INTEGER, delete_at INTEGER DEFAULT 0,
    team_id TEXT, type TEXT, display_name TEXT, name TEXT, header TEXT DEFAULT '', purpose TEXT DEFAULT '',
    last_post_at INTEGER DEFAULT 0, total_msg_count INTEGER DEFAULT 0, creator_id TEXT,
    UNIQUE (team_id, name));
CREATE TABLE IF NOT EXISTS channel_members (
    channel_id TEXT, user_id TEXT, scheme_admin INTEGER DEFAULT 0, last_viewed_at INTEGER DEFAULT 0,
    msg_count INTEGER DEFAULT 0, mention_count INTEGER DEFAULT 0, last_update_at INTEGER,
    PRIMARY KEY (channel_id, user_id));
CREATE TABLE IF NOT EXISTS hooks (
    id TEXT PRIMARY KEY, create_at INTEGER, update_at INTEGER, delete_at INTEGER DEFAULT 0, user_id TEXT,
    channel_id TEXT, team_id TEXT, display_name TEXT, description TEXT, username TEXT, icon_url TEXT,
    channel_locked INTEGER);
CREATE TABLE IF NOT EXISTS posts (
    id TEXT PRIMARY KEY, create_at INTEGER UNIQUE, update_at INTEGER, delete_at INTEGER DEFAULT 0,
    user_id TEXT, channel_id TEXT, root_id TEXT, message TEXT, type TEXT, props TEXT, metadata TEXT,
    edit_at INTEGER DEFAULT 0, is_pinned INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS reactions (
    user_id TEXT, post_id TEXT, emoji_name TEXT, create_at INTEGER, update_at INTEGER,
    PRIMARY KEY (user_id, post_id, emoji_name));
CREATE TABLE IF NOT EXISTS emoji (
    id TEXT PRIMARY KEY, create_at INTEGER, update_at INTEGER, delete_at INTEGER DEFAULT 0, creator_id TEXT,
    name TEXT, image BLOB);
CREATE TABLE IF NOT EXISTS commands (
    id TEXT PRIMARY KEY, token TEXT, create_at INTEGER, update_at INTEGER, delete_at INTEGER DEFAULT 0,
    creator_id TEXT, team_id TEXT, trigger TEXT, method TEXT, username TEXT, icon_url TEXT,
    auto_complete INTEGER, auto_complete_desc TEXT, auto_complete_hint TEXT, display_name TEXT,
    description TEXT, url TEXT);
CREATE TABLE IF NOT EXISTS command_responses (
    id TEXT PRIMARY KEY, create_at INTEGER, command_id TEXT, user_id TEXT, channel_id TEXT, root_id TEXT,
    uses INTEGER);
CREATE TABLE IF NOT EXISTS ephemeral_posts (
    id TEXT PRIMARY KEY, create_at INTEGER UNIQUE, user_id TEXT, channel_id TEXT, name TEXT, message TEXT,
    props TEXT);
CREATE INDEX IF NOT EXISTS posts_of_channel ON posts (channel_id, create_at);
CREATE INDEX IF NOT EXISTS reactions_of_post ON reactions (post_id, create_at);
CREATE INDEX IF NOT EXISTS posts_of_thread ON posts (root_id, create_at) WHERE root_id <> '';
"""

_LATER = {
    "posts": {"edit_at": "INTEGER DEFAULT 0", "is_pinned": "INTEGER DEFAULT 0"},
    "users": {"locale": "TEXT DEFAULT 'en'"},
    "team_members": {"delete_at": "INTEGER DEFAULT 0"},
}
"""Columns that a database of an earlier version of the stand-in lacks."""

_ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769"


def new_id() -> str:
    """A new 26-character id in Mattermost's alphabet."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(26))


class Store:
    """The database and the clock of one server."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._away = folder / "database-down"
        self._connection = sqlite3.connect(folder / "mattermost.sqlite3", isolation_level=None)
        self._connection.row_factory = lambda cursor, row: {
            column[0]: value for column, value in zip(cursor.description, row, strict=True)
        }
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)
        for table, columns in _LATER.items():
            there = {row["name"] for row in self.all(f"PRAGMA table_info({table})")}
            for name in columns.keys() - there:
                self.execute(f"ALTER TABLE {table} ADD COLUMN {name} {columns[name]}")
        newest = self.one("SELECT coalesce(max(create_at), 0) AS at FROM posts")
        self._last: int = newest["at"] if newest else 0

    @property
    def is_away(self) -> bool:
        """Whether the database is to look as if it did not answer (``outage``)."""
        return self._away.exists()

    def now(self) -> int:
        """Milliseconds since 1970, strictly increasing, so that posts have one order."""
        self._last = max(self._last + 1, time.time_ns() // 1_000_000)
        return self._last

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside, or nothing if an exception leaves the block."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def one(self, sql: str, *values: object) -> Row | None:
        """The first row of the result, if any."""
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: object) -> list[Row]:
        """All rows of the result."""
        return self._connection.execute(sql, values).fetchall()

    def execute(self, sql: str, *values: object) -> None:
        """Run a statement without a result."""
        self._connection.execute(sql, values)

    def get(self, table: str, id: str) -> Row | None:
        """The row with this id."""
        return self.one(f"SELECT * FROM {table} WHERE id = ?", id)  # noqa: S608 - table is a literal of ours

    def insert(self, table: str, values: Mapping[str, object]) -> None:
        """Add one row."""
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        self.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", *values.values())  # noqa: S608

    def update(self, table: str, id: str, values: Mapping[str, object]) -> None:
        """Change columns of the row with this id."""
        columns = ", ".join(f"{column} = ?" for column in values)
        self.execute(f"UPDATE {table} SET {columns} WHERE id = ?", *values.values(), id)  # noqa: S608
