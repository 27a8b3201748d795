"""Personal access tokens: the caller's own, new ones, and their end."""

import secrets
from datetime import date, timedelta

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.api.endpoint import token_of
from lab.standins.gitlab.payloads.token import details
from lab.standins.gitlab.state.errors import ApiError, not_found

LONGEST = timedelta(days=365)
"""How long a token may live at most, and lives if nothing is said (GitLab 16.0 and newer)."""


def current(call: Call) -> Response:
    """`GET /personal_access_tokens/self`."""
    row = call.instance.users.token(token_of(call.request) or "")
    assert row is not None
    return JSONResponse(details(row))


def create(call: Call) -> Response:
    """`POST /users/:user_id/personal_access_tokens`, for administrators: the only answer that holds the token."""
    user = call.instance.users.get(call.number("user_id"))
    if user is None:
        raise not_found("User")
    name, scopes = call.text("name"), call.names("scopes")
    if not name or not scopes:
        raise ApiError(400, error=f"{'scopes' if name else 'name'} is missing")
    today = date.today()
    until = call.text("expires_at") or str(today + LONGEST)
    if not str(today) < until <= str(today + LONGEST):
        raise ApiError(400, message={"expires_at": ["must be in the future, and within a year"]})
    token = f"glpat-{secrets.token_urlsafe(15)}"
    row = call.instance.users.grant(user, token, sorted(scopes), name, until)
    return JSONResponse(details(row) | {"token": token}, 201)


def revoke(call: Call) -> Response:
    """`DELETE /personal_access_tokens/:id`."""
    if not call.instance.users.revoke(call.number("token_id")):
        raise not_found()
    return Response(status_code=204)
