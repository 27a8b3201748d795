"""The HTTP side: takes events from GitLab, answers once they are stored, and does nothing else.

    POST /webhook/gitlab    200 stored, known already or not worth a message; 401 only for a wrong or missing
                            secret or signature; 403 signed too long ago; 400 not JSON; 408 too slow;
                            413 too large; 503 could not be stored
    GET  /health            200, or 503 if notifications are not taken or not delivered
    GET  /metrics           figures for Prometheus (relays.metrics)

GitLab does not send an event again whatever the answer, gives up after ten seconds, and counts everything but 2xx
as a failure of the hook. So Mattermost is never waited for, and an event that means nothing here is still a 200.
"""

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from relays.gitlab.authenticity import Authenticity, Examination
from relays.gitlab.delivery_key import delivery_key
from relays.gitlab.events import BUILDERS, kind_of
from relays.gitlab.intake import Intake
from relays.gitlab.payload import Payload
from relays.metrics import Metrics

log = logging.getLogger(__name__)

_BODY_SECONDS = 20.0
# The body of a request that shows a signature and no right token is kept until its end, when the signature can be
# judged. This many at once, or strangers could fill the memory; those whose token is right do not wait behind them.
_UNPROVEN_BODIES = 4


@dataclass(frozen=True)
class Reception:
    """How events are received."""

    intake: Intake
    authenticity: Authenticity
    max_body_bytes: int
    metrics: Metrics
    unproven: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_UNPROVEN_BODIES))


def make_app(reception: Reception, health: Callable[[], tuple[bool, dict[str, object]]]) -> Starlette:
    """The application. `health` tells whether the relay is well, and its figures."""
    counters: Counter[str] = Counter()

    async def webhook(request: Request) -> Response:
        begun = time.perf_counter()
        try:
            status, outcome = await _receive(reception, request)
        except ClientDisconnect:
            status, outcome = 400, "incomplete"
        counters[outcome] += 1
        if status == 200:
            reception.metrics.accepting.observe(time.perf_counter() - begun)
        else:
            reception.metrics.refused.labels(outcome.replace(" ", "_")).inc()
        return PlainTextResponse(f"{outcome}\n", status)

    def healthy(request: Request) -> Response:
        well, figures = health()
        return JSONResponse({**figures, "events": dict(counters)}, 200 if well else 503)

    def metrics(request: Request) -> Response:
        return Response(reception.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/webhook/gitlab", webhook, methods=["POST"]),
            Route("/health", healthy, methods=["GET"]),
            Route("/metrics", metrics, methods=["GET"]),
        ]
    )


async def _receive(reception: Reception, request: Request) -> tuple[int, str]:
    examination = reception.authenticity.examine(request.headers)
    unproven = examination.promising and not examination.trusted
    try:
        async with asyncio.timeout(_BODY_SECONDS), reception.unproven if unproven else nullcontext():
            body = await _read_body(request, reception.max_body_bytes, examination)
    except TimeoutError:
        return 408, "too slow"
    refusal = examination.refusal()
    if refusal is not None:
        log.warning("refused reason=%s", refusal.reason)
        return refusal.status, refusal.outcome
    if body is None:
        log.warning(
            "refused reason=size: the body is larger than max_body_bytes = %d", reception.max_body_bytes
        )
        return 413, "too large"
    try:
        payload = Payload(json.loads(body))
    except (ValueError, RecursionError):
        log.warning("refused reason=json: the body is not JSON")
        return 400, "not JSON"
    outcome = await reception.intake.take(delivery_key(request.headers, body), payload)
    if outcome == "not stored":
        return 503, outcome
    kind = kind_of(payload)
    reception.metrics.events.labels(kind if kind in BUILDERS else "other", outcome).inc()
    return 200, outcome


async def _read_body(request: Request, limit: int, examination: Examination) -> bytearray | None:
    """The body, None if it is larger than the limit; it is read to its end all the same.

    A stranger's body is read, so that the answer gets through, but not kept.
    """
    body = bytearray()
    size = 0
    async for chunk in request.stream():
        examination.feed(chunk)
        size += len(chunk)
        if examination.promising and size <= limit:
            body += chunk
    return body if size <= limit else None
