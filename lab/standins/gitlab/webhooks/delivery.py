"""Sending events to webhooks, in the background.

As in GitLab (`WebHookService`, 19.1): the destination is judged again at the moment of sending; a request has ten
seconds and is never repeated; every delivery opens a connection of its own; several run at once, so that nothing
promises an order. Events wait in the database as they wait in Redis there: what was not sent when the process
was killed is sent, with the same idempotency key, after the next start.
"""

import base64
import hmac
import json
import queue
import re
import sqlite3
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from lab.standins.gitlab.state import auto_disabling, clock
from lab.standins.gitlab.state.config import VERSION, Config
from lab.standins.gitlab.state.models import Hook, Project
from lab.standins.gitlab.state.settings import Settings
from lab.standins.gitlab.state.store import Store
from lab.standins.gitlab.webhooks import sender
from lab.standins.gitlab.webhooks.allowlist import UrlBlocked, authorize
from lab.standins.gitlab.webhooks.branch_filter import matches

REDACTED = "[REDACTED]"
SIGNING_TOKEN_PREFIX = "whsec_"  # noqa: S105
# Ruby's URI::MailTo::EMAIL_REGEXP.
_ADDRESS = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
_CONCURRENCY = 20
_KEPT = timedelta(days=7)


class Trigger(NamedTuple):
    """A kind of event."""

    attribute: str
    """The hook's switch for it, which also names it in the test API."""
    name: str
    """How the log of deliveries calls it."""

    @property
    def header(self) -> str:
        """`X-Gitlab-Event`."""
        return self.name.removesuffix("s").replace("_", " ").title()


PUSH = Trigger("push_events", "push_hooks")
TAG_PUSH = Trigger("tag_push_events", "tag_push_hooks")
ISSUE = Trigger("issues_events", "issue_hooks")
CONFIDENTIAL_ISSUE = Trigger("confidential_issues_events", "confidential_issue_hooks")
MERGE_REQUEST = Trigger("merge_requests_events", "merge_request_hooks")
NOTE = Trigger("note_events", "note_hooks")
CONFIDENTIAL_NOTE = Trigger("confidential_note_events", "confidential_note_hooks")
TRIGGERS = (PUSH, TAG_PUSH, ISSUE, CONFIDENTIAL_ISSUE, MERGE_REQUEST, NOTE, CONFIDENTIAL_NOTE)


class Outcome(NamedTuple):
    """How a delivery ended: the receiver's status and body, or None and the reason."""

    status: int | None
    message: str


