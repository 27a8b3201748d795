"""People, their passwords and their personal access tokens."""

import hmac
import os
import sqlite3
from hashlib import scrypt, sha256

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api.call import Call, token_of
from lab.standins.gitlab.state import clock
from lab.standins.gitlab.state.config import VERSION
from lab.standins.gitlab.state.models import User
from lab.standins.gitlab.state.store import Store

_COLUMNS = "SELECT id, username, name, email FROM users"


class Users:
    """Accounts of the instance. Only hashes of secrets are kept."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, username: str, name: str, email: str, password: str) -> User:
        """Add an account with its personal namespace."""
        salt = os.urandom(16)
        with self._store.transaction():
            user_id = self._store.insert(
                "users", username=username, name=name, email=email, password_hash=_hash(password, salt),
                password_salt=salt, created_at=clock.now(),
            )  # fmt: skip
            self._store.insert(
                "namespaces", kind="user", name=name, path=username, full_path=username, visibility="public",
                created_at=clock.now(),
            )  # fmt: skip
        return User(user_id, username, name, email)

    def grant(self, user: User, token: str, scope: str) -> None:
        """Accept `token` as a personal access token of the user, with scope `api` or `read_api`."""
        self._store.insert(
            "access_tokens", user_id=user.id, digest=_digest(token), scope=scope, created_at=clock.now()
        )

    def get(self, user_id: int) -> User | None:
        """The account with this id."""
        row = self._store.first(f"{_COLUMNS} WHERE id = ?", user_id)
        return None if row is None else User.of(row)

    def existing(self, user_ids: list[int]) -> list[User]:
        """The accounts with these ids; unknown ids are left out, as GitLab does for assignees."""
        return [user for user in map(self.get, user_ids) if user is not None]

    def by_token(self, token: str) -> User | None:
        """The owner of a personal access token."""
        row = self._store.first(
            f"{_COLUMNS} WHERE id = (SELECT user_id FROM access_tokens WHERE digest = ?)",  # noqa: S608
            _digest(token),
        )
        return None if row is None else User.of(row)

    def token(self, token: str) -> sqlite3.Row:
        """What is known of a personal access token that was accepted."""
        row = self._store.first("SELECT * FROM access_tokens WHERE digest = ?", _digest(token))
        assert row is not None
        return row

    def by_password(self, login: str, password: str) -> User | None:
        """Whoever signs in over HTTP Basic: a name with its password, or any name with a token."""
        row = self._store.first("SELECT * FROM users WHERE username = ?", login)
        if row is not None and hmac.compare_digest(
            _hash(password, row["password_salt"]), row["password_hash"]
        ):
            return self.get(row["id"])
        return self.by_token(password)


def brief(user: User, web_root: str) -> dict[str, object]:
    """A user as other records embed it."""
    return {
        "id": user.id,
        "username": user.username,
        "public_email": "",
        "name": user.name,
        "state": "active",
        "locked": False,
        "avatar_url": user.avatar_url,
        "web_url": f"{web_root}/{user.username}",
    }


def current(call: Call) -> Response:
    """`GET /user`."""
    user = call.user
    row = call.gitlab.store.first("SELECT id FROM namespaces WHERE kind = 'user' AND path = ?", user.username)
    return JSONResponse(
        {
            **brief(user, call.gitlab.config.external_url),
            "email": user.email,
            "commit_email": user.email,
            "is_admin": user.id == 1,
            "bot": False,
            "external": False,
            "can_create_project": True,
            "two_factor_enabled": False,
            "namespace_id": row["id"] if row else None,
        }
    )


def token(call: Call) -> Response:
    """`GET /personal_access_tokens/self`."""
    row = call.gitlab.users.token(token_of(call.request) or "")
    return JSONResponse(
        {
            "id": row["id"],
            "name": "automation",
            "revoked": False,
            "created_at": row["created_at"],
            "scopes": [row["scope"]],
            "user_id": call.user.id,
            "active": True,
            "expires_at": None,
        }
    )


def version(call: Call) -> Response:
    """`GET /version`."""
    return JSONResponse({"version": VERSION, "revision": "standin"})


def metadata(call: Call) -> Response:
    """`GET /metadata`."""
    kas = {"enabled": False, "externalUrl": None, "externalK8sProxyUrl": None, "version": None}
    return JSONResponse({"version": VERSION, "revision": "standin", "kas": kas, "enterprise": False})


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _hash(password: str, salt: bytes) -> bytes:
    return scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)
