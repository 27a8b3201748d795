"""`/projects/:id/repository`: branches, commits and files."""

import base64
from hashlib import sha256
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import projects
from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.payloads import repository as payload
from lab.standins.gitlab.state.errors import ApiError, not_found
from lab.standins.gitlab.state.git import Repository
from lab.standins.gitlab.state.models import Project
from lab.standins.gitlab.webhooks import push_events

_LISTED_COMMITS = 1000


def branches(call: Call) -> Response:
    """`GET …/repository/branches`."""
    project = projects.find(call)
    names = call.instance.repository(project).branches()
    return call.page([_branch(call, project, name) for name in sorted(names)])


def branch(call: Call) -> Response:
    """`GET …/repository/branches/:branch`."""
    return JSONResponse(_branch(call, projects.find(call), call.segment("branch")))


def create_branch(call: Call) -> Response:
    """`POST …/repository/branches` with `branch` and `ref`."""
    project = projects.find(call)
    repository = call.instance.repository(project)
    name, start = call.required("branch"), repository.resolve(call.required("ref"))
    if start is None:
        raise ApiError(400, message=f"Invalid reference name: {call.text('ref')}")
    if name in repository.branches():
        raise ApiError(400, message="Branch already exists")
    with repository.lock:
        before = repository.refs()
        repository.run("update-ref", f"refs/heads/{name}", start)
        push_events.announce(call.instance, project, call.user, before, repository.refs())
    return JSONResponse(_branch(call, project, name), 201)


def delete_branch(call: Call) -> Response:
    """`DELETE …/repository/branches/:branch`."""
    project, name = projects.find(call), call.segment("branch")
    repository = call.instance.repository(project)
    if name not in repository.branches():
        raise not_found("Branch")
    with repository.lock:
        before = repository.refs()
        repository.run("update-ref", "-d", f"refs/heads/{name}")
        push_events.announce(call.instance, project, call.user, before, repository.refs())
    return Response(status_code=204)


def commits(call: Call) -> Response:
    """`GET …/repository/commits`, of `ref_name` or the default branch."""
    project = projects.find(call)
    repository = call.instance.repository(project)
    start = repository.resolve(call.text("ref_name") or project.default_branch)
    if start is None:
        raise not_found("Repository")
    return call.page(
        [payload.commit(project, commit) for commit in repository.log(start, limit=_LISTED_COMMITS)]
    )


def create_commit(call: Call) -> Response:
    """`POST …/repository/commits` with `branch`, `commit_message` and `actions` (create, update, delete)."""
    project = projects.find(call)
    repository = call.instance.repository(project)
    name, message = call.required("branch"), call.required("commit_message")
    with repository.lock:
        before = repository.refs()
        parent = repository.resolve(f"refs/heads/{name}") or repository.resolve(
            call.text("start_branch") or name
        )
        files = _actions(repository, parent, call.params.get("actions") or [])
        sha = repository.commit_files(name, parent, files, message, call.user)
        push_events.announce(call.instance, project, call.user, before, repository.refs())
    return JSONResponse(payload.commit(project, repository.log(sha, limit=1)[0]), 201)


def file(call: Call) -> Response:
    """`GET …/repository/files/:path` at `ref`, which GitLab takes for the default branch when missing."""
    project, path = projects.find(call), call.segment("path")
    ref, content = _content(call, project, path)
    return JSONResponse(
        {
            "file_name": path.rpartition("/")[2],
            "file_path": path,
            "size": len(content),
            "encoding": "base64",
            "content_sha256": sha256(content).hexdigest(),
            "ref": ref,
            "last_commit_id": call.instance.repository(project).text(
                "log", "-1", "--format=%H", ref, "--", path
            ),
            "content": base64.b64encode(content).decode(),
        }
    )


def raw_file(call: Call) -> Response:
    """`GET …/repository/files/:path/raw`."""
    return Response(_content(call, projects.find(call), call.segment("path"))[1], media_type="text/plain")


def _content(call: Call, project: Project, path: str) -> tuple[str, bytes]:
    repository = call.instance.repository(project)
    ref = call.text("ref") or "HEAD"
    ref = project.default_branch if ref == "HEAD" else ref
    if repository.resolve(ref) is None:
        raise not_found("Commit")
    content = repository.blob(ref, path)
    if content is None:
        raise not_found("File")
    return ref, content


def _actions(
    repository: Repository, parent: str | None, actions: list[dict[str, Any]]
) -> dict[str, bytes | None]:
    if not actions:
        raise ApiError(400, error="actions is missing")
    files: dict[str, bytes | None] = {}
    present = set(repository.tree(parent)) if parent else set()
    for action in actions:
        path, verb = str(action.get("file_path", "")), action.get("action")
        if verb == "create" and path in present:
            raise ApiError(400, message="A file with this name already exists")
        if verb in {"update", "delete"} and path not in present:
            raise ApiError(400, message="A file with this name doesn't exist")
        if verb not in {"create", "update", "delete"}:
            raise ApiError(400, error="actions[0][action] does not have a valid value")
        content = str(action.get("content", "")).encode()
        files[path] = (
            None
            if verb == "delete"
            else base64.b64decode(content)
            if action.get("encoding") == "base64"
            else content
        )
    return files


def _branch(call: Call, project: Project, name: str) -> dict[str, Any]:
    repository = call.instance.repository(project)
    sha = repository.branches().get(name)
    if sha is None:
        raise not_found("Branch")
    return payload.branch(project, name, repository.log(sha, limit=1)[0])
