"""The SQLite database of the site: accounts, the file index, the trash, shares, activity.

Connections are short-lived: the web server and occ, two processes, share the file.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from lab.standins.nextcloud.state.instance import Instance

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    uid TEXT PRIMARY KEY,
    displayname TEXT NOT NULL,
    password TEXT NOT NULL
);
-- What Nextcloud believes is on disk. `path` is relative to the home of `owner`: files/..., files_trashbin/...
CREATE TABLE IF NOT EXISTS filecache (
    fileid INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    path TEXT NOT NULL,
    parent TEXT NOT NULL,
    folder INTEGER NOT NULL,
    size INTEGER NOT NULL,
    -- The date that is shown, and that of the disk when it was looked at: a copy shows the date of what was copied.
    mtime INTEGER NOT NULL,
    storage_mtime INTEGER NOT NULL,
    -- When it was uploaded, 0 if it came otherwise.
    uploaded INTEGER NOT NULL DEFAULT 0,
    etag TEXT NOT NULL,
    UNIQUE (owner, path)
);
CREATE INDEX IF NOT EXISTS filecache_children ON filecache (owner, parent);
CREATE TABLE IF NOT EXISTS files_trash (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    location TEXT NOT NULL,
    UNIQUE (owner, name, timestamp)
);
CREATE TABLE IF NOT EXISTS app_passwords (
    uid TEXT NOT NULL,
    password TEXT NOT NULL
);
-- A recipient is an account; a link has a token instead.
CREATE TABLE IF NOT EXISTS shares (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    path TEXT NOT NULL,
    recipient TEXT NOT NULL,
    token TEXT NOT NULL,
    is_drop INTEGER NOT NULL
);
-- Who wrote which content of a file, by its date.
CREATE TABLE IF NOT EXISTS versions (
    fileid INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    size INTEGER NOT NULL,
    author TEXT NOT NULL,
    PRIMARY KEY (fileid, timestamp)
);
-- A row for each account that is concerned; `file` is the path in that account's files.
CREATE TABLE IF NOT EXISTS activity (
    activity_id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp INTEGER NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    user TEXT NOT NULL,
    nickname TEXT NOT NULL,
    affected TEXT NOT NULL,
    file TEXT NOT NULL,
    former TEXT NOT NULL,
    fileid INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS activity_of ON activity (affected, activity_id);
"""


def create(instance: Instance) -> None:
    """Create the tables."""
    with connect(instance) as connection:
        connection.executescript(_SCHEMA)


@contextmanager
def connect(instance: Instance) -> Iterator[sqlite3.Connection]:
    """Open the database for one transaction: committed on success, rolled back on an exception."""
    connection = sqlite3.connect(instance.database, timeout=30)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = OFF")  # a lab's index may be lost with the machine
        with connection:
            yield connection
    finally:
        connection.close()
