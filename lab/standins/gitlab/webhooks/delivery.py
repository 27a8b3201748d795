"""One delivery of an event to a webhook.

As in GitLab (`WebHookService`, 19.1): the destination is judged again at the moment of sending; a request has ten
seconds and is never repeated; every delivery opens a connection of its own.
"""

import base64
import hmac
import json
import re
import time
from typing import Any, NamedTuple
from uuid import uuid4

from lab.standins.gitlab.state import clock
from lab.standins.gitlab.state.config import VERSION
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Hook
from lab.standins.gitlab.webhooks import sender
from lab.standins.gitlab.webhooks.allowlist import UrlBlocked, authorize
from lab.standins.gitlab.webhooks.triggers import Trigger

REDACTED = "[REDACTED]"
SIGNING_TOKEN_PREFIX = "whsec_"  # noqa: S105
# Ruby's URI::MailTo::EMAIL_REGEXP.
_ADDRESS = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)


class Outcome(NamedTuple):
    """How a delivery ended: the receiver's status and body, or None and the reason."""

    status: int | None
    message: str


def send(
    instance: Instance,
    hook: Hook,
    trigger_name: str,
    payload: dict[str, Any],
    *,
    idempotency_key: str,
    event_uuid: str,
) -> Outcome:
    """Deliver once, now, and log it."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    headers = _headers(instance, hook, trigger_name, body, idempotency_key, event_uuid)
    started = time.monotonic()
    answer: sender.Answer | None = None
    failure: str | None = None
    try:
        destination = authorize(hook.url, instance.settings.effective(), instance.config.external_url)
        answer = sender.post(
            destination, hook.url, headers, body,
            timeout=instance.config.webhook_timeout, verify=hook.attributes["enable_ssl_verification"],
        )  # fmt: skip
    except UrlBlocked as error:
        failure = f"URL is blocked: {error}"
    except sender.SendFailed as error:
        failure = str(error)
    secret = {"X-Gitlab-Token", *hook.custom_headers}
    instance.store.insert(
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
    instance: Instance, hook: Hook, trigger_name: str, body: bytes, idempotency_key: str, event_uuid: str
) -> dict[str, str]:
    timestamp = str(int(time.time()))
    headers = {
        **hook.custom_headers,
        "Content-Type": "application/json",
        "User-Agent": f"GitLab/{VERSION}",
        "Idempotency-Key": idempotency_key,
        "X-Gitlab-Event": Trigger("", trigger_name).header,
        "X-Gitlab-Webhook-UUID": str(uuid4()),
        "X-Gitlab-Instance": instance.config.external_url,
        "webhook-timestamp": timestamp,
        "webhook-id": idempotency_key,
    }
    if hook.token:
        headers["X-Gitlab-Token"] = hook.token
    if hook.signing_token:
        headers["webhook-signature"] = signature(hook.signing_token, idempotency_key, timestamp, body)
    headers["X-Gitlab-Event-UUID"] = event_uuid
    return headers


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
