"""The SQLite database of the site: accounts, the file index, the trash.

Connections are short-lived: the web server and occ, two processes, share the file.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from lab.standins.nextcloud.config import Site

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
    mtime INTEGER NOT NULL,
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
"""


def create(site: Site) -> None:
    """Create the tables."""
    with connect(site) as connection:
        connection.executescript(_SCHEMA)


@contextmanager
def connect(site: Site) -> Iterator[sqlite3.Connection]:
    """Open the database for one transaction: committed on success, rolled back on an exception."""
    connection = sqlite3.connect(site.database, timeout=30)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = OFF")  # a lab's index may be lost with the machine
        with connection:
            yield connection
    finally:
        connection.close()
