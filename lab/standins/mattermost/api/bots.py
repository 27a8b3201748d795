"""Bot accounts: made by administrators, altered, disabled and enabled again; the API deletes none."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.payloads import bot as payload
from lab.standins.mattermost.state import bots, users
from lab.standins.mattermost.state.errors import ApiError, forbidden

_TEXTS = ("username", "display_name", "description")


def create(call: Call) -> Response:
    """Nobody but an administrator, and while the server lets bots be made; a bot makes none."""
    wanted = call.fields("bot", dict.fromkeys(_TEXTS, str))
    if not call.is_admin or call.user["bot_owner"] is not None:
        raise forbidden()
    if not call.instance.config.service("EnableBotAccountCreation"):
        raise ApiError("api.bot.create_disabled", 403)
    _refuse_impossible(wanted["username"])
    account: dict[str, object] = {
        "username": wanted["username"],
        "email": bots.address(wanted["username"]),
        "first_name": wanted["display_name"],
        "roles": "system_user",
        "bot_owner": call.user["id"],
        "bot_description": wanted["description"],
    }
    bot = users.insert(call.store, account)
    bots.greet(call.instance, bot, call.user)
    return JSONResponse(payload.to_json(bot), 201)


def list_page(call: Call) -> Response:
    """In the order in which they were made."""
    if not call.is_admin:
        raise forbidden()
    rows = call.store.all(
        "SELECT * FROM users WHERE bot_owner IS NOT NULL AND (delete_at = 0 OR ?) "
        "ORDER BY create_at LIMIT ? OFFSET ?",
        call.flag("include_deleted"),
        *call.page(),
    )
    return JSONResponse([payload.to_json(row) for row in rows])


def get(call: Call) -> Response:
    """One that is disabled is found only if asked for."""
    if not call.is_admin:
        raise forbidden()
    found = bots.find(call.store, call.id("bot_user_id"))
    if found["delete_at"] and not call.flag("include_deleted"):
        raise bots.missing()
    return JSONResponse(payload.to_json(found))


def patch(call: Call) -> Response:
    """What the body leaves out stays."""
    if not call.is_admin:
        raise forbidden()
    found = bots.find(call.store, call.id("bot_user_id"))
    given = call.json_object("bot")
    wanted = {key: given[key] for key in _TEXTS if isinstance(given.get(key), str)}
    if "username" in wanted:
        _refuse_impossible(wanted["username"])
    return JSONResponse(payload.to_json(bots.patch(call.store, found, wanted)))


def disable(call: Call) -> Response:
    return _set_disabled(call, disabled=True)


def enable(call: Call) -> Response:
    """Its tokens work again."""
    return _set_disabled(call, disabled=False)


def _set_disabled(call: Call, *, disabled: bool) -> Response:
    if not call.is_admin:
        raise forbidden()
    found = bots.find(call.store, call.id("bot_user_id"))
    return JSONResponse(payload.to_json(bots.set_disabled(call.store, found, disabled=disabled)))


def _refuse_impossible(username: str) -> None:
    if not users.is_valid_username(username):
        raise ApiError("model.user.is_valid.username.app_error", 400)


routes = [
    endpoint("POST", "/bots", create),
    endpoint("GET", "/bots", list_page),
    endpoint("GET", "/bots/{bot_user_id}", get),
    endpoint("PUT", "/bots/{bot_user_id}", patch),
    endpoint("POST", "/bots/{bot_user_id}/disable", disable),
    endpoint("POST", "/bots/{bot_user_id}/enable", enable),
]
