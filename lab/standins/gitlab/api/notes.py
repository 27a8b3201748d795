"""Comments: `/projects/:id/issues/:iid/notes` and `/projects/:id/merge_requests/:iid/notes`."""

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import issues, merge_requests, projects
from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.payloads import note as payload
from lab.standins.gitlab.state import clock
from lab.standins.gitlab.state.models import Note, Project
from lab.standins.gitlab.webhooks import dispatcher, note_events
from lab.standins.gitlab.webhooks.triggers import CONFIDENTIAL_NOTE, NOTE


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


def _index(call: Call, noteable_type: str, noteable_id: int) -> Response:
    rows = call.instance.store.all(
        "SELECT * FROM notes WHERE noteable_type = ? AND noteable_id = ? ORDER BY id DESC",
        noteable_type,
        noteable_id,
    )
    return call.page([payload.to_json(call.instance, Note.of(row)) for row in rows])


def _create(call: Call, project: Project, noteable_type: str, noteable_id: int) -> Response:
    body, at = call.required("body"), clock.now()
    internal = bool(call.flag("internal") or call.flag("confidential"))
    note_id = call.instance.store.insert(
        "notes", project_id=project.id, noteable_type=noteable_type, noteable_id=noteable_id,
        author_id=call.user.id, body=body, internal=internal, created_at=at, updated_at=at,
    )  # fmt: skip
    row = call.instance.store.first("SELECT * FROM notes WHERE id = ?", note_id)
    assert row is not None
    note = Note.of(row)
    confidential, body_of_event = note_events.event(call.instance, project, call.user, note, action="create")
    dispatcher.fire(call.instance, project, CONFIDENTIAL_NOTE if confidential else NOTE, body_of_event)
    return JSONResponse(payload.to_json(call.instance, note), 201)
