"""`changes` of issues and merge requests."""

from typing import Any

from lab.standins.gitlab.payloads.webhooks import common
from lab.standins.gitlab.state.clock import hook_time
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.issuables import labels
from lab.standins.gitlab.state.models import Issue, MergeRequest, Project

_STATE_IDS = {"opened": 1, "closed": 2}
_COMPARED: dict[type, tuple[str, ...]] = {
    Issue: ("title", "description", "confidential"),
    MergeRequest: ("title", "description", "draft", "target_branch"),
}


def compare(
    instance: Instance, project: Project, before: Issue | MergeRequest, after: Issue | MergeRequest
) -> dict[str, Any]:
    """`changes` of a payload: what differs, in the form that each attribute has there."""
    found = {"updated_at": common.change(hook_time(before.updated_at), hook_time(after.updated_at))}
    for name in _COMPARED[type(before)]:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            found[name] = common.change(old, new)
    if isinstance(before, Issue) and isinstance(after, Issue) and before.closed_at != after.closed_at:
        found["closed_at"] = common.change(hook_time(before.closed_at), hook_time(after.closed_at))
    if before.state != after.state:
        found["state_id"] = common.change(_STATE_IDS[before.state], _STATE_IDS[after.state])
    if before.labels != after.labels:
        found["labels"] = common.change(
            *(common.labels(labels(instance, project, record.labels)) for record in (before, after))
        )
    for name, ids in (("assignees", "assignee_ids"), ("reviewers", "reviewer_ids")):
        old, new = getattr(before, ids, []), getattr(after, ids, [])
        if old != new:
            people = [
                [common.user(person) for person in instance.users.existing(side)] for side in (old, new)
            ]
            found[name] = common.change(*people)
    return found
