"""Projects: `/projects`."""

import re
import shutil
import sqlite3
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import namespaces
from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.payloads import project as payload
from lab.standins.gitlab.payloads import user
from lab.standins.gitlab.state import clock, projects
from lab.standins.gitlab.state.errors import ApiError, not_found
from lab.standins.gitlab.state.models import VISIBILITY_LEVELS, Project


def find(call: Call) -> Project:
    """The project that the path names by id or by full path, if the caller may see it. Raises 404."""
    key = call.segment("id")
    _follow(call, key)
    found = (
        projects.select(call.instance, "projects.id = ?", int(key))
        if key.isdigit()
        else [projects.by_path(call.instance, key)]
    )
    project = found[0] if found else None
    if project is None or not _sees(call, project):
        raise not_found("Project")
    if call.request.method != "GET" and not _is_member(call, project):
        raise ApiError(403, message="403 Forbidden")
    return project


def _sees(call: Call, project: Project) -> bool:
    return project.visibility == "public" or (call.current_user is not None and _is_member(call, project))


def _is_member(call: Call, project: Project) -> bool:
    """All people are members of all projects; the account of a project's token is one of that alone."""
    return call.current_user is None or call.current_user.only_in in (None, project.id)


def _follow(call: Call, key: str) -> None:
    """A path that a project was moved away from leads to its number; only to be read from."""
    moved = call.instance.store.first("SELECT project_id FROM redirects WHERE full_path = ?", key.lower())
    if moved is None or projects.by_path(call.instance, key):
        return
    if call.request.method != "GET":
        raise ApiError(405, message="405 Non GET methods are not allowed for moved projects")
    root = call.instance.config.root
    segments = call.request.url.path.removeprefix(root).split("/")
    segments[4] = str(moved["project_id"])
    url = call.request.url.replace(path=root + "/".join(segments))
    raise ApiError(301, message="This resource has been moved", location=str(url))


def member(call: Call) -> Response:
    """`GET /projects/:id/members/all/:user_id`: everybody maintains everything. Raises 404 for who is no member."""
    project, somebody = find(call), call.instance.users.get(call.number("user_id"))
    if somebody is None or somebody.only_in not in (None, project.id):
        raise not_found("Member")
    web_root = call.instance.config.external_url
    return JSONResponse({**user.brief(somebody, web_root), "access_level": 40, "expires_at": None})


def index(call: Call) -> Response:
    """`GET /projects`, with `search` and `membership`."""
    seen = _is_member if call.flag("membership") else _sees
    wanted = (call.text("search") or "").lower()
    found = [
        project
        for project in projects.select(call.instance, "TRUE")
        if wanted in project.full_path.lower() and seen(call, project)
    ]
    return call.page([payload.to_json(call.instance, project) for project in found])


def of_group(call: Call) -> Response:
    """`GET /groups/:id/projects`, with `include_subgroups`, `with_shared` and `archived`; not with `simple`."""
    group = namespaces.find_group(call)
    below = "lower(namespaces.full_path) = lower(?)"
    parameters = [group["full_path"]]
    if call.flag("include_subgroups"):
        below += " OR lower(namespaces.full_path) LIKE lower(?) || '/%'"
        parameters.append(group["full_path"])
    if call.flag("with_shared") is not False:
        below += " OR projects.id IN (SELECT project_id FROM shares WHERE group_id = ?)"
        parameters.append(group["id"])
    return _listed(call, f"({below})", parameters)


def of_user(call: Call) -> Response:
    """`GET /users/:id/projects`, by id or by name."""
    user = namespaces.find(call, call.segment("id"), "User")
    if user["kind"] != "user":
        raise not_found("User")
    return _listed(call, "projects.namespace_id = ?", [user["id"]])


def _listed(call: Call, condition: str, parameters: list[Any]) -> Response:
    archived = call.flag("archived")
    if archived is not None:
        condition += " AND projects.archived = ?"
        parameters.append(int(archived))
    found = projects.select(call.instance, condition, *parameters)
    return call.page([payload.to_json(call.instance, project) for project in found if _sees(call, project)])


