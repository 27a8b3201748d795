"""Accounts: their names, their passwords."""

from __future__ import annotations

import hashlib
import hmac
import os
import re

from lab.standins.mattermost.state.errors import ApiError
from lab.standins.mattermost.state.store import Row, Store, new_id

_USERNAME = re.compile(r"[a-z0-9._-]{1,64}")
_RESERVED_USERNAMES = {"all", "channel", "matterbot", "system"}


def is_valid_username(name: str) -> bool:
    """Mattermost's rule for account names, which also holds for the username of a hook."""
    return bool(_USERNAME.fullmatch(name)) and name not in _RESERVED_USERNAMES


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


def hashed(password: str, salt: bytes | None = None) -> str:
    """A password as it is kept, with its salt."""
    salt = salt or os.urandom(16)
    return f"{salt.hex()}:{hashlib.scrypt(password.encode(), salt=salt, n=2**10, r=8, p=1).hex()}"


def matches(password: str, stored: str) -> bool:
    """Whether a password is the one that is kept so."""
    salt, _, _ = stored.partition(":")
    return bool(salt) and hmac.compare_digest(hashed(password, bytes.fromhex(salt)), stored)
