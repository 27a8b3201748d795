"""Application settings, as far as they govern outgoing requests."""

import json
import threading
import time
from typing import Any

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
