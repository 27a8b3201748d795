"""Comments: `/projects/:id/issues/:iid/notes` and `/projects/:id/merge_requests/:iid/notes`."""

from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import issues, merge_requests, projects
from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.payloads.webhooks import issue as issue_payload
from lab.standins.gitlab.payloads.webhooks import merge_request as merge_request_payload
from lab.standins.gitlab.payloads.webhooks import note as payload
from lab.standins.gitlab.state import clock, users
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Issue, MergeRequest, Note, Project, User
from lab.standins.gitlab.webhooks import merge_request_events
from lab.standins.gitlab.webhooks.delivery import CONFIDENTIAL_NOTE, NOTE


def issue_notes(call: Call) -> Response:
    """`GET …/issues/:iid/notes`."""
    return _index(call, "Issue", issues.find(call, projects.find(call)).id)


def merge_request_notes(call: Call) -> Response:
    """`GET …/merge_requests/:iid/notes`."""
    return _index(call, "MergeRequest", merge_requests.find(call, projects.find(call)).id)


def comment_issue(call: Call) -> Response:
    """`POST …/issues/:iid/notes`."""
    project = projects.find(call)
    return _create(call, project, "Issue", issues.find(call, project).id)


def comment_merge_request(call: Call) -> Response:
    """`POST …/merge_requests/:iid/notes`."""
    project = projects.find(call)
    return _create(call, project, "MergeRequest", merge_requests.find(call, project).id)


def of(gitlab: Instance, noteable: Issue | MergeRequest) -> list[Note]:
    """The comments on something, oldest first."""
    rows = gitlab.store.all(
        "SELECT * FROM notes WHERE noteable_type = ? AND noteable_id = ? ORDER BY id",
        type(noteable).__name__, noteable.id,
    )  # fmt: skip
    return [Note.of(row) for row in rows]


def event(
    gitlab: Instance, project: Project, actor: User, note: Note, *, action: str | None
) -> tuple[bool, dict[str, Any]]:
    """Whether only hooks for confidential comments may hear of a note, and the payload that tells of it."""
    companion: dict[str, dict[str, Any]]
    if note.noteable_type == "Issue":
        issue = issues.by_id(gitlab, note.noteable_id)
        companion = {"issue": issue_payload.attributes(issue, issues.context(gitlab, project, issue))}
        page, confidential = (
            f"{project.web_url}/-/issues/{issue.iid}",
            issue.confidential or note.internal,
        )
    else:
        merge_request = merge_request_events.by_id(gitlab, note.noteable_id)
        context = merge_request_events.context(gitlab, project, merge_request, status="checking")
        companion = {"merge_request": merge_request_payload.attributes(merge_request, context)}
        page, confidential = f"{project.web_url}/-/merge_requests/{merge_request.iid}", note.internal
    return confidential, payload.build(
        actor, note, project, companion=companion, page=page, confidential=confidential, action=action
    )


def _index(call: Call, noteable_type: str, noteable_id: int) -> Response:
    rows = call.gitlab.store.all(
        "SELECT * FROM notes WHERE noteable_type = ? AND noteable_id = ? ORDER BY id DESC",
        noteable_type,
        noteable_id,
    )
    return call.page([_entity(call.gitlab, Note.of(row)) for row in rows])


def _create(call: Call, project: Project, noteable_type: str, noteable_id: int) -> Response:
    body, at = call.required("body"), clock.now()
    internal = bool(call.flag("internal") or call.flag("confidential"))
    note_id = call.gitlab.store.insert(
        "notes", project_id=project.id, noteable_type=noteable_type, noteable_id=noteable_id,
        author_id=call.user.id, body=body, internal=internal, created_at=at, updated_at=at,
    )  # fmt: skip
    row = call.gitlab.store.first("SELECT * FROM notes WHERE id = ?", note_id)
    assert row is not None
    note = Note.of(row)
    confidential, body_of_event = event(call.gitlab, project, call.user, note, action="create")
    call.gitlab.dispatcher.fire(project, CONFIDENTIAL_NOTE if confidential else NOTE, body_of_event)
    return JSONResponse(_entity(call.gitlab, note), 201)


def _entity(gitlab: Instance, note: Note) -> dict[str, Any]:
    author = gitlab.users.get(note.author_id)
    return {
        "id": note.id,
        "type": None,
        "body": note.body,
        "author": users.brief(author, gitlab.config.external_url) if author else None,
        "created_at": note.created_at,
        "updated_at": note.updated_at,
        "system": False,
        "noteable_id": note.noteable_id,
        "noteable_type": note.noteable_type,
        "project_id": note.project_id,
        "resolvable": False,
        "internal": note.internal,
        "confidential": note.internal,
    }
