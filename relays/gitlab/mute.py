"""What is left untold because it is no news; a site can have each of them told."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from relays.gitlab.event import PROGRESS, Event
from relays.gitlab.events.common import is_nothing

# As GitLab documents the users that stand for access tokens of projects and groups.
_BOT = re.compile(r"(?:project|group)_\d+_bot\w*", re.ASCII)
# The last line of GitLab's own merge messages, unless a project words them otherwise.
_MERGED = re.compile(r"^See merge request \S*!\d+\s*\Z", re.MULTILINE)


@dataclass(frozen=True)
class Mute:
    """What is muted.

    bots               comments, and updates of issues and merge requests, made with an access token
    child_pipelines    pipelines that belong to another pipeline
    comment_edits      comments that were changed
    empty_updates      updates of issues and merge requests without a change that people care about
    intermediate       pipelines, jobs and deployments that get on by themselves; what waits for somebody is told
    jobs               jobs, of which their pipeline tells
    merge_pushes       the push that GitLab sends besides a merge
    reactions          emoji
    """

    bots: bool = True
    child_pipelines: bool = True
    comment_edits: bool = True
    empty_updates: bool = True
    intermediate: bool = True
    jobs: bool = True
    merge_pushes: bool = True
    reactions: bool = True

    def reason(self, event: Event) -> str:
        """The name of the setting that mutes an event; empty if it is to be told."""
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


def _is_merge_push(event: Event) -> bool:
    """Whether GitLab itself made the newest commit by merging into this very branch.

    A merge by fast-forward, or in words of the project's own, cannot be told from a push by a person.
    """
    if event.name != "push" or is_nothing(event.payload.text("before")):
        return False
    into = f" into '{event.branch}'"
    # The title alone is not enough: people merge as well, and push what was merged elsewhere.
    return any(
        commit.text("id") == event.payload.text("after")
        and commit.text("title").endswith(into)
        and _MERGED.search(commit.text("message"))
        for commit in event.payload.elements("commits")[-1:]
    )


_RULES: Mapping[str, Callable[[Event], bool]] = {
    "bots": _by_bot,
    "child_pipelines": lambda event: (
        event.name == "pipeline" and bool(event.payload.mapping("source_pipeline"))
    ),
    "comment_edits": _is_edit,
    "empty_updates": _is_empty,
    "intermediate": _is_intermediate,
    "jobs": lambda event: event.name == "job",
    "merge_pushes": _is_merge_push,
    "reactions": lambda event: event.name == "emoji",
}
