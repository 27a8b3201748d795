"""What the path of a request names, and whether its caller may see or manage that."""

from __future__ import annotations

from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.state import channels, members, teams
from lab.standins.mattermost.state.errors import ApiError, invalid_url
from lab.standins.mattermost.state.store import Row


def team(call: Call) -> Row:
    """The team of the path, or 404."""
    found = call.store.get("teams", call.id("team_id"))
    if found is None:
        raise ApiError("app.team.get.find.app_error", 404)
    return found


def team_named(call: Call, name: str) -> Row:
    """The team of this name, archived or not: 400 for an impossible name, 404 when there is none."""
    if not teams.NAME.fullmatch(name.lower()):
        raise invalid_url("team_name")
    found = call.store.one("SELECT * FROM teams WHERE name = ?", name.lower())
    if found is None:
        raise ApiError("app.team.get_by_name.missing.app_error", 404)
    return found


def is_team_manager(call: Call, team_id: str) -> bool:
    """Whether the caller administers the team (or the system)."""
    member = teams.membership(call.store, team_id, call.user["id"])
    return call.is_admin or (member is not None and bool(member["scheme_admin"]))


def is_team_member(call: Call, team_id: str) -> bool:
    """Whether the caller may see the team."""
    return call.is_admin or teams.membership(call.store, team_id, call.user["id"]) is not None


def channel(call: Call) -> Row:
    """The channel of the path, archived or not, or 404."""
    return channels.find(call.store, call.id("channel_id"))


def may_post(call: Call, channel: Row) -> bool:
    """Members post; so do administrators and who has a role for it."""
    roles = {"system_admin", "system_post_all", "system_post_all_public"}
    wide = roles & set(call.user["roles"].split()) - (
        {"system_post_all_public"} if channel["type"] != "O" else set()
    )
    return bool(wide) or members.find(call.store, channel["id"], call.user["id"]) is not None


def may_read_posts(call: Call, channel: Row) -> bool:
    """Members and administrators; that a channel is public is not enough (recorded)."""
    return call.is_admin or members.find(call.store, channel["id"], call.user["id"]) is not None


def may_read(call: Call, channel: Row) -> bool:
    """Members read; so do administrators, and in public channels everybody of the team."""
    if call.is_admin or members.find(call.store, channel["id"], call.user["id"]):
        return True
    return channel["type"] == "O" and is_team_member(call, channel["team_id"])
