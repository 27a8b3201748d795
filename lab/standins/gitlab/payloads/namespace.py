"""A namespace and a group as the API shows them."""

import sqlite3
from typing import Any


def to_json(row: sqlite3.Row, web_root: str) -> dict[str, Any]:
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


def group(row: sqlite3.Row, web_root: str) -> dict[str, Any]:
    return {
        "id": row["id"],
        "web_url": f"{web_root}/groups/{row['full_path']}",
        "name": row["name"],
        "path": row["path"],
        "description": "",
        "visibility": row["visibility"],
        "full_name": row["name"],
        "full_path": row["full_path"],
        "created_at": row["created_at"],
        "parent_id": row["parent_id"],
    }
