"""Issues as events: what their payloads need, and firing their hooks."""

from typing import Any

from lab.standins.gitlab.payloads.webhooks import issue as payload
from lab.standins.gitlab.state import issuables
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Issue, Project, User
from lab.standins.gitlab.webhooks import dispatcher
from lab.standins.gitlab.webhooks.triggers import CONFIDENTIAL_ISSUE, ISSUE


def context(instance: Instance, project: Project, issue: Issue) -> payload.Context:
    """What the payload of an issue needs besides the issue."""
    return payload.Context(
        project,
        issuables.labels(instance, project, issue.labels),
        instance.users.existing(issue.assignee_ids),
    )


def fire(
    instance: Instance, project: Project, actor: User, issue: Issue, action: str, changes: dict[str, Any]
) -> None:
    """Announce one action to the hooks."""
    body = payload.build(actor, issue, context(instance, project, issue), action=action, changes=changes)
    dispatcher.fire(instance, project, CONFIDENTIAL_ISSUE if issue.confidential else ISSUE, body)
