"""Shares: a folder of one account that others see in their files, or that strangers may drop files into.

A recipient has the folder in his root under its own name, with all permissions. A link takes files: one for dropping
shows nothing and overwrites nothing.
"""

import secrets
from dataclasses import dataclass

from lab.standins.nextcloud.state import store
from lab.standins.nextcloud.state.home import Home
from lab.standins.nextcloud.state.instance import Instance


@dataclass(frozen=True)
class Share:
    """`path` is the folder in the home of `owner`; a link has a token, any other share a recipient."""

    id: int
    owner: str
    path: str
    recipient: str
    token: str
    is_drop: bool

    @property
    def mount(self) -> str:
        """The path of the folder in the recipient's home."""
        return f"files/{self.path.rpartition('/')[2]}"


def create(instance: Instance, owner: str, path: str, recipient: str = "", *, is_drop: bool = False) -> Share:
    """Share a folder with an account, or with whoever has the link."""
    token = "" if recipient else secrets.token_hex(8)[:15]
    with store.connect(instance) as connection:
        number = connection.execute(
            "INSERT INTO shares (owner, path, recipient, token, is_drop) VALUES (?, ?, ?, ?, ?)",
            (owner, path, recipient, token, is_drop),
        ).lastrowid
    assert number is not None
    return Share(number, owner, path, recipient, token, is_drop)


def received(instance: Instance, recipient: str) -> list[Share]:
    """What others share with an account."""
    return _select(instance, "recipient", recipient)


def given(instance: Instance, owner: str) -> list[Share]:
    """What an account shares with other accounts."""
    return [share for share in _select(instance, "owner", owner) if share.recipient]


def of_link(instance: Instance, token: str) -> Share | None:
    """The share that a link leads to."""
    return next(iter(_select(instance, "token", token)), None) if token else None


def locate(home: Home, path: str) -> tuple[Home, str]:
    """Whose home a path of an account is really in, and where there."""
    for share in received(home.instance, home.owner):
        if path == share.mount or path.startswith(share.mount + "/"):
            return Home(home.instance, share.owner, home.actor), share.path + path.removeprefix(share.mount)
    return home, path


def _select(instance: Instance, column: str, value: str) -> list[Share]:
    with store.connect(instance) as connection:
        rows = connection.execute(
            f"SELECT id, owner, path, recipient, token, is_drop FROM shares WHERE {column} = ?",  # noqa: S608
            (value,),
        )
        return [
            Share(row["id"], row["owner"], row["path"], row["recipient"], row["token"], bool(row["is_drop"]))
            for row in rows
        ]
