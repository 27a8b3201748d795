"""Pipelines, which come about by the statuses that something outside reports of commits."""

from dataclasses import asdict
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import projects
from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.state import clock, issuables
from lab.standins.gitlab.state.errors import ApiError, not_found
from lab.standins.gitlab.state.git import GitError
from lab.standins.gitlab.state.models import Pipeline, Project

_SCOPES = {
    "finished": ("success", "failed", "canceled"),
    "running": ("running",),
    "pending": ("pending",),
    "branches": (),
    "tags": (),
}
_STATES = ("pending", "running", "success", "failed", "canceled", "skipped")
_RETRIED = ("failed", "canceled")


def index(call: Call) -> Response:
    """`GET /projects/:id/pipelines`, by `ref`, `status` and `scope`, ordered by number."""
    project, ref, scope, sort = (
        projects.find(call),
        call.text("ref"),
        call.text("scope"),
        call.text("sort") or "desc",
    )
    if scope is not None and scope not in _SCOPES:
        raise ApiError(400, error="scope does not have a valid value")
    if sort not in ("asc", "desc"):
        raise ApiError(400, error="sort does not have a valid value")
    rows = call.instance.store.all(
        f"SELECT * FROM pipelines WHERE project_id = ? ORDER BY id {sort}",  # noqa: S608
        project.id,
    )
    states = _SCOPES.get(scope or "", ()) or _STATES
    found = [
        each
        for each in map(Pipeline.of, rows)
        if ref in (None, each.ref) and each.status in states and call.text("status") in (None, each.status)
    ]
    return call.page([_shown(project, each) for each in found])


def show(call: Call) -> Response:
    """`GET /projects/:id/pipelines/:pipeline_id`."""
    project = projects.find(call)
    return JSONResponse(_detailed(project, _find(call, project)))


def retry(call: Call) -> Response:
    """`POST /projects/:id/pipelines/:pipeline_id/retry`: what has failed or was canceled runs again.

    201 with the pipeline, where nothing has failed too. Its end is reported as at first.
    """
    project = projects.find(call)
    pipeline = _find(call, project)
    if pipeline.status in _RETRIED:
        call.instance.store.update("pipelines", pipeline.id, status="running", updated_at=clock.now())
        pipeline = _find(call, project)
    return JSONResponse(_detailed(project, pipeline), 201)


def newest(call: Call, project: Project, sha: str) -> dict[str, Any] | None:
    """The last pipeline of a commit."""
    row = call.instance.store.first(
        "SELECT * FROM pipelines WHERE project_id = ? AND sha = ? ORDER BY id DESC LIMIT 1", project.id, sha
    )
    return None if row is None else _shown(project, Pipeline.of(row))


def report(call: Call) -> Response:
    """`POST /projects/:id/statuses/:sha`: the pipeline of the commit on `ref`, made if there is none, ends so."""
    project, sha, state = projects.find(call), call.segment("sha"), call.required("state")
    if state not in _STATES:
        raise ApiError(400, error="state does not have a valid value")
    branches = call.instance.repository(project).branches()
    ref = call.text("ref") or next((name for name, head in branches.items() if head == sha), "")
    try:
        call.instance.repository(project).run("cat-file", "-e", f"{sha}^{{commit}}")
    except GitError:
        raise not_found("Commit") from None
    if not ref:
        raise not_found("References for commit")
    store, at = call.instance.store, clock.now()
    with store.transaction():
        row = store.first(
            "SELECT id FROM pipelines WHERE project_id = ? AND sha = ? AND ref = ?", project.id, sha, ref
        )
        if row is None:
            pipeline_id = store.insert(
                "pipelines", iid=issuables.next_iid(call.instance, "pipelines", project), project_id=project.id,
                sha=sha, ref=ref, status=state, source="external", created_at=at, updated_at=at,
            )  # fmt: skip
        else:
            pipeline_id = row["id"]
            store.update("pipelines", pipeline_id, status=state, updated_at=at)
    named = {"sha": sha, "ref": ref, "status": state, "name": call.text("name") or "default"}
    return JSONResponse({"id": pipeline_id, "pipeline_id": pipeline_id, **named, "created_at": at}, 201)


def _find(call: Call, project: Project) -> Pipeline:
    row = call.instance.store.first(
        "SELECT * FROM pipelines WHERE project_id = ? AND id = ?", project.id, call.number("pipeline_id")
    )
    if row is None:
        raise not_found()
    return Pipeline.of(row)


def _detailed(project: Project, pipeline: Pipeline) -> dict[str, Any]:
    return {**_shown(project, pipeline), "tag": False, "yaml_errors": None}


def _shown(project: Project, pipeline: Pipeline) -> dict[str, Any]:
    return {**asdict(pipeline), "name": None, "web_url": f"{project.web_url}/-/pipelines/{pipeline.id}"}
