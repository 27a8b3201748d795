"""The server's configuration: defaults, stored values, environment overrides.

A setting that comes from the environment (``MM_<SECTION>_<KEY>``) wins silently: a patch of it answers 200
and changes neither the effective nor the stored value (measured on Mattermost 5.37).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.release import Release
from lab.standins.mattermost.state.store import Store

Document = dict[str, dict[str, Any]]

MASK = "*" * 32
_SECRET = {
    ("SqlSettings", "DataSource"),
    ("SqlSettings", "AtRestEncryptKey"),
    ("FileSettings", "PublicLinkSalt"),
}
_NO_CACHE = {"Cache-Control": "no-cache, no-store, must-revalidate"}


def defaults(release: Release) -> Document:
    """The settings the stand-in knows, with the release's defaults."""
    return {
        "ServiceSettings": {
            "SiteURL": "",
            "ListenAddress": ":8065",
            "EnableIncomingWebhooks": True,
            "EnableOutgoingWebhooks": True,
            "EnableCommands": True,
            "EnableOAuthServiceProvider": release.oauth_provider_default,
            "EnablePostUsernameOverride": False,
            "EnablePostIconOverride": False,
            "EnableUserAccessTokens": False,
            "EnableBotAccountCreation": False,
            "EnableCustomEmoji": True,
            "EnableDeveloper": False,
            "EnableLinkPreviews": True,
            "MaximumLoginAttempts": 10,
        },
        "TeamSettings": {
            "SiteName": "Mattermost",
            "EnableOpenServer": False,
            "MaxUsersPerTeam": 50,
            "MaxChannelsPerTeam": 2000,
            "MaxNotificationsPerChannel": 1000,
        },
        "SqlSettings": {
            "DriverName": "postgres",
            "DataSource": "postgres://mattermost",
            "AtRestEncryptKey": "unused",
            "MaxIdleConns": 20,
        },
        "FileSettings": {"MaxFileSize": 100 * 1024 * 1024, "PublicLinkSalt": "unused"},
        "EmailSettings": {
            "SendPushNotifications": True,
            "PushNotificationServer": "https://push-test.mattermost.com",
            "PushNotificationContents": "full",
        },
        "RateLimitSettings": {
            "Enable": False,
            "PerSec": 10,
            "MaxBurst": 100,
            "MemoryStoreSize": 10000,
            "VaryByRemoteAddr": True,
            "VaryByUser": False,
            "VaryByHeader": "",
        },
        "LocalizationSettings": {"DefaultServerLocale": "en", "DefaultClientLocale": "en"},
    }


class Config:
    """The effective configuration of one server process.

    ``environment`` is read once, as Mattermost does; ``site_url`` sets the stored ServiceSettings.SiteURL.
    """

    def __init__(
        self, store: Store, release: Release, environment: Mapping[str, str], site_url: str | None
    ) -> None:
        self._store = store
        self._stored = defaults(release)
        row = store.one("SELECT document FROM config")
        for section, settings in json.loads(row["document"]).items() if row else ():
            self._stored[section].update(settings)
        if site_url is not None:
            self._stored["ServiceSettings"]["SiteURL"] = site_url
        self.overrides: Document = {}
        for section, settings in self._stored.items():
            for key, value in settings.items():
                text = environment.get(f"MM_{section}_{key}".upper())
                if text is not None:
                    self.overrides.setdefault(section, {})[key] = _parsed(text, type(value))
        self._save()

    def get(self, section: str, key: str) -> Any:
        """The effective value of one setting."""
        overridden = self.overrides.get(section, {})
        return overridden[key] if key in overridden else self._stored[section][key]

    def service(self, key: str) -> Any:
        """The effective value of one of the ServiceSettings."""
        return self.get("ServiceSettings", key)

    def masked(self) -> Document:
        """The whole effective configuration, secrets replaced by asterisks."""
        return {
            section: {key: MASK if (section, key) in _SECRET else self.get(section, key) for key in settings}
            for section, settings in self._stored.items()
        }

    def patch(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Store the changed settings, except those the environment overrides."""
        for section, settings in changes.items():
            for key, value in settings.items():
                if key not in self.overrides.get(section, {}):
                    self._stored[section][key] = value
        self._save()

    def _save(self) -> None:
        self._store.execute(
            "INSERT INTO config VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document",
            json.dumps(self._stored),
        )


def _parsed(text: str, kind: type) -> Any:
    if kind is bool:
        return text in {"1", "t", "T", "TRUE", "true", "True"}
    return kind(text)


def _known_changes(call: Call, wanted: Mapping[str, Any]) -> Document:
    """The settings of a patch that exist, with values of the right type. Unknown keys are ignored."""
    changes: Document = {}
    for section, known in defaults(call.server.release).items():
        given = wanted.get(section)
        if not isinstance(given, dict):
            continue
        for key, default in known.items():
            value = given.get(key)
            if value is None or ((section, key) in _SECRET and value == MASK):
                continue
            if type(value) is not type(default):
                if not call.server.release.wrong_types_are_zero:
                    raise invalid_body("config")
                value = type(default)()
            changes.setdefault(section, {})[key] = value
    return changes


def get_config(call: Call) -> Response:
    if not call.is_admin:
        raise forbidden()
    return JSONResponse(call.server.config.masked(), headers=_NO_CACHE)


def patch_config(call: Call) -> Response:
    wanted = call.json_object("config")
    if not call.is_admin:
        raise forbidden()
    config = call.server.config
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
        section: dict.fromkeys(settings, True) for section, settings in call.server.config.overrides.items()
    }
    return JSONResponse(names if names and call.is_admin else None, headers=_NO_CACHE)


def get_client_config(call: Call) -> Response:
    """The settings a client sees, as strings. Without a session only a few."""
    server = call.server
    shown: dict[str, str] = {
        "Version": server.release.version,
        "BuildNumber": f"{server.release.version}-standin",
        "SiteURL": server.config.service("SiteURL"),
        "SiteName": server.config.get("TeamSettings", "SiteName"),
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
            shown[key] = "true" if server.config.service(key) else "false"
    return JSONResponse(shown)


routes = [
    endpoint("GET", "/config", get_config),
    endpoint("PUT", "/config/patch", patch_config),
    endpoint("GET", "/config/environment", get_environment),
    endpoint("GET", "/config/client", get_client_config, session=False),
]
