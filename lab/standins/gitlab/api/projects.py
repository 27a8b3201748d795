"""Projects: `/projects`."""

import re
import shutil
import sqlite3
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import namespaces
from lab.standins.gitlab.api.call import ApiError, Call, not_found
from lab.standins.gitlab.state import clock
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import VISIBILITY_LEVELS, Project

_QUERY = """
SELECT projects.*, namespaces.name AS namespace_name, namespaces.full_path AS namespace_path,
       namespaces.kind AS namespace_kind, :web_root AS web_root, :ssh_host AS ssh_host
FROM projects JOIN namespaces ON namespaces.id = projects.namespace_id
"""


def select(gitlab: Instance, condition: str, *parameters: Any) -> list[Project]:
    """Projects that meet an SQL condition, newest first."""
    query = _QUERY.replace(":web_root", "?").replace(":ssh_host", "?")
    rows = gitlab.store.all(
        f"{query} WHERE {condition} ORDER BY projects.id DESC",
        gitlab.config.external_url, gitlab.config.host, *parameters,
    )  # fmt: skip
    return [Project.of(row) for row in rows]


def by_path(gitlab: Instance, full_path: str) -> Project | None:
    """The project with this namespace and path; letter case does not matter."""
    found = select(gitlab, "lower(namespaces.full_path || '/' || projects.path) = lower(?)", full_path)
    return found[0] if found else None


def find(call: Call) -> Project:
    """The project that the path names by id or by full path, if the caller may see it. Raises 404."""
    key = call.segment("id")
    _follow(call, key)
    found = select(call.gitlab, "projects.id = ?", int(key)) if key.isdigit() else [by_path(call.gitlab, key)]
    project = found[0] if found else None
    if project is None or (call.current_user is None and project.visibility != "public"):
        raise not_found("Project")
    return project


def _follow(call: Call, key: str) -> None:
    """A path that a project was moved away from leads to its number; only to be read from."""
    moved = call.gitlab.store.first("SELECT project_id FROM redirects WHERE full_path = ?", key.lower())
    if moved is None or by_path(call.gitlab, key):
        return
    if call.request.method != "GET":
        raise ApiError(405, message="405 Non GET methods are not allowed for moved projects")
    segments = call.request.url.path.split("/")
    segments[4] = str(moved["project_id"])
    url = call.request.url.replace(path="/".join(segments))
    raise ApiError(301, message="This resource has been moved", location=str(url))


def index(call: Call) -> Response:
    """`GET /projects`, with `search`."""
    condition = "TRUE" if call.current_user else "projects.visibility = 'public'"
    wanted = (call.text("search") or "").lower()
    found = [project for project in select(call.gitlab, condition) if wanted in project.full_path.lower()]
    return call.page([entity(call.gitlab, project) for project in found])


def show(call: Call) -> Response:
    """`GET /projects/:id`."""
    return JSONResponse(entity(call.gitlab, find(call)))


def create(call: Call) -> Response:
    """`POST /projects`. With `initialize_with_readme` the first commit is there when the answer is."""
    name, path = _name_and_path(call)
    visibility = call.text("visibility") or call.gitlab.settings.stored()["default_project_visibility"]
    if visibility not in VISIBILITY_LEVELS:
        raise ApiError(400, error="visibility does not have a valid value")
    namespace = namespaces.find(call, call.text("namespace_id") or call.user.username, "Namespace")
    try:
        with call.gitlab.store.transaction():
            project = _insert(call, namespace["id"], name, path, visibility)
            _initialize(call, project)
    except sqlite3.IntegrityError:
        taken = ["has already been taken"]
        raise ApiError(400, message={"project_namespace.name": taken, "path": taken, "name": taken}) from None
    return JSONResponse(entity(call.gitlab, project), 201)


