"""Namespaces: each user's own and groups."""

import re
import sqlite3
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api.call import ApiError, Call, not_found
from lab.standins.gitlab.state import clock

PATH = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")


def index(call: Call) -> Response:
    """`GET /namespaces`."""
    return call.page(
        [_namespace(call, row) for row in call.gitlab.store.all("SELECT * FROM namespaces ORDER BY id")]
    )


def show(call: Call) -> Response:
    """`GET /namespaces/:id`, by id or by path."""
    return JSONResponse(_namespace(call, find(call, call.segment("id"), "Namespace")))


def groups(call: Call) -> Response:
    """`GET /groups`."""
    rows = call.gitlab.store.all("SELECT * FROM namespaces WHERE kind = 'group' ORDER BY full_path")
    return call.page([_group(call, row) for row in rows])


def group(call: Call) -> Response:
    """`GET /groups/:id`, by id or by path."""
    row = find(call, call.segment("id"), "Group")
    if row["kind"] != "group":
        raise not_found("Group")
    return JSONResponse(_group(call, row))


def create_group(call: Call) -> Response:
    """`POST /groups`, at the top or below `parent_id`."""
    name, path = call.required("name"), call.required("path")
    if not PATH.fullmatch(path):
        raise ApiError(400, message={"path": ["can only include letters, digits, '_', '-' and '.'"]})
    parent_id = call.text("parent_id")
    parent = find(call, parent_id, "Group") if parent_id else None
    full_path = f"{parent['full_path']}/{path}" if parent else path
    if call.gitlab.store.first("SELECT 1 FROM namespaces WHERE lower(full_path) = lower(?)", full_path):
        raise ApiError(400, message={"path": ["has already been taken"]})
    group_id = call.gitlab.store.insert(
        "namespaces", kind="group", name=name, path=path, full_path=full_path,
        parent_id=parent["id"] if parent else None, visibility=call.text("visibility") or "private",
        created_at=clock.now(),
    )  # fmt: skip
    return JSONResponse(_group(call, find(call, str(group_id), "Group")), 201)


def find(call: Call, key: str, kind: str) -> sqlite3.Row:
    """The namespace with this id or full path. Raises 404."""
    column = "id" if key.isdigit() else "lower(full_path)"
    row = call.gitlab.store.first(f"SELECT * FROM namespaces WHERE {column} = ?", key.lower())  # noqa: S608
    if row is None:
        raise not_found(kind)
    return row


def _namespace(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    web_root = call.gitlab.config.external_url
    return {
        "id": row["id"],
        "name": row["name"],
        "path": row["path"],
        "kind": row["kind"],
        "full_path": row["full_path"],
        "parent_id": row["parent_id"],
        "avatar_url": None,
        "web_url": f"{web_root}/{row['full_path']}"
        if row["kind"] == "user"
        else f"{web_root}/groups/{row['full_path']}",
    }


def _group(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "web_url": f"{call.gitlab.config.external_url}/groups/{row['full_path']}",
        "name": row["name"],
        "path": row["path"],
        "description": "",
        "visibility": row["visibility"],
        "full_name": row["name"],
        "full_path": row["full_path"],
        "created_at": row["created_at"],
        "parent_id": row["parent_id"],
    }
