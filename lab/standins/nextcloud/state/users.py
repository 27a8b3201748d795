"""Accounts: creation, Basic authentication, app passwords, the home made at the first login."""

import base64
import binascii
import hashlib
import hmac
import secrets

from lab.standins.nextcloud.state import store
from lab.standins.nextcloud.state.instance import Instance


class LoginRefused(Exception):
    """The account cannot be created; the text says why, in Nextcloud's words."""


def create(instance: Instance, uid: str, password: str, display_name: str | None = None) -> None:
    """Create an account with an empty home.

    Raises:
        LoginRefused: a folder of that name is already in the data folder. Measured on Nextcloud 32.0.1: a tree
            made before the installation makes the installation fail.
    """
    home = instance.data / uid
    if home.exists():
        raise LoginRefused("Login is invalid because files already exist for this user")
    with store.connect(instance) as connection:
        connection.execute("INSERT INTO users VALUES (?, ?, ?)", (uid, display_name or uid, _hash(password)))
    home.mkdir()


def add_app_password(instance: Instance, uid: str) -> str:
    """A further password of an account, of the length that Nextcloud gives them."""
    password = secrets.token_hex(36)
    with store.connect(instance) as connection:
        connection.execute("INSERT INTO app_passwords VALUES (?, ?)", (uid, _hash(password)))
    return password


def app_passwords(instance: Instance, uid: str) -> list[int]:
    """The numbers of the app passwords of an account."""
    with store.connect(instance) as connection:
        rows = connection.execute(
            "SELECT rowid FROM app_passwords WHERE uid = ? ORDER BY rowid", (uid,)
        ).fetchall()
    return [row["rowid"] for row in rows]


def delete_app_password(instance: Instance, uid: str, number: int) -> None:
    """Accept an app password no longer; one that is not there is none to take away."""
    with store.connect(instance) as connection:
        connection.execute("DELETE FROM app_passwords WHERE uid = ? AND rowid = ?", (uid, number))


def rename(instance: Instance, uid: str, display_name: str) -> None:
    """Give an account another display name."""
    with store.connect(instance) as connection:
        connection.execute("UPDATE users SET displayname = ? WHERE uid = ?", (display_name, uid))


def names(instance: Instance) -> dict[str, str]:
    """Display name of every account by login."""
    with store.connect(instance) as connection:
        rows = connection.execute("SELECT uid, displayname FROM users ORDER BY uid").fetchall()
    return {row["uid"]: row["displayname"] for row in rows}


def login(instance: Instance, authorization: str | None) -> str | None:
    """Login named by a Basic `Authorization` header, or None when it proves nothing.

    The first login makes the user's `files` folder (measured: it does not exist before). The skeleton files a
    real server copies into it are left out.
    """
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        uid, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    with store.connect(instance) as connection:
        rows = connection.execute(
            "SELECT password FROM users WHERE uid = ? UNION ALL SELECT password FROM app_passwords WHERE uid = ?",
            (uid, uid),
        ).fetchall()
    if not any(_matches(password, row["password"]) for row in rows):
        return None
    make_files(instance, uid)
    return uid


def make_files(instance: Instance, uid: str) -> None:
    """Create the folder that holds the user's files, if need be."""
    (instance.data / uid / "files").mkdir(exist_ok=True)


def _hash(password: str, salt: str | None = None) -> str:
    salt = salt or secrets.token_hex(8)
    # Cheap on purpose: a lab logs in at every request.
    return salt + "$" + hashlib.scrypt(password.encode(), salt=salt.encode(), n=1024, r=8, p=1).hex()


def _matches(password: str, stored: str) -> bool:
    salt = stored.partition("$")[0]
    return hmac.compare_digest(_hash(password, salt), stored)
