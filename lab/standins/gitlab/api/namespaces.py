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
    row = find(call, call.segment("id"), "Group")
    if row["kind"] != "group":
        raise not_found("Group")
    return JSONResponse(payload.group(row, _web_root(call)))


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
