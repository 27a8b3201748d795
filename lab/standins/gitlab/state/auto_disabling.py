"""Hooks that fail too often are no longer called, where the feature flag for it is on (GitLab 17.11 and newer).

It is off at first, as on a self-managed GitLab. From the fourth failure in a row a hook rests, for a minute, then
twice as long each time, up to a day; from the fortieth for good. Any success ends it, so does a new hook.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from lab.standins.gitlab.state import clock
from lab.standins.gitlab.state.store import Store

FLAG = "auto_disabling_web_hooks"
SETTING = f"feature.{FLAG}"
_RESTS_FROM, _ENDS_FROM = 4, 40
_LONGEST = timedelta(days=1)


class Status(NamedTuple):
    """`alert_status` and `disabled_until` of a hook."""

    alert: str
    until: str | None


def status(store: Store, hook_id: int) -> Status:
    """Whether a hook is called at this moment, from its log of deliveries."""
    if not store.count("SELECT value = 'true' FROM application_settings WHERE name = ?", SETTING):
        return Status("executable", None)
    failures, last = _failures(store, hook_id)
    if failures >= _ENDS_FROM:
        return Status("disabled", None)
    if failures >= _RESTS_FROM:
        until = datetime.fromisoformat(last) + min(_LONGEST, timedelta(minutes=2 ** (failures - _RESTS_FROM)))
        if until > datetime.fromisoformat(clock.now()):
            return Status("temporarily_disabled", until.isoformat())
    return Status("executable", None)


def _failures(store: Store, hook_id: int) -> tuple[int, str]:
    """How many deliveries have failed since the last success, and when the last one did."""
    row = store.first(
        "SELECT count(*), max(created_at) FROM hook_logs WHERE hook_id = ? AND id > "
        "(SELECT coalesce(max(id), 0) FROM hook_logs WHERE hook_id = ? AND response_status GLOB '[23]??')",
        hook_id,
        hook_id,
    )
    assert row is not None
    return row[0], row[1] or ""
