"""The tables of the GitLab relay, and how they came to be what they are; how to change them: relays.storage.schema.

The statements that make them are in relays.sources.gitlab.create, but for the name that stands here alone.
"""

from relays.sources.gitlab import create
from relays.storage.introspection import Columns
from relays.storage.schema import Migration, Tables

# Two tables, for a row that loses its body goes on taking a whole page in SQLite.
_PROCESSED = """
CREATE TABLE IF NOT EXISTS told_delivery (
    id           INTEGER PRIMARY KEY,
    delivery_key TEXT NOT NULL UNIQUE,
    told_at      DOUBLE PRECISION NOT NULL
);
"""


PROCESSED, PROCESSED_AT = "told_delivery", "told_at"
"""The table of processed deliveries and the column with the time, by the names that the spools of 1.0.0 have."""


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

# In this order, for rows of a damaged file are known by the types of their values.
_CHANNEL_IDS = """
CREATE TABLE channel_ids (
    id         INTEGER PRIMARY KEY,
    since      DOUBLE PRECISION NOT NULL,
    channel    TEXT NOT NULL UNIQUE,
    channel_id TEXT NOT NULL
);
"""

# In these orders for the same reason.
_SUBSCRIPTIONS = """
CREATE TABLE subscriptions (
    id         INTEGER PRIMARY KEY,
    chosen_at  DOUBLE PRECISION NOT NULL,
    channel_id TEXT NOT NULL,
    target     TEXT NOT NULL,
    conditions TEXT NOT NULL,
    chosen_by  TEXT NOT NULL,
    UNIQUE (channel_id, target, conditions)
);
CREATE TABLE subscribed_channels (
    id         INTEGER PRIMARY KEY,
    channel_id TEXT NOT NULL UNIQUE,
    seen_at    DOUBLE PRECISION NOT NULL,
    name       TEXT NOT NULL,
    state      TEXT NOT NULL
);
CREATE TABLE subscription_access (
    id         INTEGER PRIMARY KEY,
    channel_id TEXT NOT NULL,
    project    TEXT NOT NULL,
    refusal    TEXT NOT NULL,
    is_open    BOOLEAN NOT NULL,
    level      INTEGER NOT NULL,
    checked_at DOUBLE PRECISION NOT NULL,
    UNIQUE (channel_id, project)
);
ALTER TABLE channel_events ADD COLUMN subscription TEXT NOT NULL DEFAULT '';
"""

_NOTIFY_CHOICES = """
CREATE TABLE notify_choices (
    id        INTEGER PRIMARY KEY,
    person    TEXT NOT NULL UNIQUE,
    things    TEXT NOT NULL,
    quiet     TEXT NOT NULL,
    weekends  TEXT NOT NULL,
    timezone  TEXT NOT NULL,
    chosen_at DOUBLE PRECISION NOT NULL
);
ALTER TABLE direct_messages ADD COLUMN thing TEXT NOT NULL DEFAULT '';
ALTER TABLE direct_messages ADD COLUMN due_at DOUBLE PRECISION NOT NULL DEFAULT 0;
"""

# What waits may be taken for announced where the version of a damaged file could not be read.
AFTER_RESCUE = f"""
DELETE FROM {PROCESSED} WHERE delivery_key IN (SELECT delivery_key FROM received)
"""

LEFT_BEHIND = ("known_delivery",)
"""Tables of earlier versions that a spool may still hold, although nothing is in them."""


def _recognise(tables: Columns) -> int | None:
    if "notify_choices" in tables:
        return 17
    if "subscriptions" in tables:
        return 16
    if "channel_ids" in tables:
        return 15
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
    create.PIPELINES + create.MISSED + _PROCESSED + create.RECEIVED,
    _recognise,
    (
        Migration(2, up=create.MISSED),
        Migration(3, up=create.RECEIVED_3),
        # Keys of what was announced are kept apart from the bodies.
        Migration(
            4,
            up=f"""
ALTER TABLE received RENAME TO received_3;
{create.RECEIVED}
{create.KNOWN_4}
INSERT INTO received (delivery_key, body)
    SELECT delivery_key, body FROM received_3 WHERE body IS NOT NULL ORDER BY id;
INSERT INTO known_delivery (delivery_key, received_at)
    SELECT delivery_key, received_at FROM received_3 ORDER BY id ON CONFLICT DO NOTHING;
DROP TABLE received_3;
""",
            down=f"""
ALTER TABLE received RENAME TO received_4;
{create.RECEIVED_3}
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
{create.KNOWN_4}
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
{create.SUSPECT}
{create.DEAD_LETTER}
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
{create.MISSED_EVENT}
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
            up=create.ACTS,
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
            up=create.CONVERSATIONS,
            down="""
DROP TABLE conversation_states;
DROP TABLE conversation_roots;
DROP TABLE direct_messages;
""",
        ),
        # The days on which people have been reminded.
        Migration(11, up=create.REMINDED, down="DROP TABLE reminded;"),
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
        # Which channel is meant by a name.
        Migration(15, up=_CHANNEL_IDS, down="DROP TABLE channel_ids;"),
        # What channels have subscribed to, and what an event is in a channel for.
        Migration(
            16,
            up=_SUBSCRIPTIONS,
            down="""
DROP TABLE subscriptions;
DROP TABLE subscribed_channels;
DROP TABLE subscription_access;
ALTER TABLE channel_events DROP COLUMN subscription;
""",
        ),
        # What people want to hear of in person, and when.
        Migration(
            17,
            up=_NOTIFY_CHOICES,
            down="""
DROP TABLE notify_choices;
ALTER TABLE direct_messages DROP COLUMN thing;
ALTER TABLE direct_messages DROP COLUMN due_at;
""",
        ),
    ),
    known=(
        PROCESSED,
        "dead_letter",
        "conversation_states",
        "conversation_roots",
        "reminded",
        "channel_events",
        "silences",
        "channel_ids",
        "subscriptions",
        "subscribed_channels",
        "subscription_access",
        "notify_choices",
    ),
    waiting=("received", "direct_messages"),
)