def transfer(call: Call) -> Response:
    """`PUT /projects/:id/transfer`: into another `namespace`, by id or path; the old path leads to the project."""
    project = find(call)
    namespace = namespaces.find(call, call.required("namespace"), "Namespace")
    call.instance.store.update("projects", project.id, namespace_id=namespace["id"])
    call.instance.store.run(
        "INSERT OR REPLACE INTO redirects VALUES (?, ?)", project.full_path.lower(), project.id
    )
    return JSONResponse(
        payload.to_json(call.instance, projects.select(call.instance, "projects.id = ?", project.id)[0])
    )


def share(call: Call) -> Response:
    """`POST /projects/:id/share` with a group, `group_id`; the level of access is not kept."""
    group = namespaces.find(call, call.required("group_id"), "Group")
    call.instance.store.run("INSERT OR REPLACE INTO shares VALUES (?, ?)", find(call).id, group["id"])
    return JSONResponse({"group_id": group["id"]}, 201)


def show(call: Call) -> Response:
    """`GET /projects/:id`."""
    return JSONResponse(payload.to_json(call.instance, find(call)))


def create(call: Call) -> Response:
    """`POST /projects`. With `initialize_with_readme` the first commit is there when the answer is."""
    if call.user.only_in is not None:
        raise ApiError(403, message="403 Forbidden")
    name, path = _name_and_path(call)
    visibility = call.text("visibility") or call.instance.settings.stored()["default_project_visibility"]
    if visibility not in VISIBILITY_LEVELS:
        raise ApiError(400, error="visibility does not have a valid value")
    namespace = namespaces.find(call, call.text("namespace_id") or call.user.username, "Namespace")
    try:
        with call.instance.store.transaction():
            project = _insert(call, namespace["id"], name, path, visibility)
            _initialize(call, project)
    except sqlite3.IntegrityError:
        taken = ["has already been taken"]
        raise ApiError(400, message={"project_namespace.name": taken, "path": taken, "name": taken}) from None
    return JSONResponse(payload.to_json(call.instance, project), 201)


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
    call.instance.store.update("projects", project.id, **values)
    if "path" in values:
        call.instance.store.run(
            "INSERT OR REPLACE INTO redirects VALUES (?, ?)", project.full_path.lower(), project.id
        )
        return JSONResponse(
            payload.to_json(call.instance, projects.select(call.instance, "projects.id = ?", project.id)[0])
        )
    if "default_branch" in values:
        call.instance.repository(project).run(
            "symbolic-ref", "HEAD", f"refs/heads/{values['default_branch']}"
        )
    return show(call)


def archive(call: Call) -> Response:
    """`POST /projects/:id/archive`. What may no longer be changed then is not refused here."""
    call.instance.store.update("projects", find(call).id, archived=1)
    return JSONResponse(payload.to_json(call.instance, find(call)), 201)


def unarchive(call: Call) -> Response:
    """`POST /projects/:id/unarchive`."""
    call.instance.store.update("projects", find(call).id, archived=0)
    return JSONResponse(payload.to_json(call.instance, find(call)), 201)


def delete(call: Call) -> Response:
    """`DELETE /projects/:id`, at once; a real GitLab 18 or newer keeps the project, renamed, for some days."""
    project = find(call)
    call.instance.store.run("DELETE FROM projects WHERE id = ?", project.id)
    shutil.rmtree(call.instance.repository(project).path, ignore_errors=True)
    return JSONResponse({"message": "202 Accepted"}, 202)


def _insert(call: Call, namespace_id: int, name: str, path: str, visibility: str) -> Project:
    project_id = call.instance.store.insert(
        "projects", namespace_id=namespace_id, name=name, path=path, description=call.text("description"),
        visibility=visibility, default_branch=call.text("default_branch") or "main", creator_id=call.user.id,
        created_at=clock.now(),
    )  # fmt: skip
    return projects.select(call.instance, "projects.id = ?", project_id)[0]


def _initialize(call: Call, project: Project) -> None:
    repository = call.instance.repository(project)
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
