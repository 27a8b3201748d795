"""The events that wait for their hooks, and the workers that deliver them.

As in GitLab several deliveries run at once, so that nothing promises an order. Events wait in the database as they wait
in Redis there: what was not sent when the process was killed is sent, with the same idempotency key, after the next
start.
"""

import json
import sqlite3
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from lab.standins.gitlab.state import auto_disabling
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Hook, Project
from lab.standins.gitlab.webhooks import delivery
from lab.standins.gitlab.webhooks.branch_filter import matches
from lab.standins.gitlab.webhooks.triggers import Trigger

_CONCURRENCY = 20
_KEPT = timedelta(days=7)


def start(instance: Instance) -> None:
    """Begin to send, with what an earlier process left behind."""
    oldest = (datetime.now(UTC) - _KEPT).isoformat()
    instance.store.run("DELETE FROM hook_logs WHERE created_at < ?", oldest)
    for row in instance.store.all("SELECT id FROM pending_deliveries ORDER BY id"):
        instance.pending_deliveries.put(row["id"])
    for number in range(_CONCURRENCY):
        threading.Thread(target=_work, args=(instance,), name=f"webhook-{number}", daemon=True).start()


def fire(
    instance: Instance,
    project: Project,
    trigger: Trigger,
    payload: dict[str, Any],
    *,
    branch: str | None = None,
) -> None:
    """Queue an event for every hook of the project that wants it; `branch` is judged by the hooks' filters."""
    event_uuid = str(uuid4())
    for row in instance.store.all("SELECT * FROM hooks WHERE project_id = ? ORDER BY id", project.id):
        hook = Hook.of(row)
        if not hook.attributes[trigger.attribute] or (branch is not None and not matches(hook, branch)):
            continue
        instance.pending_deliveries.put(
            instance.store.insert(
                "pending_deliveries", hook_id=hook.id, trigger=trigger.name, payload=payload,
                idempotency_key=str(uuid4()), event_uuid=event_uuid,
            )
        )  # fmt: skip


def _work(instance: Instance) -> None:
    while True:
        _deliver(instance, instance.pending_deliveries.get())


def _deliver(instance: Instance, pending_id: int) -> None:
    pending = instance.store.first("SELECT * FROM pending_deliveries WHERE id = ?", pending_id)
    if pending is None:  # its hook was deleted meanwhile
        return
    row = instance.store.first("SELECT * FROM hooks WHERE id = ?", pending["hook_id"])
    if row is None:
        return
    if auto_disabling.status(instance.store, row["id"]).alert != "executable":  # dropped, as in GitLab
        instance.store.run("DELETE FROM pending_deliveries WHERE id = ?", pending_id)
        return
    # A hook that is deleted during the delivery takes its log with it.
    with suppress(sqlite3.IntegrityError):
        delivery.send(
            instance, Hook.of(row), pending["trigger"], json.loads(pending["payload"]),
            idempotency_key=pending["idempotency_key"], event_uuid=pending["event_uuid"],
        )  # fmt: skip
    instance.store.run("DELETE FROM pending_deliveries WHERE id = ?", pending_id)
