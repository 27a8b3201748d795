"""What is known of an event before it is worded: what routes, mutes and counters go by."""

from collections.abc import Mapping
from dataclasses import dataclass

from relays.sources.gitlab.confidentiality import is_confidential
from relays.sources.gitlab.events import emoji, member, namespace, ref, token
from relays.sources.gitlab.events.changes import action_of, names_of
from relays.sources.gitlab.events.common import kind_of, place_of
from relays.sources.gitlab.payload import Payload

_CHANGES = (
    *("draft", "ready", "commits", "resolved", "unresolved", "review", "auto_merge", "no_auto_merge"),
    *(
        "title",
        "target_branch",
        "assignees",
        "reviewers",
        "labels",
        "description",
        "milestone_id",
        "due_date",
        "start_date",
    ),
    *("severity", "weight", "type", "confidential"),
)
_ENDS = ("success", "failed", "canceled")
# Pipelines, jobs and deployments that get on by themselves, or never ran (GitLab's code of 18.5 and 19.x).
PROGRESS = (
    *("created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running"),
    *("canceling", "skipped", "scheduled"),
)

# The events that a site can name, and the actions that each of them can have.
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "push": ("create", "update", "delete"),
    "tag_push": ("create", "update", "delete"),
    "merge_request": (
        *("update", "open", "close", "reopen", "merge", "approved", "unapproved"),
        *_CHANGES,
    ),
    "issue": ("update", "open", "close", "reopen", *_CHANGES),
    "note": ("create", "update"),
    "emoji": ("award", "revoke"),
    "pipeline": (*_ENDS, "fixed", "broken", "still_failing", "manual", *PROGRESS),
    "job": (*_ENDS, "manual", *PROGRESS),
    "deployment": (*_ENDS, "blocked", "approved", "rejected", "created", "running", "skipped"),
    "release": ("create", "update", "delete"),
    "milestone": ("create", "close", "reopen", "delete"),
    "wiki_page": ("create", "update", "delete"),
    "feature_flag": ("on", "off"),
    "token": ("expiring",),
    "vulnerability": ("detected", "confirmed", "dismissed", "resolved"),
    "member": ("added", "updated", "removed", "asked", "denied", "revoked"),
    "account": ("created", "deleted", "renamed"),
    "project": ("created", "deleted", "renamed", "moved"),
    "group": ("created", "deleted", "renamed"),
}
WITH_BRANCH = ("push", "merge_request", "note", "emoji", "pipeline", "job", "deployment")
WITH_LABELS = ("merge_request", "issue", "note", "emoji")
MAYBE_CONFIDENTIAL = ("issue", "note", "emoji")

# An incident comes as an issue or as a work item, and GitLab calls a job a build.
_NAMES: Mapping[str, str] = {
    "work_item": "issue",
    "build": "job",
    "access_token": "token",
    "deploy_token": "token",
}
_ACTION_AT: Mapping[str, tuple[str, ...]] = {
    "pipeline": ("object_attributes", "status"),
    "build": ("build_status",),
    "deployment": ("status",),
    "release": ("action",),
    "milestone": ("action",),
    "vulnerability": ("object_attributes", "state"),
}
# The community edition sends "approved" for each approval; the others are of the enterprise edition: "approval"
# while more are needed, "unapproval" for a withdrawn one that was not enough.
_SAME_ACTION = {"approval": "approved", "unapproval": "unapproved"}
_BRANCH_AT: Mapping[str, tuple[str, ...]] = {
    "push": ("ref",),
    "merge_request": ("object_attributes", "target_branch"),
    "note": ("merge_request", "target_branch"),
    "emoji": ("merge_request", "target_branch"),
    "pipeline": ("object_attributes", "ref"),
    "build": ("ref",),
    "deployment": ("ref",),
}
_PROJECT_ALONE_AT = (
    ("project", "path_with_namespace"),
    ("path_with_namespace",),
    ("project_path_with_namespace",),
)
_PROJECT_AT = (
    *_PROJECT_ALONE_AT,
    ("group", "full_path"),
    ("group", "group_path"),
    ("full_path",),
    ("group_path",),
    ("path",),
)


@dataclass(frozen=True)
class Event:
    """An event by its name as sites use it (a key of ACTIONS, or GitLab's own name for one that has no message).

    `actions` holds the action and what it amounts to: a pipeline that failed may also be "still_failing", an update
    of a merge request may also be "ready". `project` is a full path, of the group where there is no project.
    """

    name: str
    actions: frozenset[str]
    project: str
    branch: str
    labels: frozenset[str]
    confidential: bool
    payload: Payload
    header: str = ""


def read_event(payload: Payload, header: str = "") -> Event:
    """What the payload says of itself, and the event of its header; what is not said is empty."""
    kind = kind_of(payload)
    return Event(
        name=_name(kind),
        actions=frozenset(filter(None, _actions(kind, payload))),
        project=next(filter(None, (payload.text(*path) for path in _PROJECT_AT)), "") or place_of(payload),
        branch=_branch(kind, payload),
        labels=frozenset(_labels(payload)),
        confidential=is_confidential(payload, header),
        payload=payload,
        header=header,
    )


def project_of(payload: Payload) -> str:
    """The full path of the project that an event happened in; empty if it does not say, or it was in none."""
    return next(filter(None, (payload.text(*path) for path in _PROJECT_ALONE_AT)), "")


def _name(kind: str) -> str:
    wording = member.WORDINGS.get(kind) or namespace.WORDINGS.get(kind)
    return wording.partition(".")[0] if wording else _NAMES.get(kind, kind)


def _actions(kind: str, payload: Payload) -> tuple[str, ...]:
    if kind in ("push", "tag_push"):
        return (ref.action_of(payload),)
    if wording := member.WORDINGS.get(kind) or namespace.WORDINGS.get(kind):
        return (wording.rpartition(".")[2],)
    if kind == "feature_flag":
        active = payload.mapping("object_attributes").get("active")
        return ("on" if active is True else "off" if active is False else "",)
    if kind == "emoji":
        return (emoji.action_of(payload),)
    if kind in ("access_token", "deploy_token"):
        return (token.action_of(payload),)
    action = payload.text(*_ACTION_AT.get(kind, ("object_attributes", "action")))
    if kind == "note" and not action:  # before 16.11 GitLab said nothing of edits
        return ("create",)
    if kind == "pipeline":
        return action, payload.text("object_attributes", "ref_status_name")
    if action == "update" and kind in ("merge_request", "issue", "work_item"):
        return action, action_of(payload), *names_of(payload)
    return (_SAME_ACTION.get(action, action),)


def _branch(kind: str, payload: Payload) -> str:
    tagged = payload.flag("object_attributes", "tag") if kind == "pipeline" else payload.flag("tag")
    if tagged or kind not in _BRANCH_AT:
        return ""
    return payload.text(*_BRANCH_AT[kind]).removeprefix("refs/heads/")


def _labels(payload: Payload) -> list[str]:
    places = ((), ("object_attributes",), ("issue",), ("work_item",), ("merge_request",))
    return [label.text("title") for place in places for label in payload.elements(*place, "labels")]
