"""What automation logs in with: personal access tokens and bot accounts."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.payloads import bot as payload
from lab.standins.mattermost.payloads.ok import OK
from lab.standins.mattermost.state import users
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.store import new_id


def create_bot(call: Call) -> Response:
    wanted = call.fields("bot", dict.fromkeys(("username", "display_name", "description"), str))
    if not call.is_admin:
        raise forbidden()
    if not call.instance.config.service("EnableBotAccountCreation"):
        raise ApiError("api.bot.create_disabled", 403)
    if not users.is_valid_username(wanted["username"]):
        raise ApiError("model.user.is_valid.username.app_error", 400)
    account: dict[str, object] = {
        "username": wanted["username"],
        "email": f"{wanted['username']}@localhost",
        "first_name": wanted["display_name"],
        "roles": "system_user",
        "bot_owner": call.user["id"],
        "bot_description": wanted["description"],
    }
    return JSONResponse(payload.to_json(users.insert(call.store, account)), 201)


def list_bots(call: Call) -> Response:
    if not call.is_admin:
        raise forbidden()
    rows = call.store.all(
        "SELECT * FROM users WHERE bot_owner IS NOT NULL AND delete_at = 0 "
        "ORDER BY create_at LIMIT ? OFFSET ?",
        *call.page(),
    )
    return JSONResponse([payload.to_json(row) for row in rows])


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
    rows = call.store.all("SELECT * FROM access_tokens WHERE user_id = ?", user["id"])
    keys = ("id", "user_id", "description")
    return JSONResponse([{key: row[key] for key in keys} | {"is_active": True} for row in rows])


def revoke_token(call: Call) -> Response:
    """A token ends with the sessions that were opened with it."""
    id = call.fields("token_id", {"token_id": str})["token_id"]
    if not id:
        raise invalid_body("token_id")
    if call.store.one("SELECT 1 FROM access_tokens WHERE id = ?", id) is None:
        raise ApiError("app.user_access_token.get_by_user.app_error", 404)
    if not call.is_admin:
        raise forbidden()
    call.store.execute("DELETE FROM access_tokens WHERE id = ?", id)
    return JSONResponse(OK)


routes = [
    endpoint("POST", "/bots", create_bot),
    endpoint("GET", "/bots", list_bots),
    endpoint("POST", "/users/{user_id}/tokens", create_token),
    endpoint("GET", "/users/{user_id}/tokens", list_tokens),
    endpoint("POST", "/users/tokens/revoke", revoke_token),
]
