"""Issues: `/projects/:id/issues`."""

from datetime import UTC, date, datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import issuable_parameters, projects
from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.payloads import issue as payload
from lab.standins.gitlab.payloads.webhooks import common
from lab.standins.gitlab.payloads.webhooks.changes import compare
from lab.standins.gitlab.state import clock, issuables, issues
from lab.standins.gitlab.state.clock import hook_time
from lab.standins.gitlab.state.errors import ApiError, not_found
from lab.standins.gitlab.state.models import Issue, Project
from lab.standins.gitlab.webhooks import issue_events


def index(call: Call) -> Response:
    """`GET /projects/:id/issues`."""
    project = projects.find(call)
    rows = issuable_parameters.search(call, "issues", project, "due_date")
    wanted = call.text("due_date")
    if wanted not in (None, "", "any", "0", "today", "tomorrow", "overdue"):
        raise ApiError(400, error="due_date does not have a valid value")
    found = [
        issue
        for issue in map(Issue.of, rows)
        if _is_due(issue.due_date, wanted) and issuable_parameters.is_of_those_asked_for(call, issue)
    ]
    return call.page([payload.to_json(call.instance, project, issue) for issue in found])


def show(call: Call) -> Response:
    """`GET /projects/:id/issues/:iid`."""
    project = projects.find(call)
    return JSONResponse(payload.to_json(call.instance, project, find(call, project)))


def create(call: Call) -> Response:
    """`POST /projects/:id/issues`."""
    project, title, at = projects.find(call), call.required("title"), clock.now()
    store = call.instance.store
    with store.transaction():
        issue_id = store.insert(
            "issues", iid=issuables.next_iid(call.instance, "issues", project), project_id=project.id, title=title,
            description=call.text("description"), state="opened", confidential=bool(call.flag("confidential")),
            author_id=call.user.id, assignee_ids=issuable_parameters.assignees(call) or [],
            labels=call.names("labels") or [], created_at=at, updated_at=at,
            due_date=issuable_parameters.day(call, "due_date"),
        )  # fmt: skip
    issue = issues.by_id(call.instance, issue_id)
    moment = hook_time(at)
    changes = {
        "author_id": common.change(None, issue.author_id),
        "created_at": common.change(None, moment),
        "description": common.change(None, issue.description),
        "id": common.change(None, issue.id),
        "iid": common.change(None, issue.iid),
        "project_id": common.change(None, project.id),
        "title": common.change(None, issue.title),
        "updated_at": common.change(None, moment),
    }
    issue_events.fire(call.instance, project, call.user, issue, "open", changes)
    return JSONResponse(payload.to_json(call.instance, project, issue), 201)


def update(call: Call) -> Response:
    """`PUT /projects/:id/issues/:iid`; attributes make an `update`, `state_event` a `close` or `reopen`."""
    project = projects.find(call)
    issue = find(call, project)
    edits = issuable_parameters.edits(call, issue)
    confidential = call.flag("confidential")
    if confidential is not None and confidential != issue.confidential:
        edits["confidential"] = confidential
    if "due_date" in call.params:
        edits["due_date"] = issuable_parameters.day(call, "due_date")
    if edits:
        issue = _change(call, project, issue, "update", edits)
    event = issuable_parameters.state_event(call, issue)
    if event:
        state = issuable_parameters.STATE_EVENTS[event][1]
        closed_at = clock.now() if state == "closed" else None
        issue = _change(call, project, issue, event, {"state": state, "closed_at": closed_at})
    return JSONResponse(payload.to_json(call.instance, project, issue))


def find(call: Call, project: Project) -> Issue:
    """The issue that the path names. Raises 404."""
    row = call.instance.store.first(
        "SELECT * FROM issues WHERE project_id = ? AND iid = ?", project.id, call.number("iid")
    )
    if row is None:
        raise not_found()
    return Issue.of(row)


def _is_due(due: str | None, wanted: str | None) -> bool:
    if not wanted:
        return True
    if due is None or wanted in ("0", "any"):
        return (due is None) == (wanted == "0")
    today = datetime.now(UTC).date()
    days = (date.fromisoformat(due) - today).days
    return days < 0 if wanted == "overdue" else days == ("today", "tomorrow").index(wanted)


def _change(call: Call, project: Project, issue: Issue, action: str, values: dict[str, Any]) -> Issue:
    call.instance.store.update(
        "issues", issue.id, **values, updated_at=clock.now(), updated_by_id=call.user.id
    )
    after = issues.by_id(call.instance, issue.id)
    changes = compare(call.instance, project, issue, after)
    issue_events.fire(call.instance, project, call.user, after, action, changes)
    return after
