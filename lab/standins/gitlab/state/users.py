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

    def grant(
        self,
        user: User,
        token: str,
        scopes: list[str],
        name: str = "automation",
        expires_at: str | None = None,
    ) -> sqlite3.Row:
        """Accept `token` as a personal access token of the user until `expires_at`, a day; what is known of it."""
        self._store.insert(
            "access_tokens", user_id=user.id, name=name, digest=_digest(token), scope=" ".join(scopes),
            created_at=clock.now(), expires_at=expires_at,
        )  # fmt: skip
        found = self.token(token)
        assert found is not None
        return found

    def administrator(self, username: str | None = None) -> User | None:
        """The account that administers the instance, which is the first one; None if it is called otherwise."""
        first = self.get(1)
        return first if first is not None and username in (None, first.username) else None

    def get(self, user_id: int) -> User | None:
        """The account with this id."""
        row = self._store.first(f"{_COLUMNS} WHERE id = ?", user_id)
        return None if row is None else User.of(row)

    def all(self) -> list[User]:
        """Every account."""
        return [User.of(row) for row in self._store.all(f"{_COLUMNS} ORDER BY id")]

    def existing(self, user_ids: list[int]) -> list[User]:
        """The accounts with these ids; unknown ids are left out, as GitLab does for assignees."""
        return [user for user in map(self.get, user_ids) if user is not None]

    def by_token(self, token: str) -> User | None:
        """The owner of a personal access token."""
        known = self.token(token)
        return None if known is None else self.get(known["user_id"])

    def token(self, token: str) -> sqlite3.Row | None:
        """What is known of a personal access token that is accepted: neither revoked nor expired."""
        return self._store.first(
            "SELECT * FROM access_tokens WHERE digest = ? AND NOT revoked "
            "AND (expires_at IS NULL OR expires_at > date('now'))",
            _digest(token),
        )

    def numbered_token(self, token_id: int) -> sqlite3.Row | None:
        """What is known of the token of this number, accepted or not."""
        return self._store.first("SELECT * FROM access_tokens WHERE id = ?", token_id)

    def revoke(self, token_id: int) -> bool:
        """Accept a token no longer; whether there is one of this number."""
        if self.numbered_token(token_id) is None:
            return False
        self._store.update("access_tokens", token_id, revoked=1)
        return True

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
