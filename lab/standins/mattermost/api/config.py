"""The server's configuration: read, patched, and what clients see of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.state.config import MASK, SECRET, Document, defaults
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body

_NO_CACHE = {"Cache-Control": "no-cache, no-store, must-revalidate"}


def _known_changes(call: Call, wanted: Mapping[str, Any]) -> Document:
    """The settings of a patch that exist, with values of the right type. Unknown keys are ignored."""
    changes: Document = {}
    for section, known in defaults(call.instance.release).items():
        given = wanted.get(section)
        if not isinstance(given, dict):
            continue
        for key, default in known.items():
            value = given.get(key)
            if value is None or ((section, key) in SECRET and value == MASK):
                continue
            if type(value) is not type(default):
                if not call.instance.release.wrong_types_are_zero:
                    raise invalid_body("config")
                value = type(default)()
            changes.setdefault(section, {})[key] = value
    return changes


def get_config(call: Call) -> Response:
    if not call.is_admin:
        raise forbidden()
    return JSONResponse(call.instance.config.masked(), headers=_NO_CACHE)


def patch_config(call: Call) -> Response:
    wanted = call.json_object("config")
    if not call.is_admin:
        raise forbidden()
    config = call.instance.config
    changes = _known_changes(call, wanted)
    service = changes.get("ServiceSettings", {})
    if service.get("SiteURL") == "" and config.service("SiteURL"):
        raise ApiError("api.config.update_config.clear_siteurl.app_error", 400)
    if service.get("MaximumLoginAttempts", 1) <= 0:
        raise ApiError("model.config.is_valid.login_attempts.app_error", 400)
    config.patch(changes)
    return JSONResponse(config.masked(), headers=_NO_CACHE)


def get_environment(call: Call) -> Response:
    """Which settings come from the environment; ``null`` when none do, and for everybody but admins."""
    names = {
        section: dict.fromkeys(settings, True) for section, settings in call.instance.config.overrides.items()
    }
    return JSONResponse(names if names and call.is_admin else None, headers=_NO_CACHE)


def get_client_config(call: Call) -> Response:
    """The settings a client sees, as strings. Without a session only a few."""
    instance = call.instance
    shown: dict[str, str] = {
        "Version": instance.release.version,
        "BuildNumber": f"{instance.release.version}-standin",
        "SiteURL": instance.config.service("SiteURL"),
        "SiteName": instance.config.get("TeamSettings", "SiteName"),
    }
    if call.maybe_user is not None:
        shown["MaxPostSize"] = "16383"
        for key in (
            "EnableIncomingWebhooks",
            "EnableOutgoingWebhooks",
            "EnableCommands",
            "EnableOAuthServiceProvider",
            "EnablePostUsernameOverride",
            "EnablePostIconOverride",
            "EnableUserAccessTokens",
        ):
            shown[key] = "true" if instance.config.service(key) else "false"
    return JSONResponse(shown)


routes = [
    endpoint("GET", "/config", get_config),
    endpoint("PUT", "/config/patch", patch_config),
    endpoint("GET", "/config/environment", get_environment),
    endpoint("GET", "/config/client", get_client_config, session=False),
]
