"""Comments as events: their payloads, with what is commented on."""

from typing import Any

from lab.standins.gitlab.payloads.webhooks import issue as issue_payload
from lab.standins.gitlab.payloads.webhooks import merge_request as merge_request_payload
from lab.standins.gitlab.payloads.webhooks import note as payload
from lab.standins.gitlab.state import issues, merge_requests
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Note, Project, User
from lab.standins.gitlab.webhooks import issue_events, merge_request_events


def event(
    instance: Instance, project: Project, actor: User, note: Note, *, action: str | None
) -> tuple[bool, dict[str, Any]]:
    """Whether only hooks for confidential comments may hear of a note, and the payload that reports it."""
    companion: dict[str, dict[str, Any]]
    if note.noteable_type == "Issue":
        issue = issues.by_id(instance, note.noteable_id)
        companion = {"issue": issue_payload.attributes(issue, issue_events.context(instance, project, issue))}
        page, confidential = (
            f"{project.web_url}/-/issues/{issue.iid}",
            issue.confidential or note.internal,
        )
    else:
        merge_request = merge_requests.by_id(instance, note.noteable_id)
        context = merge_request_events.context(instance, project, merge_request, status="checking")
        companion = {"merge_request": merge_request_payload.attributes(merge_request, context)}
        page, confidential = f"{project.web_url}/-/merge_requests/{merge_request.iid}", note.internal
    return confidential, payload.build(
        actor, note, project, companion=companion, page=page, confidential=confidential, action=action
    )
