"""Application settings, as far as they govern outgoing requests."""

import json
import re
import threading
import time
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api.call import ApiError, Call
from lab.standins.gitlab.state.store import Store

DEFAULTS: dict[str, Any] = {
    "allow_local_requests_from_web_hooks_and_services": False,
    "allow_local_requests_from_system_hooks": True,
    "deny_all_requests_except_allowed": False,
    "dns_rebinding_protection_enabled": True,
    "outbound_local_requests_whitelist": [],
    "push_event_hooks_limit": 3,
    "default_project_visibility": "private",
    "signup_enabled": False,
}
_SEPARATORS = re.compile(r"[\s,;]+")
_MOST_ENTRIES = 1000
_LONGEST_ENTRY = 255


class Settings:
    """The settings, and what the processes that send webhooks know of them.

    GitLab caches its settings in every process for about a minute, so that a hook may be refused although the
    allow-list has just been extended. `effective()` lags behind in the same way, by `cache_seconds`.
    """

    def __init__(self, store: Store, cache_seconds: float) -> None:
        self._store = store
        self._cache_seconds = cache_seconds
        self._lock = threading.Lock()
        self._effective = self.stored()
        self._reload_at: float | None = None

    def stored(self) -> dict[str, Any]:
        """The settings as the API reads them back: always the latest."""
        rows = self._store.all("SELECT name, value FROM application_settings WHERE name NOT LIKE 'feature.%'")
        return {**DEFAULTS, **{row["name"]: json.loads(row["value"]) for row in rows}}

    def effective(self) -> dict[str, Any]:
        """The settings as hook validation and delivery see them."""
        with self._lock:
            if self._reload_at is not None and time.monotonic() >= self._reload_at:
                self._effective, self._reload_at = self.stored(), None
            return self._effective

    def change(self, values: dict[str, Any]) -> None:
        """Store new values; they take effect after the cache has run out."""
        self.effective()
        with self._store.transaction():
            for name, value in values.items():
                self._store.run(
                    "INSERT OR REPLACE INTO application_settings (name, value) VALUES (?, ?)",
                    name,
                    json.dumps(value),
                )
        with self._lock:
            self._reload_at = time.monotonic() + self._cache_seconds


def show(call: Call) -> Response:
    """`GET /application/settings`."""
    _require_admin(call)
    stored = call.gitlab.settings.stored()
    raw = "\n".join(stored["outbound_local_requests_whitelist"])
    return JSONResponse({"id": 1, **stored, "outbound_local_requests_allowlist_raw": raw})


def update(call: Call) -> Response:
    """`PUT /application/settings`.

    The allow-list is written as `outbound_local_requests_allowlist_raw` and read as
    `outbound_local_requests_whitelist`; writing the latter answers 200 and changes nothing
    (gitlab-org/gitlab issue 569729).
    """
    _require_admin(call)
    if not call.params:
        raise ApiError(
            400, error=f"{', '.join(DEFAULTS)} are missing, at least one parameter must be provided"
        )
    values: dict[str, Any] = {}
    for name, default in DEFAULTS.items():
        if name not in call.params or isinstance(default, list):
            continue
        values[name] = call.flag(name) if isinstance(default, bool) else type(default)(call.params[name])
    raw = call.text("outbound_local_requests_allowlist_raw")
    if raw is not None:
        values["outbound_local_requests_whitelist"] = _entries(raw)
    call.gitlab.settings.change(values)
    return show(call)


def _entries(raw: str) -> list[str]:
    entries = list(dict.fromkeys(entry for entry in _SEPARATORS.split(raw) if entry))
    problem = None
    if len(entries) > _MOST_ENTRIES:
        problem = f"is too long (maximum is {_MOST_ENTRIES} entries)"
    elif any(len(entry) > _LONGEST_ENTRY for entry in entries):
        problem = f"is too long (maximum is {_LONGEST_ENTRY} characters per entry)"
    if problem:
        raise ApiError(400, message={"outbound_local_requests_allowlist": [problem]})
    return entries


def _require_admin(call: Call) -> None:
    if call.user.id != 1:
        raise ApiError(403, message="403 Forbidden")
