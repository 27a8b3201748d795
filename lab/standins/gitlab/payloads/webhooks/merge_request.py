"""`Merge Request Hook`."""

from dataclasses import dataclass
from typing import Any

from lab.standins.gitlab.payloads.webhooks import common
from lab.standins.gitlab.state.clock import hook_time
from lab.standins.gitlab.state.models import Commit, Label, MergeRequest, Project, User

_STATE_IDS = {"opened": 1, "closed": 2, "merged": 3, "locked": 4}


@dataclass(frozen=True)
class Context:
    """What a merge request refers to."""

    project: Project
    labels: list[Label]
    assignees: list[User]
    reviewers: list[User]
    last_commit: Commit | None
    merge_status: str


def build(
    actor: User,
    merge_request: MergeRequest,
    context: Context,
    *,
    action: str | None,
    changes: dict[str, Any],
    oldrev: str | None = None,
) -> dict[str, Any]:
    """The payload for one action; a test delivery has none. `oldrev` is there only when commits were pushed."""
    extra: dict[str, Any] = {"system": False, "actioned_at": hook_time(merge_request.updated_at)}
    if action:
        extra["action"] = action
    if oldrev:
        extra["oldrev"] = oldrev
    payload = {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": common.user(actor),
        "project": common.project(context.project),
        "object_attributes": {**attributes(merge_request, context), **extra},
        "labels": common.labels(context.labels),
        "changes": changes,
        "repository": common.repository(context.project),
    }
    # GitLab leaves these keys out rather than sending empty lists.
    if context.assignees:
        payload["assignees"] = [common.user(person) for person in context.assignees]
    if context.reviewers:
        payload["reviewers"] = [
            {**common.user(person), "state": "unreviewed", "re_requested": False}
            for person in context.reviewers
        ]
    return payload


def attributes(merge_request: MergeRequest, context: Context) -> dict[str, Any]:
    """The merge request itself, as comments on it carry it too."""
    project = common.project(context.project)
    opened = merge_request.state == "opened"
    return {
        "assignee_id": next(iter(merge_request.assignee_ids), None),
        "author_id": merge_request.author_id,
        "created_at": hook_time(merge_request.created_at),
        "description": merge_request.description,
        "draft": merge_request.draft,
        "head_pipeline_id": None,
        "id": merge_request.id,
        "iid": merge_request.iid,
        "last_edited_at": None,
        "last_edited_by_id": None,
        "merge_commit_sha": merge_request.merge_commit_sha,
        "merged_at": hook_time(merge_request.merged_at),
        "merge_error": None,
        "merge_params": {"force_remove_source_branch": "1" if merge_request.remove_source_branch else "0"},
        "merge_status": context.merge_status,
        "merge_user_id": merge_request.merge_user_id,
        "merge_when_pipeline_succeeds": False,
        "milestone_id": None,
        "source_branch": merge_request.source_branch,
        "source_project_id": merge_request.project_id,
        "squash_commit_sha": None,
        "state_id": _STATE_IDS[merge_request.state],
        "target_branch": merge_request.target_branch,
        "target_project_id": merge_request.project_id,
        "time_estimate": 0,
        "title": merge_request.title,
        "updated_at": hook_time(merge_request.updated_at),
        "updated_by_id": merge_request.updated_by_id,
        "prepared_at": hook_time(merge_request.created_at),
        "assignee_ids": merge_request.assignee_ids,
        "blocking_discussions_resolved": True,
        "detailed_merge_status": context.merge_status if opened else "not_open",
        "first_contribution": False,
        "human_time_change": None,
        "human_time_estimate": None,
        "human_total_time_spent": None,
        "labels": common.labels(context.labels),
        "last_commit": common.commit(context.last_commit, context.project) if context.last_commit else None,
        "reviewer_ids": merge_request.reviewer_ids,
        "source": project,
        "state": merge_request.state,
        "target": project,
        "time_change": 0,
        "total_time_spent": 0,
        "url": f"{context.project.web_url}/-/merge_requests/{merge_request.iid}",
        "work_in_progress": merge_request.draft,
    }
