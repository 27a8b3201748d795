"""The tables of the GitLab relay, and how they came to be what they are; how to change them: relays.storage.schema."""

from relays.storage.introspection import Columns
from relays.storage.schema import Migration, Tables

_PIPELINES = """
CREATE TABLE pipelines (
    project  TEXT NOT NULL,
    ref      TEXT NOT NULL,
    pipeline BIGINT NOT NULL,
    status   TEXT NOT NULL,
    PRIMARY KEY (project, ref)
);
"""
_MISSED = """
CREATE TABLE missed_delivery (
    hook         BIGINT NOT NULL,
    entry        BIGINT NOT NULL,
    logged_at    DOUBLE PRECISION NOT NULL,
    delivery_key TEXT NOT NULL,
    body         TEXT,
    PRIMARY KEY (hook, entry)
);
CREATE INDEX missed_delivery_waiting ON missed_delivery (logged_at, entry) WHERE body IS NOT NULL;
CREATE TABLE hook_log_read (
    hook         BIGINT PRIMARY KEY,
    up_to        DOUBLE PRECISION NOT NULL
);
"""
# Two tables, for a row that loses its body goes on taking a whole page in SQLite.
_PROCESSED = """
CREATE TABLE IF NOT EXISTS told_delivery (
    id           INTEGER PRIMARY KEY,
    delivery_key TEXT NOT NULL UNIQUE,
    told_at      DOUBLE PRECISION NOT NULL
);
"""
_RECEIVED = """
CREATE TABLE received (
    id           INTEGER PRIMARY KEY,
    delivery_key TEXT NOT NULL,
    body         TEXT NOT NULL
);
"""

_RECEIVED_3 = """
CREATE TABLE received (
    id           INTEGER PRIMARY KEY,
    delivery_key TEXT NOT NULL UNIQUE,
    body         TEXT,
    received_at  DOUBLE PRECISION NOT NULL
);
CREATE INDEX received_waiting ON received (id) WHERE body IS NOT NULL;
"""
_KNOWN_4 = """
CREATE TABLE IF NOT EXISTS known_delivery (
    id           INTEGER PRIMARY KEY,
    delivery_key TEXT NOT NULL UNIQUE,
    received_at  DOUBLE PRECISION NOT NULL
);
"""

# `attempts`: how often a process has ended while it processed the delivery, and into no other one.
_SUSPECT = """
CREATE TABLE suspect (
    delivery_key TEXT PRIMARY KEY,
    attempts     BIGINT NOT NULL
);
"""
_DEAD_LETTER = """
CREATE TABLE dead_letter (
    id           INTEGER PRIMARY KEY,
    delivery_key TEXT NOT NULL UNIQUE,
    body         TEXT NOT NULL,
    characters   BIGINT NOT NULL,
    reason       TEXT NOT NULL,
    died_at      DOUBLE PRECISION NOT NULL
);
"""

# Apart from the deliveries, to which relays of the version before add rows without naming columns.
_MISSED_EVENT = """
CREATE TABLE missed_event (
    hook  BIGINT NOT NULL,
    entry BIGINT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (hook, entry)
);
"""

_ACTS = """
CREATE TABLE held (
    delivery_key TEXT PRIMARY KEY NOT NULL,
    act          TEXT NOT NULL,
    run_at       DOUBLE PRECISION NOT NULL,
    until        DOUBLE PRECISION NOT NULL
);
CREATE INDEX held_act ON held (act);
CREATE TABLE announced (
    act          TEXT NOT NULL,
    channel      TEXT NOT NULL,
    said         TEXT NOT NULL,
    announced_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (act, channel)
);
CREATE INDEX announced_age ON announced (announced_at);
CREATE TABLE merge_requests (
    project        TEXT NOT NULL,
    iid            BIGINT NOT NULL,
    source_project TEXT NOT NULL,
    source_branch  TEXT NOT NULL,
    target_branch  TEXT NOT NULL,
    sha            TEXT NOT NULL,
    title          TEXT NOT NULL,
    url            TEXT NOT NULL,
    is_open        BOOLEAN NOT NULL,
    changed_at     DOUBLE PRECISION NOT NULL,
    seen_at        DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (project, iid)
);
CREATE TABLE branches (
    project TEXT NOT NULL,
    branch  TEXT NOT NULL,
    seen_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (project, branch)
);
CREATE INDEX merge_requests_source ON merge_requests (source_project, source_branch);
CREATE INDEX merge_requests_target ON merge_requests (project, target_branch, sha);
"""

