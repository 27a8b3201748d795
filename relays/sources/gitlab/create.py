"""The statements that make the tables of the GitLab relay, and those of earlier versions; numbers are of versions."""

PIPELINES = """
CREATE TABLE pipelines (
    project  TEXT NOT NULL,
    ref      TEXT NOT NULL,
    pipeline BIGINT NOT NULL,
    status   TEXT NOT NULL,
    PRIMARY KEY (project, ref)
);
"""

MISSED = """
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

RECEIVED = """
CREATE TABLE received (
    id           INTEGER PRIMARY KEY,
    delivery_key TEXT NOT NULL,
    body         TEXT NOT NULL
);
"""

RECEIVED_3 = """
CREATE TABLE received (
    id           INTEGER PRIMARY KEY,
    delivery_key TEXT NOT NULL UNIQUE,
    body         TEXT,
    received_at  DOUBLE PRECISION NOT NULL
);
CREATE INDEX received_waiting ON received (id) WHERE body IS NOT NULL;
"""

KNOWN_4 = """
CREATE TABLE IF NOT EXISTS known_delivery (
    id           INTEGER PRIMARY KEY,
    delivery_key TEXT NOT NULL UNIQUE,
    received_at  DOUBLE PRECISION NOT NULL
);
"""

# `attempts`: how often a process has ended while it processed the delivery, and into no other one.
SUSPECT = """
CREATE TABLE suspect (
    delivery_key TEXT PRIMARY KEY,
    attempts     BIGINT NOT NULL
);
"""

DEAD_LETTER = """
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
MISSED_EVENT = """
CREATE TABLE missed_event (
    hook  BIGINT NOT NULL,
    entry BIGINT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (hook, entry)
);
"""

ACTS = """
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

CONVERSATIONS = """
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

REMINDED = """
CREATE TABLE reminded (
    id          INTEGER PRIMARY KEY,
    day         TEXT NOT NULL UNIQUE,
    reminded_at DOUBLE PRECISION NOT NULL
);
"""
