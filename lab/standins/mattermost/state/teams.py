"""Teams: their names, who belongs to them."""

from __future__ import annotations

import re

from lab.standins.mattermost.state import channels
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row, Store

NAME = re.compile(r"(?=.{2,64}$)[a-z0-9]+(-+[a-z0-9]+)*")


def membership(store: Store, team_id: str, user_id: str) -> Row | None:
    """How an account belongs to a team, if it does."""
    return store.one("SELECT * FROM team_members WHERE team_id = ? AND user_id = ?", team_id, user_id)


def join(instance: Instance, team_id: str, user: Row, *, admin: bool = False) -> None:
    """Make an account a member of the team and of its default channels."""
    if membership(instance.store, team_id, user["id"]) is None:
        member = {"team_id": team_id, "user_id": user["id"], "scheme_admin": admin}
        instance.store.insert("team_members", member)
        channels.join_defaults(instance, team_id, user)


def leave(store: Store, member: Row) -> None:
    """End a membership, and those in the team's channels."""
    store.execute(
        "DELETE FROM channel_members WHERE user_id = ? AND channel_id IN (SELECT id FROM channels WHERE team_id = ?)",
        member["user_id"],
        member["team_id"],
    )
    store.execute(
        "DELETE FROM team_members WHERE team_id = ? AND user_id = ?", member["team_id"], member["user_id"]
    )
