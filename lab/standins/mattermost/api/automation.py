"""What automation logs in with: access tokens of people and of bots."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.payloads.ok import OK
from lab.standins.mattermost.state import users
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.store import new_id


def create_token(call: Call) -> Response:
    """A token is shown once. People's tokens need EnableUserAccessTokens, bots' tokens never do."""
    description = call.fields("user_access_token", {"description": str})["description"]
    user = users.find(call.store, call.id("user_id"))
    if not description:
        raise invalid_body("description")
    if not call.is_admin:
        raise forbidden()
    if user["bot_owner"] is None and not call.instance.config.service("EnableUserAccessTokens"):
        raise ApiError("app.user_access_token.disabled", 501)
    token = {"id": new_id(), "token": new_id(), "user_id": user["id"], "description": description}
    call.store.insert("access_tokens", token)
    return JSONResponse(token | {"is_active": True})


def list_tokens(call: Call) -> Response:
    user = users.find(call.store, call.id("user_id"))
    if not call.is_admin:
        raise forbidden()
    size, offset = call.page()
    rows = call.store.all(
        "SELECT * FROM access_tokens WHERE user_id = ? LIMIT ? OFFSET ?", user["id"], size, offset
    )
    keys = ("id", "user_id", "description")
    return JSONResponse([{key: row[key] for key in keys} | {"is_active": True} for row in rows])


def revoke_token(call: Call) -> Response:
    """It ends at once."""
    token_id = call.fields("token_id", {"token_id": str})["token_id"]
    if not token_id:
        raise invalid_body("token_id")
    if not call.is_admin:
        raise forbidden()
    if call.store.get("access_tokens", token_id) is None:
        raise ApiError("app.user_access_token.get_by_user.app_error", 404)
    call.store.execute("DELETE FROM access_tokens WHERE id = ?", token_id)
    return JSONResponse(OK)


routes = [
    endpoint("POST", "/users/{user_id}/tokens", create_token),
    endpoint("GET", "/users/{user_id}/tokens", list_tokens),
    endpoint("POST", "/users/tokens/revoke", revoke_token),
]
