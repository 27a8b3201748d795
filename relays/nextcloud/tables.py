"""The tables of the Nextcloud relay, and how they came to be what they are; how to change them: relays.schema."""

from relays.schema import Migration, Tables
from relays.shape import Columns

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

# A document that was told of may be missing in what was rescued, one that changed after all of it is in there is
# new. What had changed a moment before may not have been told of yet: rather twice than never.
AFTER_RESCUE = """
INSERT INTO rescued_trees SELECT tree, max(ctime_ns) / 1e9 - 60 FROM documents GROUP BY tree
"""


def _recognise(tables: Columns) -> int | None:
    if "documents" not in tables:
        return None
    return 2 if "rescued_trees" in tables else 1


NEXTCLOUD = Tables("nextcloud", 2, _SCRIPT, _recognise, (Migration(2, up=_RESCUED),))
