"""A webhook and its deliveries as the API shows them."""

import json
import sqlite3
from typing import Any

from lab.standins.gitlab.state import auto_disabling
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Hook


def to_json(instance: Instance, hook: Hook) -> dict[str, Any]:
    """A hook as the API shows it: secrets only as `…_present`, values of headers never."""
    state = auto_disabling.status(instance.store, hook.id)
    return {
        "id": hook.id,
        "url": hook.url,
        "created_at": hook.created_at,
        "project_id": hook.project_id,
        **hook.attributes,
        "repository_update_events": False,
        "alert_status": state.alert,
        "disabled_until": state.until,
        "url_variables": [],
        "custom_webhook_template": None,
        "custom_headers": [{"key": name} for name in hook.custom_headers],
        "token_present": hook.token is not None,
        "signing_token_present": hook.signing_token is not None,
    }


def delivery(row: sqlite3.Row) -> dict[str, Any]:
    """A delivery as the log lists it."""
    return {
        "id": row["id"],
        "url": row["url"],
        "trigger": row["trigger"],
        "request_headers": json.loads(row["request_headers"]),
        "request_data": json.loads(row["request_data"]),
        "response_headers": json.loads(row["response_headers"]),
        "response_body": row["response_body"],
        "execution_duration": row["execution_duration"],
        "response_status": row["response_status"],
        "created_at": row["created_at"],
    }
