"""People, their passwords and their personal access tokens."""

import hmac
import os
import sqlite3
from hashlib import scrypt, sha256

from lab.standins.gitlab.state import clock
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


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _hash(password: str, salt: bytes) -> bytes:
    return scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)
