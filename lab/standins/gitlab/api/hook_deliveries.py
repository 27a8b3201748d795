"""Deliveries of a hook: testing it, the log, sending again (GitLab 19.1)."""

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from uuid import uuid4

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import hooks, projects, samples
from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.payloads import hook as payload
from lab.standins.gitlab.state.errors import ApiError, not_found
from lab.standins.gitlab.state.models import Hook
from lab.standins.gitlab.state.rate_limiter import RateLimiter
from lab.standins.gitlab.webhooks import delivery

_LISTED_DAYS = timedelta(days=7)
_LARGEST_PAGE = 20
# `server_failure` selects what got no answer as well, whose status is `internal error`.
_CATEGORIES = {"2": "successful", "4": "client_failure", "5": "server_failure", "i": "server_failure"}


def test(call: Call) -> Response:
    """`POST /projects/:id/hooks/:hook_id/test/:trigger`: a delivery made from the latest object of the kind.

    201 when the receiver answers 2xx, else 422 with the reason or its body; 429 over five a minute.
    """
    hook = hooks.find(call)
    _limit(call, call.instance.test_limit, hook)
    trigger, body = samples.build(call, projects.find(call), call.segment("trigger"))
    outcome = delivery.send(
        call.instance, hook, trigger.name, body, idempotency_key=str(uuid4()), event_uuid=str(uuid4())
    )
    if outcome.status is None or not 200 <= outcome.status < 300:
        raise ApiError(422, message=outcome.message)
    return JSONResponse({"message": "201 Created"}, 201)


def events(call: Call) -> Response:
    """`GET /projects/:id/hooks/:hook_id/events`: deliveries of the last seven days, newest first."""
    hook = hooks.find(call)
    wanted = call.names("status")
    known = {*(str(int(status)) for status in HTTPStatus), *_CATEGORIES.values()}
    if wanted is not None and not known.issuperset(wanted):
        raise ApiError(400, error="status does not have a valid value")
    if not 1 <= int(call.text("per_page") or _LARGEST_PAGE) <= _LARGEST_PAGE:
        raise ApiError(400, error="per_page does not have a valid value")
    first_day = (datetime.now(UTC) - _LISTED_DAYS).strftime("%Y-%m-%d")
    rows = call.instance.store.all(
        "SELECT * FROM hook_logs WHERE hook_id = ? AND created_at >= ? ORDER BY created_at DESC, id DESC",
        *(hook.id, first_day),
    )
    return call.page(
        [payload.delivery(row) for row in rows if wanted is None or _selected(row["response_status"], wanted)]
    )


def resend(call: Call) -> Response:
    """`POST /projects/:id/hooks/:hook_id/events/:hook_event_id/resend`: what is logged, under the same key."""
    hook = hooks.find(call)
    _limit(call, call.instance.resend_limit, hook)
    row = call.instance.store.first(
        "SELECT * FROM hook_logs WHERE hook_id = ? AND id = ?", hook.id, call.number("event_id")
    )
    if row is None:
        raise not_found()
    if row["url"] != hook.url:
        raise ApiError(422, message="The hook URL has changed, and this log entry cannot be retried")
    headers = json.loads(row["request_headers"])
    outcome = delivery.send(call.instance, hook, row["trigger"], json.loads(row["request_data"]),
        idempotency_key=headers["Idempotency-Key"], event_uuid=headers["X-Gitlab-Event-UUID"],
    )  # fmt: skip
    if outcome.status is None:
        raise ApiError(422, message=outcome.message)
    return JSONResponse({"response_status": outcome.status}, 201)


def _selected(status: str, wanted: list[str]) -> bool:
    return status in wanted or _CATEGORIES.get(status[0]) in wanted


def _limit(call: Call, limiter: RateLimiter, hook: Hook) -> None:
    if not limiter.take((hook.project_id, call.user.id)):
        raise ApiError(
            429, message={"error": "This endpoint has been requested too many times. Try again later."}
        )
