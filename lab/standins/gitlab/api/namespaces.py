"""Namespaces: each user's own and groups."""

import re
import sqlite3

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.payloads import namespace as payload
from lab.standins.gitlab.state import clock
from lab.standins.gitlab.state.errors import ApiError, not_found

PATH = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")


def index(call: Call) -> Response:
    """`GET /namespaces`."""
    return call.page(
        [
            payload.to_json(row, _web_root(call))
            for row in call.instance.store.all("SELECT * FROM namespaces ORDER BY id")
        ]
    )


def show(call: Call) -> Response:
    """`GET /namespaces/:id`, by id or by path."""
    return JSONResponse(payload.to_json(find(call, call.segment("id"), "Namespace"), _web_root(call)))


def groups(call: Call) -> Response:
    """`GET /groups`."""
    rows = call.instance.store.all("SELECT * FROM namespaces WHERE kind = 'group' ORDER BY full_path")
    return call.page([payload.group(row, _web_root(call)) for row in rows])


def group(call: Call) -> Response:
    """`GET /groups/:id`, by id or by path."""
    return JSONResponse(payload.group(find_group(call), _web_root(call)))


def update_group(call: Call) -> Response:
    """`PUT /groups/:id`: another `path`; the API knows the group by the old one no longer, its projects it does."""
    row = find_group(call)
    path = call.required("path")
    if not PATH.fullmatch(path):
        raise ApiError(400, message={"path": ["can only include letters, digits, '_', '-' and '.'"]})
    before, store = row["full_path"], call.instance.store
    after = "/".join([*before.split("/")[:-1], path])
    with store.transaction():
        below = store.all(
            "SELECT projects.id, lower(full_path || '/' || projects.path) AS was FROM projects"
            " JOIN namespaces ON namespaces.id = namespace_id WHERE full_path = ? OR full_path LIKE ? || '/%'",
            before,
            before,
        )
        for project in below:
            store.run("INSERT OR REPLACE INTO redirects VALUES (?, ?)", project["was"], project["id"])
        store.run(
            "UPDATE namespaces SET full_path = ? || substr(full_path, ?)"
            " WHERE full_path = ? OR full_path LIKE ? || '/%'",
            after,
            len(before) + 1,
            before,
            before,
        )
        store.update("namespaces", row["id"], path=path)
    return JSONResponse(payload.group(find(call, str(row["id"]), "Group"), _web_root(call)))


def find_group(call: Call) -> sqlite3.Row:
    """The group that the path names, by id or by path. Raises 404."""
    row = find(call, call.segment("id"), "Group")
    if row["kind"] != "group":
        raise not_found("Group")
    return row


def create_group(call: Call) -> Response:
    """`POST /groups`, at the top or below `parent_id`."""
    name, path = call.required("name"), call.required("path")
    if not PATH.fullmatch(path):
        raise ApiError(400, message={"path": ["can only include letters, digits, '_', '-' and '.'"]})
    parent_id = call.text("parent_id")
    parent = find(call, parent_id, "Group") if parent_id else None
    full_path = f"{parent['full_path']}/{path}" if parent else path
    if call.instance.store.first("SELECT 1 FROM namespaces WHERE lower(full_path) = lower(?)", full_path):
        raise ApiError(400, message={"path": ["has already been taken"]})
    group_id = call.instance.store.insert(
        "namespaces", kind="group", name=name, path=path, full_path=full_path,
        parent_id=parent["id"] if parent else None, visibility=call.text("visibility") or "private",
        created_at=clock.now(),
    )  # fmt: skip
    return JSONResponse(payload.group(find(call, str(group_id), "Group"), _web_root(call)), 201)


def find(call: Call, key: str, kind: str) -> sqlite3.Row:
    """The namespace with this id or full path. Raises 404."""
    column = "id" if key.isdigit() else "lower(full_path)"
    row = call.instance.store.first(f"SELECT * FROM namespaces WHERE {column} = ?", key.lower())  # noqa: S608
    if row is None:
        raise not_found(kind)
    return row


def _web_root(call: Call) -> str:
    return call.instance.config.external_url
