"""Slash commands of a team: the API that manages them. To run them is in ``execute``."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api import access
from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.payloads import command as payload
from lab.standins.mattermost.payloads.ok import OK
from lab.standins.mattermost.state import commands
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.store import Row, new_id

_KINDS: dict[str, type] = dict.fromkeys(
    ("id", "team_id", "url", "display_name", "description", *payload.TEXTS), str
) | {"auto_complete": bool}


def _require_enabled(call: Call) -> None:
    if not call.instance.config.service("EnableCommands"):
        raise ApiError("api.command.disabled.app_error", 501)


def _managed(call: Call) -> Row:
    """The command of the path, for the team's administrators; 501 while commands are off."""
    _require_enabled(call)
    found = commands.find(call.store, call.id("command_id"))
    if not access.is_team_manager(call, found["team_id"]):
        raise forbidden()
    return found


def create(call: Call) -> Response:
    """One word is one command in a team."""
    wanted = call.fields("command", _KINDS)
    if not access.is_team_manager(call, wanted["team_id"]):
        raise forbidden()
    _require_enabled(call)
    now = call.store.now()
    wanted |= {"id": new_id(), "token": new_id(), "create_at": now, "update_at": now, "delete_at": 0}
    wanted |= {"creator_id": call.user["id"], "trigger": wanted["trigger"].lower()}
    commands.check(call.store, wanted, plain=call.instance.release.plain_triggers)
    call.store.insert("commands", wanted)
    return JSONResponse(payload.to_json(commands.find(call.store, wanted["id"])), 201)


def update(call: Call) -> Response:
    """A full replacement; token, creator and team stay."""
    old = _managed(call)
    wanted = call.fields("command", _KINDS)
    if wanted["id"] != old["id"]:
        raise invalid_body("command.id")
    if wanted["team_id"] != old["team_id"]:
        raise ApiError("api.command.team_mismatch.app_error", 400)
    new = old | wanted | {"trigger": wanted["trigger"].lower(), "update_at": call.store.now()}
    commands.check(call.store, new, plain=call.instance.release.plain_triggers)
    call.store.update("commands", old["id"], new)
    return JSONResponse(payload.to_json(new))


def get(call: Call) -> Response:
    return JSONResponse(payload.to_json(_managed(call)))


def list_page(call: Call) -> Response:
    """A team's own, without the built-in ones, as its administrators see them."""
    team_id = call.request.query_params.get("team_id", "")
    if not access.is_team_manager(call, team_id):
        raise forbidden()
    _require_enabled(call)
    return JSONResponse([payload.to_json(each) for each in commands.of_team(call.store, team_id)])


def autocomplete(call: Call) -> Response:
    """Those of the team that are shown to who types; the built-in ones are left out here."""
    team = access.team(call)
    if not access.is_team_member(call, team["id"]):
        raise forbidden()
    found = [each for each in commands.of_team(call.store, team["id"]) if each["auto_complete"]]
    return JSONResponse([payload.for_everybody(each) for each in found])


def regenerate(call: Call) -> Response:
    """Another token, at once."""
    found = _managed(call)
    token = new_id()
    call.store.update("commands", found["id"], {"token": token})
    return JSONResponse({"token": token})


def delete(call: Call) -> Response:
    call.store.update("commands", _managed(call)["id"], {"delete_at": call.store.now()})
    return JSONResponse(OK)


routes = [
    endpoint("POST", "/commands", create),
    endpoint("GET", "/commands", list_page),
    endpoint("GET", "/commands/{command_id}", get),
    endpoint("PUT", "/commands/{command_id}", update),
    endpoint("PUT", "/commands/{command_id}/regen_token", regenerate),
    endpoint("DELETE", "/commands/{command_id}", delete),
    endpoint("GET", "/teams/{team_id}/commands/autocomplete", autocomplete),
]
