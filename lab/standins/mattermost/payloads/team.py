"""A team and a membership of it as the API shows them."""

from __future__ import annotations

from lab.standins.mattermost.state.store import Row


def to_json(team: Row) -> dict[str, object]:
    """A team as the API shows it."""
    empty: dict[str, object] = {"company_name": "", "allowed_domains": ""}
    nothing: dict[str, object] = {"scheme_id": None, "group_constrained": None, "policy_id": None}
    open_invite = bool(team["allow_open_invite"])
    return {**team, "allow_open_invite": open_invite} | empty | nothing


def member_to_json(member: Row) -> dict[str, object]:
    """A membership as the API shows it."""
    admin = bool(member["scheme_admin"])
    return {
        "team_id": member["team_id"],
        "user_id": member["user_id"],
        "roles": "team_user team_admin" if admin else "team_user",
        "delete_at": member["delete_at"],
        "scheme_guest": False,
        "scheme_user": True,
        "scheme_admin": admin,
        "explicit_roles": "",
    }
