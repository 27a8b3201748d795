"""The tables of the GitLab relay: the outbox's and its own."""

from relays import outbox
from relays.gitlab import missed, pipelines, received

OWN = (pipelines.SCHEMA, missed.SCHEMA, received.SCHEMA)
ALL = (outbox.SCHEMA, *OWN)