def update(call: Call) -> Response:
    """`PUT /projects/:id`: path, description, visibility and default branch."""
    project = find(call)
    values = {
        name: call.params[name]
        for name in ("path", "description", "visibility", "default_branch")
        if name in call.params
    }
    if not values:
        raise ApiError(
            400,
            error="path, description, visibility, default_branch are missing, at least one parameter must be provided",
        )
    if values.get("visibility", "private") not in VISIBILITY_LEVELS:
        raise ApiError(400, error="visibility does not have a valid value")
    call.gitlab.store.update("projects", project.id, **values)
    if "path" in values:
        call.gitlab.store.run(
            "INSERT OR REPLACE INTO redirects VALUES (?, ?)", project.full_path.lower(), project.id
        )
        return JSONResponse(entity(call.gitlab, select(call.gitlab, "projects.id = ?", project.id)[0]))
    if "default_branch" in values:
        call.gitlab.repository(project).run("symbolic-ref", "HEAD", f"refs/heads/{values['default_branch']}")
    return show(call)


def archive(call: Call) -> Response:
    """`POST /projects/:id/archive`. What may no longer be changed then is not refused here."""
    call.gitlab.store.update("projects", find(call).id, archived=1)
    return JSONResponse(entity(call.gitlab, find(call)), 201)


def unarchive(call: Call) -> Response:
    """`POST /projects/:id/unarchive`."""
    call.gitlab.store.update("projects", find(call).id, archived=0)
    return JSONResponse(entity(call.gitlab, find(call)), 201)


def delete(call: Call) -> Response:
    """`DELETE /projects/:id`, at once; a real GitLab 18 or newer keeps the project, renamed, for some days."""
    project = find(call)
    call.gitlab.store.run("DELETE FROM projects WHERE id = ?", project.id)
    shutil.rmtree(call.gitlab.repository(project).path, ignore_errors=True)
    return JSONResponse({"message": "202 Accepted"}, 202)


def entity(gitlab: Instance, project: Project) -> dict[str, Any]:
    """A project as the API shows it."""
    empty = not gitlab.repository(project).branches()
    return {
        "id": project.id,
        "description": project.description,
        "name": project.name,
        "name_with_namespace": f"{project.namespace_name} / {project.name}",
        "path": project.path,
        "path_with_namespace": project.full_path,
        "created_at": project.created_at,
        "default_branch": None if empty else project.default_branch,
        "ssh_url_to_repo": project.ssh_url,
        "http_url_to_repo": project.http_url,
        "web_url": project.web_url,
        "readme_url": None if empty else f"{project.web_url}/-/blob/{project.default_branch}/README.md",
        "visibility": project.visibility,
        "empty_repo": empty,
        "archived": project.archived,
        "creator_id": project.creator_id,
        "issues_enabled": True,
        "merge_requests_enabled": True,
        "merge_method": "merge",
        "namespace": {
            "id": project.namespace_id,
            "name": project.namespace_name,
            "path": project.namespace_path.rpartition("/")[2],
            "kind": project.namespace_kind,
            "full_path": project.namespace_path,
        },
    }


def _insert(call: Call, namespace_id: int, name: str, path: str, visibility: str) -> Project:
    project_id = call.gitlab.store.insert(
        "projects", namespace_id=namespace_id, name=name, path=path, description=call.text("description"),
        visibility=visibility, default_branch=call.text("default_branch") or "main", creator_id=call.user.id,
        created_at=clock.now(),
    )  # fmt: skip
    return select(call.gitlab, "projects.id = ?", project_id)[0]


def _initialize(call: Call, project: Project) -> None:
    repository = call.gitlab.repository(project)
    repository.create(project.default_branch)
    if call.flag("initialize_with_readme"):
        readme = f"# {project.name}\n\n{project.description or ''}".rstrip() + "\n"
        files: dict[str, bytes | None] = {"README.md": readme.encode()}
        repository.commit_files(project.default_branch, None, files, "Initial commit", call.user)


def _name_and_path(call: Call) -> tuple[str, str]:
    name, path = call.text("name"), call.text("path")
    if not name and not path:
        raise ApiError(400, error="name, path are missing, at least one parameter must be provided")
    if not path:
        path = re.sub(r"[^A-Za-z0-9_.]+", "-", str(name)).strip("-.").lower()
    if not namespaces.PATH.fullmatch(path):
        raise ApiError(400, message={"path": ["can contain only letters, digits, '_', '-' and '.'"]})
    return name or path, path
