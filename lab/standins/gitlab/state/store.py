"""The durable state: one SQLite database, shared by all threads of the process."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS application_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY, username TEXT UNIQUE NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL,
    password_hash BLOB NOT NULL, password_salt BLOB NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS access_tokens (
    id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), digest TEXT UNIQUE NOT NULL,
    scope TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS namespaces (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
    full_path TEXT UNIQUE NOT NULL, parent_id INTEGER, visibility TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, namespace_id INTEGER NOT NULL REFERENCES namespaces(id),
    name TEXT NOT NULL, path TEXT NOT NULL, description TEXT, visibility TEXT NOT NULL,
    default_branch TEXT NOT NULL, creator_id INTEGER NOT NULL, created_at TEXT NOT NULL,
    archived INTEGER NOT NULL DEFAULT 0, UNIQUE (namespace_id, path), UNIQUE (namespace_id, name));
CREATE TABLE IF NOT EXISTS redirects (
    full_path TEXT PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE);
CREATE TABLE IF NOT EXISTS shares (
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    group_id INTEGER NOT NULL REFERENCES namespaces(id), PRIMARY KEY (project_id, group_id));
CREATE TABLE IF NOT EXISTS labels (
    id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    title TEXT NOT NULL, color TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE (project_id, title));
CREATE TABLE IF NOT EXISTS issues (
    id INTEGER PRIMARY KEY AUTOINCREMENT, iid INTEGER NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    title TEXT NOT NULL, description TEXT, state TEXT NOT NULL, confidential INTEGER NOT NULL,
    author_id INTEGER NOT NULL, assignee_ids TEXT NOT NULL, labels TEXT NOT NULL, updated_by_id INTEGER,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, closed_at TEXT, due_date TEXT, UNIQUE (project_id, iid));
CREATE TABLE IF NOT EXISTS merge_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, iid INTEGER NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    title TEXT NOT NULL, description TEXT, state TEXT NOT NULL, source_branch TEXT NOT NULL,
    target_branch TEXT NOT NULL, source_sha TEXT NOT NULL, remove_source_branch INTEGER NOT NULL,
    author_id INTEGER NOT NULL, assignee_ids TEXT NOT NULL, reviewer_ids TEXT NOT NULL, labels TEXT NOT NULL,
    updated_by_id INTEGER, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, closed_at TEXT,
    merged_at TEXT, merge_user_id INTEGER, merge_commit_sha TEXT, UNIQUE (project_id, iid));
CREATE TABLE IF NOT EXISTS review_requests (
    merge_request_id INTEGER NOT NULL REFERENCES merge_requests(id) ON DELETE CASCADE, user_id INTEGER NOT NULL,
    created_at TEXT NOT NULL, PRIMARY KEY (merge_request_id, user_id));
CREATE TABLE IF NOT EXISTS approvals (
    id INTEGER PRIMARY KEY, merge_request_id INTEGER NOT NULL REFERENCES merge_requests(id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL, created_at TEXT NOT NULL, UNIQUE (merge_request_id, user_id));
CREATE TABLE IF NOT EXISTS milestones (
    id INTEGER PRIMARY KEY AUTOINCREMENT, iid INTEGER NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    title TEXT NOT NULL, description TEXT, state TEXT NOT NULL, due_date TEXT, start_date TEXT,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, UNIQUE (project_id, iid), UNIQUE (project_id, title));
CREATE TABLE IF NOT EXISTS pipelines (
    id INTEGER PRIMARY KEY AUTOINCREMENT, iid INTEGER NOT NULL,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    sha TEXT NOT NULL, ref TEXT NOT NULL, status TEXT NOT NULL, source TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, UNIQUE (project_id, iid));
CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    noteable_type TEXT NOT NULL, noteable_id INTEGER NOT NULL, author_id INTEGER NOT NULL, body TEXT NOT NULL,
    internal INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS hooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    url TEXT NOT NULL, token TEXT, signing_token TEXT, custom_headers TEXT NOT NULL, attributes TEXT NOT NULL,
    created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pending_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, hook_id INTEGER NOT NULL REFERENCES hooks(id) ON DELETE CASCADE,
    trigger TEXT NOT NULL, payload TEXT NOT NULL, idempotency_key TEXT NOT NULL, event_uuid TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS hook_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, hook_id INTEGER NOT NULL REFERENCES hooks(id) ON DELETE CASCADE,
    trigger TEXT NOT NULL, url TEXT NOT NULL, request_headers TEXT NOT NULL, request_data TEXT NOT NULL,
    response_headers TEXT NOT NULL, response_body TEXT NOT NULL, response_status TEXT NOT NULL,
    internal_error_message TEXT, execution_duration REAL NOT NULL, created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS hook_logs_by_hook ON hook_logs (hook_id, id);
"""

# Data of a lab that was brought up before these were there are taken as they are.
_ADDED = {
    "access_tokens": {
        "name": "TEXT DEFAULT 'automation'",
        "expires_at": "TEXT",
        "revoked": "INTEGER DEFAULT 0",
    }
}


class Store:
    """One connection behind a lock; every statement commits unless it is inside `transaction()`."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.executescript(SCHEMA)
        for table, columns in _ADDED.items():
            known = {row["name"] for row in self.all(f"PRAGMA table_info({table})")}
            for column, kind in columns.items():
                if column not in known:
                    self.run(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")

    def all(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        """Every row that a query yields."""
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()

    def first(self, sql: str, *parameters: Any) -> sqlite3.Row | None:
        """The first row that a query yields, or None."""
        with self._lock:
            row: sqlite3.Row | None = self._connection.execute(sql, parameters).fetchone()
            return row

    def count(self, sql: str, *parameters: Any) -> int:
        """The single number that a query yields."""
        row = self.first(sql, *parameters)
        return int(row[0]) if row is not None and row[0] is not None else 0

    def run(self, sql: str, *parameters: Any) -> int:
        """Carry out a statement; returns the id of the inserted row."""
        with self._lock:
            return self._connection.execute(sql, parameters).lastrowid or 0

    def insert(self, table: str, **values: Any) -> int:
        """Insert one row; lists and dictionaries are stored as JSON. Returns its id."""
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        return self.run(f"INSERT INTO {table} ({names}) VALUES ({marks})", *map(_column, values.values()))  # noqa: S608

    def update(self, table: str, row_id: int, **values: Any) -> None:
        """Change columns of the row with this id; lists and dictionaries are stored as JSON."""
        assignments = ", ".join(f"{name} = ?" for name in values)
        self.run(f"UPDATE {table} SET {assignments} WHERE id = ?", *map(_column, values.values()), row_id)  # noqa: S608

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the statements inside one unit that other threads see whole or not at all."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _column(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