class Dispatcher:
    """Queues events for hooks and sends them."""

    def __init__(self, store: Store, settings: Settings, config: Config) -> None:
        self._store = store
        self._settings = settings
        self._config = config
        self._queue: queue.SimpleQueue[int] = queue.SimpleQueue()

    def start(self) -> None:
        """Begin to send, with what an earlier process left behind."""
        oldest = (datetime.now(UTC) - _KEPT).isoformat()
        self._store.run("DELETE FROM hook_logs WHERE created_at < ?", oldest)
        for row in self._store.all("SELECT id FROM pending_deliveries ORDER BY id"):
            self._queue.put(row["id"])
        for number in range(_CONCURRENCY):
            threading.Thread(target=self._work, name=f"webhook-{number}", daemon=True).start()

    def fire(
        self, project: Project, trigger: Trigger, payload: dict[str, Any], *, branch: str | None = None
    ) -> None:
        """Queue an event for every hook of the project that wants it; `branch` is judged by the hooks' filters."""
        event_uuid = str(uuid4())
        for row in self._store.all("SELECT * FROM hooks WHERE project_id = ? ORDER BY id", project.id):
            hook = Hook.of(row)
            if not hook.attributes[trigger.attribute] or (branch is not None and not matches(hook, branch)):
                continue
            self._queue.put(
                self._store.insert(
                    "pending_deliveries", hook_id=hook.id, trigger=trigger.name, payload=payload,
                    idempotency_key=str(uuid4()), event_uuid=event_uuid,
                )
            )  # fmt: skip

    def send(
        self, hook: Hook, trigger_name: str, payload: dict[str, Any], *, idempotency_key: str, event_uuid: str
    ) -> Outcome:
        """Deliver once, now, and log it."""
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        headers = self._headers(hook, trigger_name, body, idempotency_key, event_uuid)
        started = time.monotonic()
        answer: sender.Answer | None = None
        failure: str | None = None
        try:
            destination = authorize(hook.url, self._settings.effective(), self._config.external_url)
            answer = sender.post(
                destination, hook.url, headers, body,
                timeout=self._config.webhook_timeout, verify=hook.attributes["enable_ssl_verification"],
            )  # fmt: skip
        except UrlBlocked as error:
            failure = f"URL is blocked: {error}"
        except sender.SendFailed as error:
            failure = str(error)
        secret = {"X-Gitlab-Token", *hook.custom_headers}
        self._store.insert(
            "hook_logs",
            hook_id=hook.id,
            trigger=trigger_name,
            url=hook.url,
            request_headers={name: REDACTED if name in secret else value for name, value in headers.items()},
            request_data=_without_addresses(payload),
            response_headers=answer.headers if answer else {},
            response_body=answer.body if answer else "",
            response_status=str(answer.status) if answer else "internal error",
            internal_error_message=failure,
            execution_duration=time.monotonic() - started,
            created_at=clock.now(),
        )
        return Outcome(answer.status, answer.body) if answer else Outcome(None, failure or "")

    def _headers(
        self, hook: Hook, trigger_name: str, body: bytes, idempotency_key: str, event_uuid: str
    ) -> dict[str, str]:
        timestamp = str(int(time.time()))
        headers = {
            **hook.custom_headers,
            "Content-Type": "application/json",
            "User-Agent": f"GitLab/{VERSION}",
            "Idempotency-Key": idempotency_key,
            "X-Gitlab-Event": Trigger("", trigger_name).header,
            "X-Gitlab-Webhook-UUID": str(uuid4()),
            "X-Gitlab-Instance": self._config.external_url,
            "webhook-timestamp": timestamp,
            "webhook-id": idempotency_key,
        }
        if hook.token:
            headers["X-Gitlab-Token"] = hook.token
        if hook.signing_token:
            headers["webhook-signature"] = signature(hook.signing_token, idempotency_key, timestamp, body)
        headers["X-Gitlab-Event-UUID"] = event_uuid
        return headers

    def _work(self) -> None:
        while True:
            self._deliver(self._queue.get())

    def _deliver(self, pending_id: int) -> None:
        pending = self._store.first("SELECT * FROM pending_deliveries WHERE id = ?", pending_id)
        if pending is None:  # its hook was deleted meanwhile
            return
        row = self._store.first("SELECT * FROM hooks WHERE id = ?", pending["hook_id"])
        if row is None:
            return
        if auto_disabling.status(self._store, row["id"]).alert != "executable":  # dropped, as in GitLab
            self._store.run("DELETE FROM pending_deliveries WHERE id = ?", pending_id)
            return
        # A hook that is deleted during the delivery takes its log with it.
        with suppress(sqlite3.IntegrityError):
            self.send(
                Hook.of(row), pending["trigger"], json.loads(pending["payload"]),
                idempotency_key=pending["idempotency_key"], event_uuid=pending["event_uuid"],
            )  # fmt: skip
        self._store.run("DELETE FROM pending_deliveries WHERE id = ?", pending_id)


def _without_addresses(value: Any) -> Any:
    """As the log keeps a body: a text that is an e-mail address as a whole is not shown."""
    if isinstance(value, dict):
        return {key: _without_addresses(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_addresses(each) for each in value]
    return REDACTED if isinstance(value, str) and _ADDRESS.fullmatch(value) else value


def signature(signing_token: str, message_id: str, timestamp: str, body: bytes) -> str:
    """The `webhook-signature` of GitLab 19.0: HMAC-SHA256 over id, timestamp and body, as Standard Webhooks has it."""
    key = base64.b64decode(signing_token.removeprefix(SIGNING_TOKEN_PREFIX))
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
