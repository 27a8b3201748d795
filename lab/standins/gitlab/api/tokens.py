"""Personal access tokens: the caller's own, new ones, and their end."""

import secrets
from datetime import date, timedelta

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import projects
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


def get(call: Call) -> Response:
    """`GET /personal_access_tokens/:id`, revoked or not; whoever is no administrator is shown their own alone."""
    row = call.instance.users.numbered_token(call.number("token_id"))
    if call.user.id != 1 and (row is None or row["user_id"] != call.user.id):
        raise ApiError(401, message="401 Unauthorized")
    if row is None:
        raise not_found()
    return JSONResponse(details(row))


def create(call: Call) -> Response:
    """`POST /users/:user_id/personal_access_tokens`, for administrators: the only answer that holds the token."""
    if call.user.id != 1:
        raise ApiError(403, message="403 Forbidden")
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


def create_for_project(call: Call) -> Response:
    """`POST /projects/:id/access_tokens`: an account that is a member of that project alone, and its token."""
    project, name, scopes = projects.find(call), call.required("name"), call.names("scopes")
    until = call.text("expires_at")
    if not scopes or not until:
        raise ApiError(400, error=f"{'expires_at' if scopes else 'scopes'} is missing")
    account = f"project_{project.id}_bot_{secrets.token_hex(16)}"
    user = call.instance.users.create(
        account, name, f"{account}@noreply.git.taaf.internal", secrets.token_hex(16)
    )
    token = f"glpat-{secrets.token_urlsafe(15)}"
    row = call.instance.users.grant(user, token, sorted(scopes), name, until)
    level = int(call.text("access_level") or 40)
    return JSONResponse(details(row) | {"access_level": level, "token": token}, 201)


def revoke(call: Call) -> Response:
    """`DELETE /personal_access_tokens/:id`."""
    if not call.instance.users.revoke(call.number("token_id")):
        raise not_found()
    return Response(status_code=204)
