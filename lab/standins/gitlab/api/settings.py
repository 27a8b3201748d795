"""Application settings: `/application/settings`."""

import re
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.state.errors import ApiError
from lab.standins.gitlab.state.settings import DEFAULTS

_SEPARATORS = re.compile(r"[\s,;]+")
_MOST_ENTRIES = 1000
_LONGEST_ENTRY = 255


def show(call: Call) -> Response:
    """`GET /application/settings`."""
    _require_admin(call)
    stored = call.instance.settings.stored()
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
    call.instance.settings.change(values)
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
