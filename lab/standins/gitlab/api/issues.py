"""Issues: `/projects/:id/issues`."""

from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import issuables, projects
from lab.standins.gitlab.api.call import Call, not_found
from lab.standins.gitlab.payloads.webhooks import common
from lab.standins.gitlab.payloads.webhooks import issue as payload
from lab.standins.gitlab.state import clock, users
from lab.standins.gitlab.state.clock import hook_time
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Issue, Project, User
from lab.standins.gitlab.webhooks.delivery import CONFIDENTIAL_ISSUE, ISSUE


def index(call: Call) -> Response:
    """`GET /projects/:id/issues`."""
    project = projects.find(call)
    rows = issuables.search(call, "issues", project)
    return call.page([entity(call.gitlab, project, Issue.of(row)) for row in rows])


def show(call: Call) -> Response:
    """`GET /projects/:id/issues/:iid`."""
    project = projects.find(call)
    return JSONResponse(entity(call.gitlab, project, find(call, project)))


def create(call: Call) -> Response:
    """`POST /projects/:id/issues`."""
    project, title, at = projects.find(call), call.required("title"), clock.now()
    store = call.gitlab.store
    with store.transaction():
        issue_id = store.insert(
            "issues", iid=issuables.next_iid(call.gitlab, "issues", project), project_id=project.id, title=title,
            description=call.text("description"), state="opened", confidential=bool(call.flag("confidential")),
            author_id=call.user.id, assignee_ids=issuables.assignees(call) or [], labels=call.names("labels") or [],
            created_at=at, updated_at=at,
        )  # fmt: skip
    issue = by_id(call.gitlab, issue_id)
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
    _fire(call.gitlab, project, call.user, issue, "open", changes)
    return JSONResponse(entity(call.gitlab, project, issue), 201)


def update(call: Call) -> Response:
    """`PUT /projects/:id/issues/:iid`; attributes make an `update`, `state_event` a `close` or `reopen`."""
    project = projects.find(call)
    issue = find(call, project)
    edits = issuables.edits(call, issue)
    confidential = call.flag("confidential")
    if confidential is not None and confidential != issue.confidential:
        edits["confidential"] = confidential
    if edits:
        issue = _change(call, project, issue, "update", edits)
    event = issuables.state_event(call, issue)
    if event:
        state = issuables.STATE_EVENTS[event][1]
        closed_at = clock.now() if state == "closed" else None
        issue = _change(call, project, issue, event, {"state": state, "closed_at": closed_at})
    return JSONResponse(entity(call.gitlab, project, issue))


def find(call: Call, project: Project) -> Issue:
    """The issue that the path names. Raises 404."""
    row = call.gitlab.store.first(
        "SELECT * FROM issues WHERE project_id = ? AND iid = ?", project.id, call.number("iid")
    )
    if row is None:
        raise not_found()
    return Issue.of(row)


def by_id(gitlab: Instance, issue_id: int) -> Issue:
    """The issue with this id, which exists."""
    row = gitlab.store.first("SELECT * FROM issues WHERE id = ?", issue_id)
    assert row is not None
    return Issue.of(row)


def context(gitlab: Instance, project: Project, issue: Issue) -> payload.Context:
    """What the payload of an issue needs besides the issue."""
    return payload.Context(
        project, issuables.labels(gitlab, project, issue.labels), gitlab.users.existing(issue.assignee_ids)
    )


def entity(gitlab: Instance, project: Project, issue: Issue) -> dict[str, Any]:
    """An issue as the API shows it."""
    web_root = gitlab.config.external_url
    people = [users.brief(person, web_root) for person in gitlab.users.existing(issue.assignee_ids)]
    author = gitlab.users.get(issue.author_id)
    return {
        "id": issue.id,
        "iid": issue.iid,
        "project_id": project.id,
        "title": issue.title,
        "description": issue.description,
        "state": issue.state,
        "created_at": issue.created_at,
        "updated_at": issue.updated_at,
        "closed_at": issue.closed_at,
        "labels": issue.labels,
        "milestone": None,
        "assignees": people,
        "assignee": people[0] if people else None,
        "author": users.brief(author, web_root) if author else None,
        "type": "ISSUE",
        "issue_type": "issue",
        "severity": "UNKNOWN",
        "confidential": issue.confidential,
        "user_notes_count": gitlab.store.count(
            "SELECT count(*) FROM notes WHERE noteable_type = 'Issue' AND noteable_id = ?", issue.id
        ),
        "web_url": f"{project.web_url}/-/issues/{issue.iid}",
        "references": {
            "short": f"#{issue.iid}",
            "relative": f"#{issue.iid}",
            "full": f"{project.full_path}#{issue.iid}",
        },
    }


def _change(call: Call, project: Project, issue: Issue, action: str, values: dict[str, Any]) -> Issue:
    call.gitlab.store.update("issues", issue.id, **values, updated_at=clock.now(), updated_by_id=call.user.id)
    after = by_id(call.gitlab, issue.id)
    changes = issuables.changes(call.gitlab, project, issue, after)
    _fire(call.gitlab, project, call.user, after, action, changes)
    return after


def _fire(
    gitlab: Instance, project: Project, actor: User, issue: Issue, action: str, changes: dict[str, Any]
) -> None:
    body = payload.build(actor, issue, context(gitlab, project, issue), action=action, changes=changes)
    gitlab.dispatcher.fire(project, CONFIDENTIAL_ISSUE if issue.confidential else ISSUE, body)
