"""Mattermost's rate limit: one bucket per client address for the API and the hooks together.

The generic cell rate algorithm, with the headers and the plain-text 429 measured on Mattermost 5.37. The
settings are read when the server starts.
"""

from __future__ import annotations

import math
import time

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lab.standins.mattermost.state.instance import Instance


class RateLimit:
    """ASGI middleware; does nothing unless RateLimitSettings.Enable was true at the start."""

    def __init__(self, app: ASGIApp, instance: Instance) -> None:
        self._app = app
        self._enabled: bool = instance.config.get("RateLimitSettings", "Enable")
        self._interval = 1 / instance.config.get("RateLimitSettings", "PerSec")
        self._burst: int = instance.config.get("RateLimitSettings", "MaxBurst")
        self._trust_proxy = instance.release.forwarded_for_is_client
        self._due: dict[str, float] = {}
        """Per client, the time at which its bucket is full again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limited = scope["type"] == "http" and scope["path"].startswith(("/api/", "/hooks/"))
        if not self._enabled or not limited:
            await self._app(scope, receive, send)
            return
        now = time.monotonic()
        client = self._client(scope)
        due = max(self._due.get(client, now), now) + self._interval
        wait = due - now - self._interval * (self._burst + 1)
        allowed = wait <= 0
        if allowed:
            self._due[client] = due
        reset = self._due[client] - now
        headers = {
            "X-Ratelimit-Limit": str(self._burst + 1),
            "X-Ratelimit-Remaining": str(math.floor(self._burst + 1 - reset / self._interval + 1e-9)),
            "X-Ratelimit-Reset": str(math.ceil(reset)),
        }
        if not allowed:
            headers |= {"Retry-After": str(math.ceil(wait)), "X-Content-Type-Options": "nosniff"}
            await PlainTextResponse("limit exceeded\n", 429, headers)(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self._app(scope, receive, with_headers)

    def _client(self, scope: Scope) -> str:
        forwarded: dict[bytes, bytes] = dict(scope["headers"])
        if self._trust_proxy and b"x-forwarded-for" in forwarded:
            return forwarded[b"x-forwarded-for"].decode("latin-1").partition(",")[0].strip()
        return scope["client"][0] if scope["client"] else ""
