"""The tables of the Nextcloud relay, and how they came to be what they are; how to change them: storage.schema."""

from relays.storage.introspection import Columns
from relays.storage.schema import Migration, Tables

_RESCUED = """
CREATE TABLE rescued_trees (
    tree         TEXT PRIMARY KEY,
    known_before DOUBLE PRECISION NOT NULL  -- what changed before is no news, although documents may not have it
);
"""
_SCRIPT = f"""
CREATE TABLE trees (
    tree TEXT PRIMARY KEY  -- looked at once, so that what is not in documents is new
);
CREATE TABLE documents (
    tree     TEXT NOT NULL,
    path     BLOB NOT NULL,  -- relative; names need not be UTF-8
    inode    BIGINT NOT NULL,
    size     BIGINT NOT NULL,
    mtime_ns BIGINT NOT NULL,
    ctime_ns BIGINT NOT NULL,
    PRIMARY KEY (tree, path)
);
{_RESCUED}
"""

# A document that was announced may be missing in what was rescued, one that changed after all of it is in there is
# new. What had changed a moment before may not have been announced yet: rather twice than never.
AFTER_RESCUE = """
INSERT INTO rescued_trees (tree, known_before) SELECT tree, max(ctime_ns) / 1e9 - 60 FROM documents GROUP BY tree
"""


# Up to here the date of a document on WebDAV was a digest of its etag.
_DOCUMENTS_FOUND_BY_INODE = """
CREATE INDEX documents_by_inode ON documents (tree, inode);
UPDATE documents SET mtime_ns = -1 WHERE tree LIKE 'webdav:%';
CREATE TABLE activity_read (
    account  TEXT PRIMARY KEY,
    position BIGINT NOT NULL  -- up to which row the activity of the account is accounted for in the documents
);
"""


# The conversation about a document goes with it where it moves; empty: there is none yet.
_CONVERSATIONS = "ALTER TABLE documents ADD COLUMN conversation TEXT NOT NULL DEFAULT '';"


# The conversations that begin with a document that people can take, and who has.
_THREADS = """
CREATE TABLE document_threads (
    conversation TEXT PRIMARY KEY,
    channel      TEXT NOT NULL,
    tree         TEXT NOT NULL,
    since        DOUBLE PRECISION NOT NULL,  -- when it was announced
    reminds      BOOLEAN NOT NULL,  -- whether a reminder is to come
    signed_by    TEXT NOT NULL,  -- the key that its button is signed with
    user_id      TEXT NOT NULL DEFAULT '',
    user_name    TEXT NOT NULL DEFAULT '',
    taken_at     DOUBLE PRECISION
);
CREATE INDEX document_threads_reminding ON document_threads (tree, since) WHERE reminds;
CREATE INDEX documents_by_conversation ON documents (conversation) WHERE conversation <> '';
"""


def _recognise(tables: Columns) -> int | None:
    if "documents" not in tables:
        return None
    if "document_threads" in tables:
        return 5
    if "conversation" in tables["documents"]:
        return 4
    if "activity_read" in tables:
        return 3
    return 2 if "rescued_trees" in tables else 1


_MIGRATIONS = (
    Migration(2, up=_RESCUED, down="DROP TABLE rescued_trees;"),
    Migration(
        3, up=_DOCUMENTS_FOUND_BY_INODE, down="DROP INDEX documents_by_inode;\nDROP TABLE activity_read;"
    ),
    # Relays of the first two versions insert documents without naming the columns.
    Migration(4, up=_CONVERSATIONS, down="ALTER TABLE documents DROP COLUMN conversation;", breaks=(1, 2)),
    Migration(5, up=_THREADS, down="DROP INDEX documents_by_conversation;\nDROP TABLE document_threads;"),
)

NEXTCLOUD = Tables("nextcloud", 2, _SCRIPT, _recognise, _MIGRATIONS)
