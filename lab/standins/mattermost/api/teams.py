"""Teams and who belongs to them."""

from __future__ import annotations

import re

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api import channels, users
from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_url
from lab.standins.mattermost.state.store import Row, Store, new_id

_NAME = re.compile(r"(?=.{2,64}$)[a-z0-9]+(-+[a-z0-9]+)*")
_RESERVED = (
    "admin",
    "api",
    "boards",
    "channel",
    "claim",
    "error",
    "files",
    "help",
    "landing",
    "login",
    "mfa",
    "oauth",
    "playbooks",
    "plug",
    "post",
    "signup",
)
"""No team's name may begin with one of these."""


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
        "delete_at": 0,
        "scheme_guest": False,
        "scheme_user": True,
        "scheme_admin": admin,
        "explicit_roles": "",
    }


def membership(store: Store, team_id: str, user_id: str) -> Row | None:
    """How an account belongs to a team, if it does."""
    return store.one("SELECT * FROM team_members WHERE team_id = ? AND user_id = ?", team_id, user_id)


def is_manager(call: Call, team_id: str) -> bool:
    """Whether the caller administers the team (or the system)."""
    member = membership(call.store, team_id, call.user["id"])
    return call.is_admin or (member is not None and bool(member["scheme_admin"]))


def is_member(call: Call, team_id: str) -> bool:
    """Whether the caller may see the team."""
    return call.is_admin or membership(call.store, team_id, call.user["id"]) is not None


def by_name(call: Call, name: str) -> Row:
    """The team of this name, archived or not: 400 for an impossible name, 404 when there is none."""
    if not _NAME.fullmatch(name.lower()):
        raise invalid_url("team_name")
    team = call.store.one("SELECT * FROM teams WHERE name = ?", name.lower())
    if team is None:
        raise ApiError("app.team.get_by_name.missing.app_error", 404)
    return team


def by_id(call: Call) -> Row:
    """The team of the path, or 404."""
    team = call.store.get("teams", call.id("team_id"))
    if team is None:
        raise ApiError("app.team.get.find.app_error", 404)
    return team


def create(call: Call) -> Response:
    """Any account may create a team, and administers it."""
    kinds = dict.fromkeys(("name", "display_name", "type", "description"), str)
    wanted = call.fields("team", kinds | {"allow_open_invite": bool})
    name = wanted["name"]
    if not wanted["display_name"] or len(wanted["display_name"]) > 64:
        raise ApiError("model.team.is_valid.name.app_error", 400)
    if name.startswith(_RESERVED):
        raise ApiError("model.team.is_valid.reserved.app_error", 400)
    if not _NAME.fullmatch(name):
        raise ApiError("model.team.is_valid.characters.app_error", 400)
    if wanted["type"] not in {"O", "I"}:
        raise ApiError("model.team.is_valid.type.app_error", 400)
    if call.store.one("SELECT 1 FROM teams WHERE name = ?", name):
        raise ApiError(call.server.release.duplicate_team_id, 400)
    now = call.store.now()
    team: Row = {"id": new_id(), "create_at": now, "update_at": now, "delete_at": 0} | wanted
    team |= {"email": call.user["email"], "invite_id": new_id()}
    call.store.insert("teams", team)
    channels.insert_defaults(call.store, team)
    join(call, team["id"], call.user, admin=True)
    return JSONResponse(to_json(team), 201)


def join(call: Call, team_id: str, user: Row, *, admin: bool = False) -> None:
    """Make an account a member of the team and of its default channels."""
    if membership(call.store, team_id, user["id"]) is None:
        member = {"team_id": team_id, "user_id": user["id"], "scheme_admin": admin}
        call.store.insert("team_members", member)
        channels.join_defaults(call.server, team_id, user)


def get(call: Call) -> Response:
    return _shown(call, by_id(call))


def get_by_name(call: Call) -> Response:
    return _shown(call, by_name(call, call.path("team_name")))


def _shown(call: Call, team: Row) -> Response:
    joinable = team["type"] == "O" and team["allow_open_invite"]
    if not joinable and not is_member(call, team["id"]):
        raise forbidden()
    return JSONResponse(to_json(team))


def exists(call: Call) -> Response:
    try:
        team = by_name(call, call.path("team_name"))
    except ApiError:
        return JSONResponse({"exists": False})
    return JSONResponse({"exists": is_member(call, team["id"])})


def mine(call: Call) -> Response:
    """The teams an account belongs to."""
    user_id = call.id("user_id")
    if user_id != call.user["id"] and not call.is_admin:
        raise forbidden()
    rows = call.store.all(
        "SELECT teams.* FROM teams JOIN team_members ON teams.id = team_id "
        "WHERE user_id = ? AND delete_at = 0 ORDER BY display_name",
        user_id,
    )
    return JSONResponse([to_json(row) for row in rows])


def patch(call: Call) -> Response:
    team = by_id(call)
    if not is_manager(call, team["id"]):
        raise forbidden()
    given = call.json_object("team")
    changes = {key: given[key] for key in ("display_name", "description") if isinstance(given.get(key), str)}
    call.store.update("teams", team["id"], changes | {"update_at": call.store.now()})
    return JSONResponse(to_json(by_id(call)))


def archive(call: Call) -> Response:
    """DELETE archives: the team keeps its name and is still found by it."""
    team = by_id(call)
    if not is_manager(call, team["id"]):
        raise forbidden()
    now = call.store.now()
    call.store.update("teams", team["id"], {"delete_at": now, "update_at": now})
    return JSONResponse(users.OK)


def restore(call: Call) -> Response:
    team = by_id(call)
    if not is_manager(call, team["id"]):
        raise forbidden()
    call.store.update("teams", team["id"], {"delete_at": 0, "update_at": call.store.now()})
    return JSONResponse(to_json(by_id(call)))


def add_member(call: Call) -> Response:
    team = by_id(call)
    user = users.find(call.store, call.fields("team_member", {"user_id": str})["user_id"])
    if not is_manager(call, team["id"]):
        raise forbidden()
    join(call, team["id"], user)
    return JSONResponse(member_to_json(_member(call, user["id"])), 201)


def set_member_roles(call: Call) -> Response:
    admin = call.fields("scheme_roles", {"scheme_admin": bool, "scheme_user": bool})["scheme_admin"]
    if not is_manager(call, by_id(call)["id"]):
        raise forbidden()
    member = _member(call, call.id("user_id"))
    call.store.execute(
        "UPDATE team_members SET scheme_admin = ? WHERE team_id = ? AND user_id = ?",
        admin,
        member["team_id"],
        member["user_id"],
    )
    return JSONResponse(users.OK)


def _member(call: Call, user_id: str) -> Row:
    member = membership(call.store, call.id("team_id"), user_id)
    if member is None:
        raise ApiError("app.team.get_member.missing.app_error", 404)
    return member


routes = [
    endpoint("POST", "/teams", create),
    endpoint("GET", "/teams/{team_id}", get),
    endpoint("GET", "/teams/name/{team_name}", get_by_name),
    endpoint("GET", "/teams/name/{team_name}/exists", exists),
    endpoint("PUT", "/teams/{team_id}/patch", patch),
    endpoint("DELETE", "/teams/{team_id}", archive),
    endpoint("POST", "/teams/{team_id}/restore", restore),
    endpoint("POST", "/teams/{team_id}/members", add_member),
    endpoint("PUT", "/teams/{team_id}/members/{user_id}/schemeRoles", set_member_roles),
    endpoint("GET", "/users/{user_id}/teams", mine),
]
