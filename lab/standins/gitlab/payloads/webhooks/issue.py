"""`Issue Hook` and `Confidential Issue Hook`."""

from dataclasses import dataclass
from typing import Any

from lab.standins.gitlab.payloads.webhooks import common
from lab.standins.gitlab.state.clock import hook_time
from lab.standins.gitlab.state.models import Issue, Label, Project, User

_STATE_IDS = {"opened": 1, "closed": 2}


@dataclass(frozen=True)
class Context:
    """What an issue refers to."""

    project: Project
    labels: list[Label]
    assignees: list[User]


def build(
    actor: User, issue: Issue, context: Context, *, action: str | None, changes: dict[str, Any]
) -> dict[str, Any]:
    """The payload for one action; a test delivery has none."""
    payload = {
        "object_kind": "issue",
        "event_type": "confidential_issue" if issue.confidential else "issue",
        "user": common.user(actor),
        "project": common.project(context.project),
        "object_attributes": {**attributes(issue, context), **({"action": action} if action else {})},
        "labels": common.labels(context.labels),
        "changes": changes,
        "repository": common.repository(context.project),
    }
    # GitLab leaves the key out rather than sending an empty list.
    if context.assignees:
        payload["assignees"] = [common.user(person) for person in context.assignees]
    return payload


def attributes(issue: Issue, context: Context) -> dict[str, Any]:
    """The issue itself, as comments on it carry it too."""
    return {
        "author_id": issue.author_id,
        "closed_at": hook_time(issue.closed_at),
        "confidential": issue.confidential,
        "created_at": hook_time(issue.created_at),
        "description": issue.description,
        "discussion_locked": None,
        "due_date": issue.due_date,
        "start_date": None,
        "id": issue.id,
        "iid": issue.iid,
        "last_edited_at": None,
        "last_edited_by_id": None,
        "milestone_id": None,
        "moved_to_id": None,
        "duplicated_to_id": None,
        "project_id": issue.project_id,
        "relative_position": 513 * issue.iid,
        "state_id": _STATE_IDS[issue.state],
        "time_estimate": 0,
        "title": issue.title,
        "updated_at": hook_time(issue.updated_at),
        "updated_by_id": issue.updated_by_id,
        "type": "Issue",
        "url": f"{context.project.web_url}/-/issues/{issue.iid}",
        "total_time_spent": 0,
        "time_change": 0,
        "human_total_time_spent": None,
        "human_time_change": None,
        "human_time_estimate": None,
        "assignee_ids": issue.assignee_ids,
        "assignee_id": next(iter(issue.assignee_ids), None),
        "labels": common.labels(context.labels),
        "state": issue.state,
        "severity": "unknown",
        "customer_relations_contacts": [],
    }
