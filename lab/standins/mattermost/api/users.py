"""Accounts: creation, login, roles, activation."""

from __future__ import annotations

import hashlib
import hmac
import os
import re

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.payloads.gojson import loads
from lab.standins.mattermost.state.errors import NO_COOKIE, ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.store import Row, Store, new_id

OK = {"status": "OK"}

NOTIFY_PROPS = {
    "channel": "true",
    "comments": "never",
    "desktop": "mention",
    "desktop_sound": "true",
    "email": "true",
    "first_name": "false",
    "mention_keys": "",
    "push": "mention",
    "push_status": "away",
}
"""Everybody's notification settings. They cannot be changed here."""

_USERNAME = re.compile(r"[a-z0-9._-]{1,64}")
_RESERVED_USERNAMES = {"all", "channel", "matterbot", "system"}
_ASSIGNABLE_ROLES = {"system_user", "system_admin", "system_user_access_token"}


def is_valid_username(name: str) -> bool:
    """Mattermost's rule for account names, which also holds for the username of a hook."""
    return bool(_USERNAME.fullmatch(name)) and name not in _RESERVED_USERNAMES


def to_json(user: Row, *, private: bool) -> dict[str, object]:
    """An account as the API shows it; ``private`` is the account's own view."""
    shown: dict[str, object] = {
        key: user[key]
        for key in ("id", "create_at", "update_at", "delete_at", "username", "email", "nickname")
    }
    shown |= {"auth_data": "", "auth_service": ""}
    shown |= {key: user[key] for key in ("first_name", "last_name", "position", "roles")}
    if private:
        shown |= {"notify_props": NOTIFY_PROPS, "last_password_update": user["create_at"]}
        if user["failed_attempts"]:
            shown["failed_attempts"] = user["failed_attempts"]
    if user["bot_owner"] is not None:
        shown |= {"is_bot": True, "bot_description": user["bot_description"]}
    timezone = {"automaticTimezone": "", "manualTimezone": "", "useAutomaticTimezone": "true"}
    return shown | {"locale": "en", "timezone": timezone, "disable_welcome_email": False}


def find(store: Store, id: str) -> Row:
    """The account with this id, or 404."""
    user = store.get("users", id)
    if user is None:
        raise ApiError("app.user.missing_account.const", 404)
    return user


def insert(store: Store, account: dict[str, object]) -> Row:
    """Store a new account; its username and address must be free."""
    if store.one("SELECT 1 FROM users WHERE username = ?", account["username"]):
        raise ApiError("app.user.save.username_exists.app_error", 400)
    if store.one("SELECT 1 FROM users WHERE email = ?", account["email"]):
        raise ApiError("app.user.save.email_exists.app_error", 400)
    now = store.now()
    id = new_id()
    store.insert("users", {"id": id, "create_at": now, "update_at": now} | account)
    return find(store, id)


def create(call: Call) -> Response:
    """The first account of an empty server is its administrator; later ones need an administrator."""
    kinds = ("email", "username", "password", "nickname", "first_name", "last_name")
    wanted = call.fields("user", dict.fromkeys(kinds, str))
    first = call.store.one("SELECT 1 FROM users") is None
    open_server = call.server.config.get("TeamSettings", "EnableOpenServer")
    if not first and not open_server and (call.maybe_user is None or not call.is_admin):
        raise ApiError("api.user.create_user.no_open_server", 403)
    wanted["username"] = wanted["username"].lower()
    if not is_valid_username(wanted["username"]):
        raise ApiError("model.user.is_valid.username.app_error", 400)
    if "@" not in wanted["email"]:
        raise ApiError("model.user.is_valid.email.app_error", 400)
    if not wanted["password"]:
        raise ApiError("model.user.is_valid.pwd.app_error", 400)
    wanted["password"] = _hash(wanted["password"])
    wanted["roles"] = "system_admin system_user" if first else "system_user"
    return JSONResponse(to_json(insert(call.store, wanted), private=True), 201)


def login(call: Call) -> Response:
    """The session's token is only in the ``Token`` header."""
    given = loads(call.body)
    given = given if isinstance(given, dict) else {}
    login_id, password = given.get("login_id"), given.get("password")
    if not isinstance(password, str) or not password:
        raise ApiError("api.user.login.blank_pwd.app_error", 400)
    user = call.store.one("SELECT * FROM users WHERE ? IN (username, email)", login_id)
    if user is None or user["delete_at"] or not _matches(password, user["password"]):
        if user is not None:
            failed = user["failed_attempts"] + 1
            call.store.update("users", user["id"], {"failed_attempts": failed})
        raise ApiError("api.user.login.invalid_credentials_email_username", 401)
    token = new_id()
    call.store.insert("sessions", {"token": token, "user_id": user["id"], "create_at": call.store.now()})
    call.store.update("users", user["id"], {"failed_attempts": 0})
    user["failed_attempts"] = 0
    return JSONResponse(to_json(user, private=True), headers={"Token": token})


def logout(call: Call) -> Response:
    call.store.execute("DELETE FROM sessions WHERE token = ?", call.token)
    return JSONResponse(OK, headers=NO_COOKIE)


def get(call: Call) -> Response:
    user = find(call.store, call.id("user_id"))
    return JSONResponse(to_json(user, private=user["id"] == call.user["id"]))


def get_by_username(call: Call) -> Response:
    user = call.store.one("SELECT * FROM users WHERE username = ?", call.path("username").lower())
    if user is None:
        raise ApiError("app.user.get_by_username.app_error", 404)
    return JSONResponse(to_json(user, private=user["id"] == call.user["id"]))


def set_roles(call: Call) -> Response:
    """Roles beyond user and administrator need a licence, which Team Edition has not."""
    roles = call.fields("roles", {"roles": str})["roles"]
    if not call.is_admin:
        raise forbidden()
    if not set(roles.split()) <= _ASSIGNABLE_ROLES:
        raise ApiError("api.user.update_user_roles.license.app_error", 400)
    user = find(call.store, call.id("user_id"))
    call.store.update("users", user["id"], {"roles": roles})
    return JSONResponse(OK)


def set_active(call: Call) -> Response:
    """Deactivate (which ends the account's sessions) or activate."""
    active = call.json_object("active").get("active")
    if not isinstance(active, bool):
        raise invalid_body("active")
    if not call.is_admin:
        raise forbidden()
    user = find(call.store, call.id("user_id"))
    call.store.update("users", user["id"], {"delete_at": 0 if active else call.store.now()})
    if not active:
        call.store.execute("DELETE FROM sessions WHERE user_id = ?", user["id"])
    return JSONResponse(OK)


def _hash(password: str, salt: bytes | None = None) -> str:
    salt = salt or os.urandom(16)
    return f"{salt.hex()}:{hashlib.scrypt(password.encode(), salt=salt, n=2**10, r=8, p=1).hex()}"


def _matches(password: str, stored: str) -> bool:
    salt, _, _ = stored.partition(":")
    return bool(salt) and hmac.compare_digest(_hash(password, bytes.fromhex(salt)), stored)


routes = [
    endpoint("POST", "/users", create, session=False),
    endpoint("POST", "/users/login", login, session=False),
    endpoint("POST", "/users/logout", logout),
    endpoint("GET", "/users/{user_id}", get),
    endpoint("GET", "/users/username/{username}", get_by_username),
    endpoint("PUT", "/users/{user_id}/roles", set_roles),
    endpoint("PUT", "/users/{user_id}/active", set_active),
]
