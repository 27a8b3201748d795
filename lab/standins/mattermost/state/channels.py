"""Channels: those of a new team, and who joins them."""

from __future__ import annotations

from lab.standins.mattermost.state import members, posts
from lab.standins.mattermost.state.errors import ApiError
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row, Store, new_id

DEFAULTS = {"town-square": "Town Square", "off-topic": "Off-Topic"}
"""The channels of every new team. The first cannot be archived."""


def find(store: Store, id: str) -> Row:
    """The channel with this id, archived or not, or 404."""
    channel = store.get("channels", id)
    if channel is None:
        raise ApiError("app.channel.get.existing.app_error", 404)
    return channel


def insert(store: Store, channel: dict[str, object]) -> Row:
    """Store a new channel."""
    now = store.now()
    id = new_id()
    store.insert("channels", {"id": id, "create_at": now, "update_at": now} | channel)
    return find(store, id)


def find_direct(store: Store, one: Row, other: Row) -> Row | None:
    """The channel of two people, if there is one."""
    return store.one("SELECT * FROM channels WHERE team_id = '' AND name = ?", _name_of(one, other))


def direct(store: Store, creator: Row, other: Row) -> Row:
    """The channel of two people, made if there is none."""
    found = find_direct(store, creator, other)
    if found is not None:
        return found
    ids, name = sorted({creator["id"], other["id"]}), _name_of(creator, other)
    fields = {"team_id": "", "type": "D", "display_name": "", "name": name, "creator_id": creator["id"]}
    channel = insert(store, fields)
    for user_id in ids:
        members.insert(store, channel["id"], user_id)
    return channel


def _name_of(one: Row, other: Row) -> str:
    return "__".join(sorted([one["id"], other["id"]]))


def insert_defaults(store: Store, team: Row) -> None:
    """Create the default channels of a new team."""
    for name, display_name in DEFAULTS.items():
        fields = {"team_id": team["id"], "type": "O", "creator_id": ""}
        insert(store, fields | {"name": name, "display_name": display_name})


def join_defaults(instance: Instance, team_id: str, user: Row) -> None:
    """Make a new member of a team a member of its default channels."""
    for name in DEFAULTS:
        channel = instance.store.one("SELECT * FROM channels WHERE team_id = ? AND name = ?", team_id, name)
        assert channel is not None
        members.insert(instance.store, channel["id"], user["id"])
        town_square = name == "town-square"
        text = f"{user['username']} joined the {'team' if town_square else 'channel'}."
        posts.system(instance, channel, user, f"join_{'team' if town_square else 'channel'}", text)
