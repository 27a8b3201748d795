"""Teams: their names, who belongs to them."""

from __future__ import annotations

import re

from lab.standins.mattermost.state import channels
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row, Store

NAME = re.compile(r"(?=.{2,64}$)[a-z0-9]+(-+[a-z0-9]+)*")


def membership(store: Store, team_id: str, user_id: str) -> Row | None:
    """How an account belongs to a team, if it does."""
    found = any_membership(store, team_id, user_id)
    return None if found is None or found["delete_at"] else found


def any_membership(store: Store, team_id: str, user_id: str) -> Row | None:
    """How an account belongs to a team, or did before it left."""
    return store.one("SELECT * FROM team_members WHERE team_id = ? AND user_id = ?", team_id, user_id)


def join(instance: Instance, team_id: str, user: Row, *, admin: bool = False) -> None:
    """Make an account a member of the team and of its default channels."""
    if membership(instance.store, team_id, user["id"]) is None:
        instance.store.execute(
            "INSERT INTO team_members (team_id, user_id, scheme_admin) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET scheme_admin = excluded.scheme_admin, delete_at = 0",
            team_id,
            user["id"],
            admin,
        )
        channels.join_defaults(instance, team_id, user)


def leave(store: Store, member: Row) -> None:
    """End a membership, and those in the team's channels."""
    store.execute(
        "DELETE FROM channel_members WHERE user_id = ? AND channel_id IN (SELECT id FROM channels WHERE team_id = ?)",
        member["user_id"],
        member["team_id"],
    )
    store.execute(
        "UPDATE team_members SET delete_at = ? WHERE team_id = ? AND user_id = ?",
        store.now(),
        member["team_id"],
        member["user_id"],
    )
