"""Teams and who belongs to them."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api import access
from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.payloads import team as payload
from lab.standins.mattermost.payloads.ok import OK
from lab.standins.mattermost.state import channels, teams, users
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.store import Row, new_id

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


def create(call: Call) -> Response:
    """Any account may create a team, and administers it."""
    kinds = dict.fromkeys(("name", "display_name", "type", "description"), str)
    wanted = call.fields("team", kinds | {"allow_open_invite": bool})
    name = wanted["name"]
    if not wanted["display_name"] or len(wanted["display_name"]) > 64:
        raise ApiError("model.team.is_valid.name.app_error", 400)
    if name.startswith(_RESERVED):
        raise ApiError("model.team.is_valid.reserved.app_error", 400)
    if not teams.NAME.fullmatch(name):
        raise ApiError("model.team.is_valid.characters.app_error", 400)
    if wanted["type"] not in {"O", "I"}:
        raise ApiError("model.team.is_valid.type.app_error", 400)
    if call.store.one("SELECT 1 FROM teams WHERE name = ?", name):
        raise ApiError(call.instance.release.duplicate_team_id, 400)
    now = call.store.now()
    team: Row = {"id": new_id(), "create_at": now, "update_at": now, "delete_at": 0} | wanted
    team |= {"email": call.user["email"], "invite_id": new_id()}
    call.store.insert("teams", team)
    channels.insert_defaults(call.store, team)
    teams.join(call.instance, team["id"], call.user, admin=True)
    return JSONResponse(payload.to_json(team), 201)


def get(call: Call) -> Response:
    return _shown(call, access.team(call))


def get_by_name(call: Call) -> Response:
    return _shown(call, access.team_named(call, call.path("team_name")))


def _shown(call: Call, team: Row) -> Response:
    joinable = team["type"] == "O" and team["allow_open_invite"]
    if not joinable and not access.is_team_member(call, team["id"]):
        raise forbidden()
    return JSONResponse(payload.to_json(team))


def exists(call: Call) -> Response:
    try:
        team = access.team_named(call, call.path("team_name"))
    except ApiError:
        return JSONResponse({"exists": False})
    return JSONResponse({"exists": access.is_team_member(call, team["id"])})


def everyone(call: Call) -> Response:
    """All teams for an administrator, the archived ones too; for others those that anybody may join."""
    chosen = "" if call.is_admin else "WHERE allow_open_invite AND delete_at = 0 "
    rows = call.store.all(f"SELECT * FROM teams {chosen}ORDER BY display_name LIMIT ? OFFSET ?", *call.page())  # noqa: S608
    return JSONResponse([payload.to_json(row) for row in rows])


def mine(call: Call) -> Response:
    """The teams an account belongs to."""
    user_id = call.id("user_id")
    if user_id != call.user["id"] and not call.is_admin:
        raise forbidden()
    rows = call.store.all(
        "SELECT teams.* FROM teams JOIN team_members ON teams.id = team_id "
        "WHERE user_id = ? AND teams.delete_at = 0 AND team_members.delete_at = 0 ORDER BY display_name",
        user_id,
    )
    return JSONResponse([payload.to_json(row) for row in rows])


def patch(call: Call) -> Response:
    team = access.team(call)
    if not access.is_team_manager(call, team["id"]):
        raise forbidden()
    given = call.json_object("team")
    changes = {key: given[key] for key in ("display_name", "description") if isinstance(given.get(key), str)}
    call.store.update("teams", team["id"], changes | {"update_at": call.store.now()})
    return JSONResponse(payload.to_json(access.team(call)))


def archive(call: Call) -> Response:
    """DELETE archives: the team keeps its name and is still found by it."""
    team = access.team(call)
    if not access.is_team_manager(call, team["id"]):
        raise forbidden()
    now = call.store.now()
    call.store.update("teams", team["id"], {"delete_at": now, "update_at": now})
    return JSONResponse(OK)


def restore(call: Call) -> Response:
    team = access.team(call)
    if not access.is_team_manager(call, team["id"]):
        raise forbidden()
    call.store.update("teams", team["id"], {"delete_at": 0, "update_at": call.store.now()})
    return JSONResponse(payload.to_json(access.team(call)))


def add_member(call: Call) -> Response:
    """Any member may add others; nobody adds themselves here, to an open team either (bots are recorded)."""
    team = access.team(call)
    wanted = call.fields("team_member", {"team_id": str, "user_id": str})
    if wanted["team_id"] != team["id"]:
        raise invalid_body("team_id")
    user = users.find(call.store, wanted["user_id"])
    if not access.is_team_member(call, team["id"]):
        raise forbidden()
    teams.join(call.instance, team["id"], user)
    return JSONResponse(payload.member_to_json(_member(call, user["id"])), 201)


def get_member(call: Call) -> Response:
    if not access.is_team_member(call, access.team(call)["id"]):
        raise forbidden()
    return JSONResponse(payload.member_to_json(_member(call, call.id("user_id"))))


def remove_member(call: Call) -> Response:
    """Who leaves a team leaves its channels."""
    team = access.team(call)
    user_id = call.id("user_id")
    if user_id != call.user["id"] and not access.is_team_manager(call, team["id"]):
        raise forbidden()
    teams.leave(call.store, _member(call, user_id))
    return JSONResponse(OK)


def set_member_roles(call: Call) -> Response:
    admin = call.fields("scheme_roles", {"scheme_admin": bool, "scheme_user": bool})["scheme_admin"]
    if not access.is_team_manager(call, access.team(call)["id"]):
        raise forbidden()
    member = _member(call, call.id("user_id"))
    call.store.execute(
        "UPDATE team_members SET scheme_admin = ? WHERE team_id = ? AND user_id = ?",
        admin,
        member["team_id"],
        member["user_id"],
    )
    return JSONResponse(OK)


def _member(call: Call, user_id: str) -> Row:
    """Who has left is shown as well, with the time."""
    member = teams.any_membership(call.store, call.id("team_id"), user_id)
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
    endpoint("GET", "/teams/{team_id}/members/{user_id}", get_member),
    endpoint("DELETE", "/teams/{team_id}/members/{user_id}", remove_member),
    endpoint("PUT", "/teams/{team_id}/members/{user_id}/schemeRoles", set_member_roles),
    endpoint("GET", "/teams", everyone),
    endpoint("GET", "/users/{user_id}/teams", mine),
]
