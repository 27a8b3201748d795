"""The table of the outbox, and how it came to be what it is; how to change it is written in relays.storage.schema."""

from relays.storage.introspection import Columns
from relays.storage.schema import Migration, Tables

_TABLE = """
CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY,
    channel      TEXT NOT NULL,
    delivery_key TEXT NOT NULL,
    message      TEXT NOT NULL,
    summary      TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('ready', 'done', 'parked')),
    alone        BOOLEAN NOT NULL DEFAULT FALSE,
    run_at       DOUBLE PRECISION NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    claim_id     TEXT,
    lease_until  DOUBLE PRECISION,
    last_error   TEXT,
    created_at   DOUBLE PRECISION NOT NULL,
    finished_at  DOUBLE PRECISION,
    UNIQUE (channel, delivery_key)
);
"""
_INDEXES = """
-- With the state in them, these answer without a look at the table.
CREATE INDEX outbox_line ON outbox (channel, id, state) WHERE state = 'ready';
CREATE INDEX outbox_done ON outbox (finished_at, state) WHERE state = 'done';
CREATE INDEX outbox_parked ON outbox (id, state) WHERE state = 'parked';
CREATE INDEX outbox_claimed ON outbox (claim_id) WHERE claim_id IS NOT NULL;
"""

# The conversations of a bot (relays.delivery.roots).
_CONVERSATION = """
CREATE TABLE conversation (
    id          INTEGER PRIMARY KEY,
    channel     TEXT NOT NULL,
    name        TEXT NOT NULL,
    wanted      TEXT NOT NULL,
    wanted_key  TEXT NOT NULL,
    summary     TEXT NOT NULL,
    touched_at  DOUBLE PRECISION NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    post_id     TEXT,
    root_key    TEXT,
    shown       TEXT,
    due_at      DOUBLE PRECISION,
    pending_key TEXT,
    pending_at  DOUBLE PRECISION,
    claim_id    TEXT,
    lease_until DOUBLE PRECISION,
    UNIQUE (channel, name)
);
CREATE INDEX conversation_due ON conversation (channel, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX conversation_claimed ON conversation (claim_id) WHERE claim_id IS NOT NULL;
CREATE INDEX conversation_touched ON conversation (touched_at);
"""

# The first two versions were never on PostgreSQL, so what leads from them and back is only for SQLite.
_VERSION_1 = """
CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY,
    delivery_key TEXT NOT NULL UNIQUE,
    channel      TEXT NOT NULL,
    message      TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('ready', 'done', 'parked')),
    run_at       DOUBLE PRECISION NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    claim_id     TEXT,
    lease_until  DOUBLE PRECISION,
    last_error   TEXT,
    created_at   DOUBLE PRECISION NOT NULL,
    finished_at  DOUBLE PRECISION
);
"""
_VERSION_2 = """
CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY,
    channel      TEXT NOT NULL,
    delivery_key TEXT NOT NULL,
    message      TEXT NOT NULL,
    summary      TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('ready', 'done', 'parked')),
    run_at       DOUBLE PRECISION NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    claim_id     TEXT,
    lease_until  DOUBLE PRECISION,
    last_error   TEXT,
    created_at   DOUBLE PRECISION NOT NULL,
    finished_at  DOUBLE PRECISION,
    UNIQUE (channel, delivery_key)
);
"""
_INDEXES_1_AND_2 = """
CREATE INDEX outbox_line ON outbox (channel, id) WHERE state = 'ready';
CREATE INDEX outbox_finished ON outbox (state, finished_at) WHERE state <> 'ready';
"""
_KEPT = "state, run_at, attempts, claim_id, lease_until, last_error, created_at, finished_at"


def _recognise(tables: Columns) -> int | None:
    columns = tables.get("outbox")
    if columns is None:
        return None
    if "attempt_at" in columns:
        return 5
    if "alone" in columns:
        return 3
    return 2 if "summary" in columns else 1


OUTBOX = Tables(
    "outbox",
    4,
    _TABLE + _INDEXES,
    _recognise,
    (
        # A notification goes to several channels, each with its summary for digests.
        Migration(
            2,
            up=f"""
ALTER TABLE outbox RENAME TO outbox_1;
{_VERSION_2}
INSERT INTO outbox (id, channel, delivery_key, message, summary, {_KEPT})
    SELECT id, channel, delivery_key, message,
        coalesce(json_extract(message, '$.attachments[0].fallback'), json_extract(message, '$.text'), ''), {_KEPT}
    FROM outbox_1 ORDER BY id;
DROP TABLE outbox_1;
{_INDEXES_1_AND_2}
""",
            down=f"""
ALTER TABLE outbox RENAME TO outbox_2;
{_VERSION_1}
-- A key of several channels stays what it is for the first of them.
INSERT INTO outbox (id, delivery_key, channel, message, {_KEPT})
    SELECT id, delivery_key || CASE WHEN id = first THEN '' ELSE ' ' || channel END, channel, message, {_KEPT}
    FROM outbox_2 JOIN (SELECT delivery_key AS of_key, min(id) AS first FROM outbox_2 GROUP BY delivery_key)
        ON delivery_key = of_key ORDER BY id;
DROP TABLE outbox_2;
{_INDEXES_1_AND_2}
""",
            # They want a key to be unique by itself, and give no summary.
            breaks=(1,),
        ),
        # What Mattermost refused together goes alone.
        Migration(
            3,
            up=f"""
ALTER TABLE outbox RENAME TO outbox_2;
{_TABLE}
INSERT INTO outbox (id, channel, delivery_key, message, summary, {_KEPT})
    SELECT id, channel, delivery_key, message, summary, {_KEPT} FROM outbox_2 ORDER BY id;
DROP TABLE outbox_2;
{_INDEXES}
""",
            down=f"""
DROP INDEX outbox_line;
DROP INDEX outbox_done;
DROP INDEX outbox_parked;
DROP INDEX outbox_claimed;
ALTER TABLE outbox DROP COLUMN alone;
{_INDEXES_1_AND_2}
""",
        ),
        # Claims go by the name of a state directory; those by the name of a host nobody would give back.
        Migration(
            4,
            up="""
UPDATE outbox SET claim_id = NULL, lease_until = NULL WHERE claim_id IS NOT NULL AND substr(claim_id, 37, 1) <> '/';
""",
            down="",
        ),
        # A bot answers in the conversation that a notification belongs to; one that is silent only changes its root.
        Migration(
            5,
            up=f"""
ALTER TABLE outbox ADD COLUMN conversation TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN silent BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE outbox ADD COLUMN attempt_at DOUBLE PRECISION;
CREATE INDEX outbox_conversation ON outbox (channel, conversation, id) WHERE state = 'ready';
{_CONVERSATION}
""",
            down="""
DROP TABLE conversation;
DROP INDEX outbox_conversation;
ALTER TABLE outbox DROP COLUMN attempt_at;
ALTER TABLE outbox DROP COLUMN silent;
ALTER TABLE outbox DROP COLUMN conversation;
""",
        ),
    ),
    known=("conversation",),
    waiting=("outbox",),
)
