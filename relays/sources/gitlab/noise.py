"""What kinds of events have in common of what a site need not hear (relays.sources.gitlab.mute)."""

import re
from collections.abc import Iterator

from relays.sources.gitlab.payload import Payload

# How pipelines, jobs and deployments end.
ENDS = ("success", "failed", "canceled")
# Pipelines, jobs and deployments that get on by themselves, or never ran, in the order in which they get on (GitLab's
# code of 18.5 and 19.x).
PROGRESS = (
    *("created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "scheduled"),
    *("running", "canceling", "skipped"),
)
# As GitLab documents the users that stand for access tokens of projects and groups.
_BOT = re.compile(r"(?:project|group)_\d+_bot\w*", re.ASCII)


def is_by_bot(payload: Payload) -> bool:
    """Whether somebody with an access token did it."""
    return is_bot(payload.text("user", "username"))


def is_bot(user: str) -> bool:
    """Whether a user name, or all that a pattern stands for, is of an access token."""
    return bool(_BOT.fullmatch(user.replace("*", "1")))


def of_update(payload: Payload, actions: frozenset[str]) -> Iterator[str]:
    """Of issues and merge requests: updates without a change that people care about, or by a bot."""
    if actions == {"update"}:
        yield "empty_updates"
    if "update" in actions and actions.isdisjoint(("close", "reopen", "merge")) and is_by_bot(payload):
        yield "bots"


def of_progress(payload: Payload, actions: frozenset[str]) -> Iterator[str]:
    """Of pipelines, jobs and deployments: those that get on by themselves."""
    # A job that may be started, and need not be, keeps nobody waiting.
    optional = "manual" in actions and payload.flag("build_allow_failure")
    if optional or not actions or not actions.isdisjoint(PROGRESS):
        yield "intermediate"