PROCESSED, PROCESSED_AT = "told_delivery", "told_at"
"""The table of processed deliveries and the column with the time, by the names that the spools of 1.0.0 have."""

_CONVERSATIONS = """
CREATE TABLE conversation_states (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    state        TEXT NOT NULL,
    seen_at      DOUBLE PRECISION NOT NULL
);
CREATE INDEX conversation_states_age ON conversation_states (seen_at);
CREATE TABLE conversation_roots (
    id           INTEGER PRIMARY KEY,
    conversation TEXT NOT NULL,
    channel      TEXT NOT NULL,
    language     TEXT NOT NULL,
    detail       TEXT NOT NULL,
    shows        TEXT NOT NULL,
    UNIQUE (conversation, channel)
);
CREATE TABLE direct_messages (
    id           INTEGER PRIMARY KEY,
    notice       TEXT NOT NULL UNIQUE,
    username     TEXT NOT NULL,
    email        TEXT NOT NULL,
    text         TEXT NOT NULL,
    noted_at     DOUBLE PRECISION NOT NULL
);
"""

_REMINDED = """
CREATE TABLE reminded (
    id          INTEGER PRIMARY KEY,
    day         TEXT NOT NULL UNIQUE,
    reminded_at DOUBLE PRECISION NOT NULL
);
"""

_CHANNEL_EVENTS = """
CREATE TABLE channel_events (
    id           INTEGER PRIMARY KEY,
    channel      TEXT NOT NULL,
    delivery_key TEXT NOT NULL,
    kind         TEXT NOT NULL,
    subject      TEXT NOT NULL,
    project      TEXT NOT NULL,
    rule         TEXT NOT NULL,
    noted_at     DOUBLE PRECISION NOT NULL,
    UNIQUE (channel, delivery_key)
);
CREATE INDEX channel_events_latest ON channel_events (channel, id);
"""

_SILENCES = """
CREATE TABLE silences (
    id        INTEGER PRIMARY KEY,
    channel   TEXT NOT NULL,
    target    TEXT NOT NULL,
    until     DOUBLE PRECISION NOT NULL,
    chosen_by TEXT NOT NULL,
    chosen_at DOUBLE PRECISION NOT NULL,
    UNIQUE (channel, target)
);
"""

# What waits may be taken for announced where the version of a damaged file could not be read.
AFTER_RESCUE = f"""
DELETE FROM {PROCESSED} WHERE delivery_key IN (SELECT delivery_key FROM received)
"""

LEFT_BEHIND = ("known_delivery",)
"""Tables of earlier versions that a spool may still hold, although nothing is in them."""


def _recognise(tables: Columns) -> int | None:
    if "silences" in tables:
        return 14
    if "channel_events" in tables:
        return 13
    if "reminded" in tables:
        return 11
    if "conversation_states" in tables:
        return 10
    if "announced" in tables:
        return 9
    if "missed_event" in tables:
        return 8
    if "finished_at" in tables.get("pipelines", {}):
        return 7
    if "dead_letter" in tables:
        return 6
    # By what is oldest, for a newer release has left it as it was, and made its own tables beside it.
    if "received_at" in tables.get("received", {}):
        return 3
    if "known_delivery" in tables:
        return 4
    if "received" in tables:
        return 5
    if "missed_delivery" in tables:
        return 2
    return 1 if "pipelines" in tables else None


