"""Milestones of projects: `/projects/:id/milestones`; groups have none here."""

import sqlite3
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import issuable_parameters, projects
from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.state import clock, issuables
from lab.standins.gitlab.state.errors import ApiError
from lab.standins.gitlab.state.models import Milestone, Project


def index(call: Call) -> Response:
    """`GET /projects/:id/milestones`, by `state` (active, closed), those that are due last first."""
    project, state = projects.find(call), call.text("state")
    if state not in (None, "active", "closed"):
        raise ApiError(400, error="state does not have a valid value")
    rows = call.instance.store.all(
        "SELECT * FROM milestones WHERE project_id = ? AND ? IN ('', state) ORDER BY due_date IS NULL, due_date, id",
        *(project.id, state or ""),
    )
    return call.page([_shown(project, Milestone.of(row)) for row in rows])


def create(call: Call) -> Response:
    """`POST /projects/:id/milestones`. Raises 400 for a title that is taken."""
    project, title, at = projects.find(call), call.required("title"), clock.now()
    store = call.instance.store
    try:
        with store.transaction():
            new_id = store.insert(
                "milestones", iid=issuables.next_iid(call.instance, "milestones", project), project_id=project.id,
                title=title, description=call.text("description"), state="active",
                due_date=issuable_parameters.day(call, "due_date"),
                start_date=issuable_parameters.day(call, "start_date"), created_at=at, updated_at=at,
            )  # fmt: skip
    except sqlite3.IntegrityError:
        raise ApiError(400, message={"title": ["has already been taken"]}) from None
    (row,) = store.all("SELECT * FROM milestones WHERE id = ?", new_id)
    return JSONResponse(_shown(project, Milestone.of(row)), 201)


def _shown(project: Project, milestone: Milestone) -> dict[str, Any]:
    due = milestone.due_date
    return {
        **asdict(milestone),
        "expired": due is not None and date.fromisoformat(due) < datetime.now(UTC).date(),
        "web_url": f"{project.web_url}/-/milestones/{milestone.iid}",
    }
