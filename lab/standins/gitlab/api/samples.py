"""The payloads that a hook test sends: made from the project's latest objects, as `TestHooks::ProjectService` does."""

from typing import Any

from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.payloads.webhooks import issue as issue_payload
from lab.standins.gitlab.payloads.webhooks import merge_request as merge_request_payload
from lab.standins.gitlab.payloads.webhooks import push as push_payload
from lab.standins.gitlab.state.errors import ApiError
from lab.standins.gitlab.state.models import Issue, MergeRequest, Note, Project
from lab.standins.gitlab.webhooks import issue_events, merge_request_events, note_events
from lab.standins.gitlab.webhooks.triggers import (
    CONFIDENTIAL_ISSUE,
    CONFIDENTIAL_NOTE,
    ISSUE,
    MERGE_REQUEST,
    NOTE,
    PUSH,
    TAG_PUSH,
    TRIGGERS,
    Trigger,
)

_NOTHING_TO_SHOW = {
    "job_events": "Ensure the project has CI jobs.",
    "pipeline_events": "Ensure the project has CI pipelines.",
    "wiki_page_events": "Ensure the wiki is enabled and has pages.",
    "releases_events": "Ensure the project has releases.",
    "milestone_events": "Ensure the project has milestones.",
    "emoji_events": "Ensure the project has notes.",
    "resource_access_token_events": "Ensure the project has access tokens.",
    "resource_deploy_token_events": "Ensure the project has deploy tokens.",
}
_SHOWN_COMMITS = 3


def build(call: Call, project: Project, wanted: str) -> tuple[Trigger, dict[str, Any]]:
    """The trigger with this name and a payload for it. Raises 400 for an unknown one, 422 without an object."""
    if wanted in _NOTHING_TO_SHOW:
        raise ApiError(422, message=_NOTHING_TO_SHOW[wanted])
    trigger = next((trigger for trigger in TRIGGERS if trigger.attribute == wanted), None)
    if trigger is None or trigger == CONFIDENTIAL_NOTE:
        raise ApiError(400, error="trigger does not have a valid value")
    builders = {
        PUSH: _push,
        TAG_PUSH: _push,
        ISSUE: _issue,
        CONFIDENTIAL_ISSUE: _issue,
        MERGE_REQUEST: _merge_request,
        NOTE: _note,
    }
    return trigger, builders[trigger](call, project)


def _push(call: Call, project: Project) -> dict[str, Any]:
    repository = call.instance.repository(project)
    head = repository.resolve(f"refs/heads/{project.default_branch}")
    if head is None:
        raise ApiError(422, message="Ensure the project has at least one commit.")
    commits = repository.log(head, limit=_SHOWN_COMMITS)
    return push_payload.build(
        project,
        call.user,
        ref=f"refs/heads/{project.default_branch}",
        before=commits[-1].id,
        after=head,
        checkout_sha=head,
        message=None,
        commits=commits[::-1],
        total=len(commits),
    )


def _issue(call: Call, project: Project) -> dict[str, Any]:
    issue = Issue.of(_latest(call, project, "issues", "issues"))
    return issue_payload.build(
        call.user, issue, issue_events.context(call.instance, project, issue), action=None, changes={}
    )


def _merge_request(call: Call, project: Project) -> dict[str, Any]:
    merge_request = MergeRequest.of(_latest(call, project, "merge_requests", "merge requests"))
    context = merge_request_events.context(call.instance, project, merge_request, status="checking")
    return merge_request_payload.build(call.user, merge_request, context, action=None, changes={})


def _note(call: Call, project: Project) -> dict[str, Any]:
    note = Note.of(_latest(call, project, "notes", "notes"))
    return note_events.event(call.instance, project, call.user, note, action=None)[1]


def _latest(call: Call, project: Project, table: str, plural: str) -> Any:
    query = f"SELECT * FROM {table} WHERE project_id = ? ORDER BY id DESC"  # noqa: S608
    row = call.instance.store.first(query, project.id)
    if row is None:
        raise ApiError(422, message=f"Ensure the project has {plural}.")
    return row
