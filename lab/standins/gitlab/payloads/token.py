"""Personal access tokens."""

import sqlite3
from typing import Any


def details(row: sqlite3.Row) -> dict[str, Any]:
    """A token as the API shows it; its value is shown when it is made, and never again."""
    return {
        "id": row["id"],
        "name": row["name"],
        "revoked": bool(row["revoked"]),
        "created_at": row["created_at"],
        "description": None,
        "scopes": row["scope"].split(),
        "user_id": row["user_id"],
        "last_used_at": None,
        "active": not row["revoked"],
        "expires_at": row["expires_at"],
    }
