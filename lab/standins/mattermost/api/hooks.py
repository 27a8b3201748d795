"""Incoming webhooks: the API that manages them. Receiving is in ``receive``."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api import access
from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.payloads import hook as payload
from lab.standins.mattermost.payloads.ok import OK
from lab.standins.mattermost.state import channels, users
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.store import Row, new_id

_TEXTS = ("id", "user_id", "channel_id", "team_id", "display_name", "description", "username", "icon_url")
_FIELDS: dict[str, type] = dict.fromkeys(_TEXTS, str) | {"channel_locked": bool}

_LIMITS = {"display_name": 64, "description": 500, "icon_url": 1024}
"""Longest values, in bytes. Checked on creation; on update the database refuses (500)."""


def _require_enabled(call: Call) -> None:
    if not call.instance.config.service("EnableIncomingWebhooks"):
        raise ApiError("api.incoming_webhook.disabled.app_error", 501)


def _find(call: Call) -> Row:
    """The hook of the path: 501 when hooks are off, 404 when it is unknown or deleted."""
    _require_enabled(call)
    hook = call.store.one("SELECT * FROM hooks WHERE id = ? AND delete_at = 0", call.id("hook_id"))
    if hook is None:
        raise ApiError("app.webhooks.get_incoming.app_error", 404)
    return hook


def _managed(call: Call) -> Row:
    """The hook of the path, for those who may manage it: the team's administrators."""
    hook = _find(call)
    if not access.is_team_manager(call, hook["team_id"]):
        raise forbidden()
    return hook


def _apply_overrides(call: Call, wanted: Row, kept: Row) -> None:
    """With the overrides off, username and icon silently keep their old value."""
    if not call.instance.config.service("EnablePostUsernameOverride"):
        wanted["username"] = kept["username"]
    if not call.instance.config.service("EnablePostIconOverride"):
        wanted["icon_url"] = kept["icon_url"]
    if wanted["username"] and not users.is_valid_username(wanted["username"]):
        raise ApiError("api.incoming_webhook.invalid_username.app_error", 400)


def create(call: Call) -> Response:
    """Nothing is unique: the same request twice makes two hooks. An archived channel is accepted."""
    wanted = call.fields("incoming_webhook", _FIELDS)
    channel = channels.find(call.store, wanted["channel_id"])
    if not access.is_team_manager(call, channel["team_id"]):
        raise forbidden()
    owner = users.find(call.store, wanted["user_id"] or call.user["id"])
    _require_enabled(call)
    _apply_overrides(call, wanted, {"username": "", "icon_url": ""})
    if wanted["id"]:
        raise ApiError("app.webhooks.save_incoming.existing.app_error", 400)
    for key, limit in _LIMITS.items():
        if len(wanted[key].encode()) > limit:
            raise ApiError(f"model.incoming_hook.{key}.app_error", 400)
    now = call.store.now()
    wanted |= {"id": new_id(), "create_at": now, "update_at": now, "delete_at": 0}
    wanted |= {"user_id": owner["id"], "team_id": channel["team_id"]}
    call.store.insert("hooks", wanted)
    return JSONResponse(payload.to_json(wanted), 201)


def update(call: Call) -> Response:
    """A full replacement, answered with 201: what the body leaves out becomes empty. The owner stays."""
    wanted = call.fields("incoming_webhook", _FIELDS)
    if wanted["id"] != call.id("hook_id"):
        raise invalid_body("hook_id")
    old = _find(call)
    if wanted["team_id"] not in {"", old["team_id"]}:
        raise ApiError("api.webhook.team_mismatch.app_error", 400)
    channel = channels.find(call.store, wanted["channel_id"])
    if channel["team_id"] != old["team_id"]:
        raise invalid_body("channel_id")
    if not access.is_team_manager(call, old["team_id"]):
        raise forbidden()
    _apply_overrides(call, wanted, old)
    if any(len(wanted[key]) > limit for key, limit in _LIMITS.items()):
        raise ApiError("app.webhooks.update_incoming.app_error", 500)
    new = old | wanted | {key: old[key] for key in ("id", "user_id", "team_id")}
    new["update_at"] = call.store.now()
    call.store.update("hooks", old["id"], new)
    return JSONResponse(payload.to_json(new), 201)


def get(call: Call) -> Response:
    return JSONResponse(payload.to_json(_managed(call)))


def delete(call: Call) -> Response:
    call.store.update("hooks", _managed(call)["id"], {"delete_at": call.store.now()})
    return JSONResponse(OK)


def list_page(call: Call) -> Response:
    """One page of the hooks. Their order means nothing; an update moves a hook, as PostgreSQL does."""
    team_id = call.request.query_params.get("team_id", "")
    if not (access.is_team_manager(call, team_id) if team_id else call.is_admin):
        raise forbidden()
    _require_enabled(call)
    hooks = call.store.all(
        "SELECT * FROM hooks WHERE delete_at = 0 AND ? IN ('', team_id) ORDER BY update_at", team_id
    )
    size, offset = call.page()
    shown = [payload.to_json(hook) for hook in hooks[offset : offset + size]]
    if call.instance.release.hooks_total_count and call.flag("include_total_count"):
        return JSONResponse({"incoming_webhooks": shown, "total_count": len(hooks)})
    return JSONResponse(shown)


routes = [
    endpoint("POST", "/hooks/incoming", create),
    endpoint("GET", "/hooks/incoming", list_page),
    endpoint("GET", "/hooks/incoming/{hook_id}", get),
    endpoint("PUT", "/hooks/incoming/{hook_id}", update),
    endpoint("DELETE", "/hooks/incoming/{hook_id}", delete),
]
