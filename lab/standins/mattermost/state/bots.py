"""Bots: accounts that belong to who made them."""

from __future__ import annotations

from collections.abc import Mapping

from lab.standins.mattermost.state import channels, posts, users
from lab.standins.mattermost.state.errors import ApiError
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row, Store

_COLUMNS = {"username": "username", "display_name": "first_name", "description": "bot_description"}
_GREETING = (
    "Please add me to teams and channels you want me to interact in. "
    "To do this, use the browser or Mattermost Desktop App."
)


def address(username: str) -> str:
    """The address of a bot, which nobody reads; it goes with the name."""
    return f"{username}@localhost"


def missing() -> ApiError:
    """404: there is no such bot."""
    return ApiError("store.sql_bot.get.missing.app_error", 404)


def greet(instance: Instance, bot: Row, owner: Row) -> None:
    """Have a new bot write to who made it, as each of them does."""
    channel = channels.direct(instance.store, bot, owner)
    posts.insert(instance, channel, bot, _GREETING, type="add_bot_teams_channels")


def find(store: Store, id: str) -> Row:
    """The bot with this id, disabled or not, or 404."""
    found = store.get("users", id)
    if found is None or found["bot_owner"] is None:
        raise missing()
    return found


def patch(store: Store, bot: Row, wanted: Mapping[str, str]) -> Row:
    """Give a bot other texts; its name must be free."""
    taken = store.one("SELECT 1 FROM users WHERE username = ? AND id <> ?", wanted.get("username"), bot["id"])
    if taken:
        raise ApiError("app.user.save.username_exists.app_error", 400)
    values = {_COLUMNS[key]: value for key, value in wanted.items()}
    if "username" in wanted:
        values["email"] = address(wanted["username"])
    store.update("users", bot["id"], values | {"update_at": store.now()})
    return find(store, bot["id"])


def set_disabled(store: Store, bot: Row, *, disabled: bool) -> Row:
    """Disable or enable a bot; its tokens stay and work while it is enabled."""
    now = store.now()
    store.update("users", bot["id"], {"delete_at": now if disabled else 0, "update_at": now})
    return find(store, bot["id"])


def disable_those_of(store: Store, owner_id: str) -> None:
    """Disable all bots that somebody has made."""
    for bot in store.all("SELECT * FROM users WHERE bot_owner = ? AND delete_at = 0", owner_id):
        set_disabled(store, users.find(store, bot["id"]), disabled=True)
