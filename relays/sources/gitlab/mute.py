"""What is muted because it is no news; a site can have each of them announced."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from relays.sources.gitlab.event import PROGRESS, Event

# As GitLab documents the users that stand for access tokens of projects and groups.
_BOT = re.compile(r"(?:project|group)_\d+_bot\w*", re.ASCII)


@dataclass(frozen=True)
class Mute:
    """What is muted.

    bots               comments, and updates of issues and merge requests, made with an access token
    child_pipelines    pipelines that belong to another pipeline
    comment_edits      comments that were changed
    echoes             what says again what was just told: by another hook, an update to a state that is announced, the
                       failure of a deployment that was rejected
    empty_updates      updates of issues and merge requests without a change that people care about
    intermediate       pipelines, jobs and deployments that get on by themselves; what waits for somebody is announced
    jobs               jobs, of which their pipeline tells
    merge_pushes       the push, and the end of the source branch, that GitLab sends besides a merge
    push_updates       the new commits of a merge request that its push tells of
    reactions          emoji
    reviews            the single comments and approvals of a review, which is announced as a whole

    Of echoes, merge_pushes, push_updates and reviews it takes more than the event itself to know (correlation).
    """

    bots: bool = True
    child_pipelines: bool = True
    comment_edits: bool = True
    echoes: bool = True
    empty_updates: bool = True
    intermediate: bool = True
    jobs: bool = True
    merge_pushes: bool = True
    push_updates: bool = True
    reactions: bool = True
    reviews: bool = True

    def reason(self, event: Event) -> str:
        """The name of the setting that mutes an event for what it is; empty if it is to be announced."""
        return next((name for name, applies in _RULES.items() if getattr(self, name) and applies(event)), "")


def _by_bot(event: Event) -> bool:
    actions = event.actions
    is_update = "update" in actions and actions.isdisjoint(("close", "reopen", "merge"))
    told = event.name == "note" or (event.name in ("issue", "merge_request") and is_update)
    return told and bool(_BOT.fullmatch(event.payload.text("user", "username")))


def _is_edit(event: Event) -> bool:
    return event.name == "note" and "create" not in event.actions


def _is_empty(event: Event) -> bool:
    return event.name in ("issue", "merge_request") and event.actions == {"update"}


def _is_intermediate(event: Event) -> bool:
    if event.name not in ("pipeline", "job", "deployment"):
        return False
    # A job that may be started, and need not be, keeps nobody waiting.
    optional = "manual" in event.actions and event.payload.flag("build_allow_failure")
    return optional or not event.actions or not event.actions.isdisjoint(PROGRESS)


_RULES: Mapping[str, Callable[[Event], bool]] = {
    "bots": _by_bot,
    "child_pipelines": lambda event: (
        event.name == "pipeline" and bool(event.payload.mapping("source_pipeline"))
    ),
    "comment_edits": _is_edit,
    "empty_updates": _is_empty,
    "intermediate": _is_intermediate,
    "jobs": lambda event: event.name == "job",
    "reactions": lambda event: event.name == "emoji",
}
