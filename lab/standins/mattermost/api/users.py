"""Accounts: creation, login, roles, activation."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.payloads import user as payload
from lab.standins.mattermost.payloads.gojson import loads
from lab.standins.mattermost.payloads.ok import OK
from lab.standins.mattermost.state import bots, users
from lab.standins.mattermost.state.errors import NO_COOKIE, ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.store import new_id

_ASSIGNABLE_ROLES = {
    *("system_user", "system_admin", "system_user_access_token"),
    *("system_post_all", "system_post_all_public"),
}


def create(call: Call) -> Response:
    """The first account of an empty server is its administrator; later ones need an administrator."""
    kinds = ("email", "username", "password", "nickname", "first_name", "last_name")
    wanted = call.fields("user", dict.fromkeys(kinds, str))
    first = call.store.one("SELECT 1 FROM users") is None
    open_server = call.instance.config.get("TeamSettings", "EnableOpenServer")
    if not first and not open_server and (call.maybe_user is None or not call.is_admin):
        raise ApiError("api.user.create_user.no_open_server", 403)
    wanted["username"] = wanted["username"].lower()
    if not users.is_valid_username(wanted["username"]):
        raise ApiError("model.user.is_valid.username.app_error", 400)
    if "@" not in wanted["email"]:
        raise ApiError("model.user.is_valid.email.app_error", 400)
    if not wanted["password"]:
        raise ApiError("model.user.is_valid.pwd.app_error", 400)
    wanted["password"] = users.hashed(wanted["password"])
    wanted["roles"] = "system_admin system_user" if first else "system_user"
    return JSONResponse(payload.to_json(users.insert(call.store, wanted), private=True), 201)


def login(call: Call) -> Response:
    """The session's token is only in the ``Token`` header."""
    given = loads(call.body)
    given = given if isinstance(given, dict) else {}
    login_id, password = given.get("login_id"), given.get("password")
    if not isinstance(password, str) or not password:
        raise ApiError("api.user.login.blank_pwd.app_error", 400)
    user = call.store.one("SELECT * FROM users WHERE ? IN (username, email)", login_id)
    if user is not None and user["bot_owner"] is not None:
        raise ApiError("api.user.login.bot_login_forbidden.app_error", 401)
    if user is None or user["delete_at"] or not users.matches(password, user["password"]):
        if user is not None:
            failed = user["failed_attempts"] + 1
            call.store.update("users", user["id"], {"failed_attempts": failed})
        raise ApiError("api.user.login.invalid_credentials_email_username", 401)
    token = new_id()
    call.store.insert("sessions", {"token": token, "user_id": user["id"], "create_at": call.store.now()})
    call.store.update("users", user["id"], {"failed_attempts": 0})
    user["failed_attempts"] = 0
    return JSONResponse(payload.to_json(user, private=True), headers={"Token": token})


def logout(call: Call) -> Response:
    call.store.execute("DELETE FROM sessions WHERE token = ?", call.token)
    return JSONResponse(OK, headers=NO_COOKIE)


def get(call: Call) -> Response:
    user = users.find(call.store, call.id("user_id"))
    return JSONResponse(payload.to_json(user, private=user["id"] == call.user["id"]))


def get_by_username(call: Call) -> Response:
    name = call.path("username")
    if not users.is_valid_username(name):
        raise invalid_body("username")
    user = call.store.one("SELECT * FROM users WHERE username = ?", name)
    if user is None:
        raise ApiError("app.user.get_by_username.app_error", 404)
    return JSONResponse(payload.to_json(user, private=user["id"] == call.user["id"]))


def list_by_usernames(call: Call) -> Response:
    """Those that there are."""
    return _listed(call, "username", "usernames")


def list_by_ids(call: Call) -> Response:
    """Those that there are."""
    return _listed(call, "id", "user_ids")


def _listed(call: Call, column: str, what: str) -> Response:
    wanted = loads(call.body)
    if not isinstance(wanted, list) or not wanted:
        raise invalid_body(what)
    marks = ", ".join("?" * len(wanted))
    rows = call.store.all(f"SELECT * FROM users WHERE {column} IN ({marks}) ORDER BY username", *wanted)  # noqa: S608
    return JSONResponse([payload.to_json(row, private=row["id"] == call.user["id"]) for row in rows])


def set_roles(call: Call) -> Response:
    """Roles beyond user and administrator need a licence, which Team Edition has not."""
    roles = call.fields("roles", {"roles": str})["roles"]
    if not call.is_admin:
        raise forbidden()
    if not set(roles.split()) <= _ASSIGNABLE_ROLES:
        raise ApiError("api.user.update_user_roles.license.app_error", 400)
    user = users.find(call.store, call.id("user_id"))
    call.store.update("users", user["id"], {"roles": roles})
    return JSONResponse(OK)


def patch(call: Call) -> Response:
    """Of what a person may change of themselves, their language alone."""
    user = users.find(call.store, call.id("user_id"))
    if user["id"] != call.user["id"] and not call.is_admin:
        raise forbidden()
    locale = call.fields("user", {"locale": str})["locale"]
    if locale:
        call.store.update("users", user["id"], {"locale": locale})
    changed = users.find(call.store, user["id"])
    return JSONResponse(payload.to_json(changed, private=user["id"] == call.user["id"]))


def set_active(call: Call) -> Response:
    """Deactivate, which ends the account's sessions and disables its bots, or activate."""
    active = call.json_object("active").get("active")
    if not isinstance(active, bool):
        raise invalid_body("active")
    if not call.is_admin:
        raise forbidden()
    user = users.find(call.store, call.id("user_id"))
    call.store.update("users", user["id"], {"delete_at": 0 if active else call.store.now()})
    if not active:
        call.store.execute("DELETE FROM sessions WHERE user_id = ?", user["id"])
        if call.instance.config.service("DisableBotsWhenOwnerIsDeactivated"):
            bots.disable_those_of(call.store, user["id"])
    return JSONResponse(OK)


routes = [
    endpoint("POST", "/users", create, session=False),
    endpoint("POST", "/users/login", login, session=False),
    endpoint("POST", "/users/logout", logout),
    endpoint("GET", "/users/{user_id}", get),
    endpoint("GET", "/users/username/{username}", get_by_username),
    endpoint("POST", "/users/usernames", list_by_usernames),
    endpoint("POST", "/users/ids", list_by_ids),
    endpoint("PUT", "/users/{user_id}/patch", patch),
    endpoint("PUT", "/users/{user_id}/roles", set_roles),
    endpoint("PUT", "/users/{user_id}/active", set_active),
]