GITLAB = Tables(
    "gitlab",
    5,
    _PIPELINES + _MISSED + _PROCESSED + _RECEIVED,
    _recognise,
    (
        Migration(2, up=_MISSED),
        Migration(3, up=_RECEIVED_3),
        # Keys of what was announced are kept apart from the bodies.
        Migration(
            4,
            up=f"""
ALTER TABLE received RENAME TO received_3;
{_RECEIVED}
{_KNOWN_4}
INSERT INTO received (delivery_key, body)
    SELECT delivery_key, body FROM received_3 WHERE body IS NOT NULL ORDER BY id;
INSERT INTO known_delivery (delivery_key, received_at)
    SELECT delivery_key, received_at FROM received_3 ORDER BY id ON CONFLICT DO NOTHING;
DROP TABLE received_3;
""",
            down=f"""
ALTER TABLE received RENAME TO received_4;
{_RECEIVED_3}
INSERT INTO received (delivery_key, body, received_at)
    SELECT delivery_key, (SELECT min(body) FROM received_4 WHERE delivery_key = known_delivery.delivery_key),
        received_at
    FROM known_delivery ORDER BY id;
DROP TABLE received_4;
DROP TABLE known_delivery;
""",
            breaks=(3,),
        ),
        # A key is noted when its delivery is announced, and not when it comes.
        Migration(
            5,
            up=f"""
{_PROCESSED}
INSERT INTO told_delivery (delivery_key, told_at)
    SELECT delivery_key, received_at FROM known_delivery
    WHERE delivery_key NOT IN (SELECT delivery_key FROM received) ORDER BY id ON CONFLICT DO NOTHING;
-- The table itself is left to relays of the version before that still run, or run again.
DELETE FROM known_delivery;
""",
            down=f"""
{_KNOWN_4}
INSERT INTO known_delivery (delivery_key, received_at)
    SELECT delivery_key, told_at FROM told_delivery WHERE TRUE ORDER BY id ON CONFLICT DO NOTHING;
INSERT INTO known_delivery (delivery_key, received_at)
    SELECT delivery_key, coalesce((SELECT max(told_at) FROM told_delivery), 0) FROM received
    WHERE TRUE ORDER BY id ON CONFLICT DO NOTHING;
DROP TABLE told_delivery;
""",
        ),
        # What cannot be announced is kept for an operator to decide on. Older releases know nothing of it and lose
        # nothing.
        Migration(
            6,
            up=f"""
{_SUSPECT}
{_DEAD_LETTER}
""",
            down="""
DROP TABLE suspect;
DROP TABLE dead_letter;
""",
        ),
        # A pipeline that is retried ends once more under the same number.
        Migration(
            7,
            up="ALTER TABLE pipelines ADD COLUMN finished_at DOUBLE PRECISION NOT NULL DEFAULT 0;",
            down="ALTER TABLE pipelines DROP COLUMN finished_at;",
        ),
        # The header that says of what kind an event is may say that it is confidential.
        Migration(
            8,
            up=f"""
ALTER TABLE received ADD COLUMN event TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_letter ADD COLUMN event TEXT NOT NULL DEFAULT '';
{_MISSED_EVENT}
""",
            down="""
ALTER TABLE received DROP COLUMN event;
ALTER TABLE dead_letter DROP COLUMN event;
DROP TABLE missed_event;
""",
        ),
        # What several events say of one act is announced once.
        Migration(
            9,
            up=_ACTS,
            down="""
DROP TABLE held;
DROP TABLE announced;
DROP TABLE merge_requests;
DROP TABLE branches;
""",
        ),
        # What belongs together is a conversation, whose first post shows how things stand.
        Migration(
            10,
            up=_CONVERSATIONS,
            down="""
DROP TABLE conversation_states;
DROP TABLE conversation_roots;
DROP TABLE direct_messages;
""",
        ),
        # The days on which people have been reminded.
        Migration(11, up=_REMINDED, down="DROP TABLE reminded;"),
        # What is old is found without looking at all of it. Columns do not show whether an index is there.
        Migration(
            12,
            up="""
CREATE INDEX IF NOT EXISTS merge_requests_age ON merge_requests (seen_at);
CREATE INDEX IF NOT EXISTS branches_age ON branches (seen_at);
""",
            down="""
DROP INDEX merge_requests_age;
DROP INDEX branches_age;
""",
        ),
        # What became of events in their channels, for who asks there.
        Migration(13, up=_CHANNEL_EVENTS, down="DROP TABLE channel_events;"),
        # What people do not want to hear of for a while.
        Migration(14, up=_SILENCES, down="DROP TABLE silences;"),
    ),
    known=(
        PROCESSED,
        "dead_letter",
        "conversation_states",
        "conversation_roots",
        "reminded",
        "channel_events",
        "silences",
    ),
    waiting=("received", "direct_messages"),
)
