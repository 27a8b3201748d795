"""The server's configuration: defaults, stored values, environment overrides.

A setting that comes from the environment (``MM_<SECTION>_<KEY>``) wins silently: a patch of it answers 200
and changes neither the effective nor the stored value (measured on Mattermost 5.37).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lab.standins.mattermost.state.release import Release
from lab.standins.mattermost.state.store import Store

Document = dict[str, dict[str, Any]]

MASK = "*" * 32
SECRET = {
    ("SqlSettings", "DataSource"),
    ("SqlSettings", "AtRestEncryptKey"),
    ("FileSettings", "PublicLinkSalt"),
}


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
            "DisableBotsWhenOwnerIsDeactivated": True,
            "EnableCustomEmoji": True,
            "EnableDeveloper": False,
            "EnableLinkPreviews": True,
            "MaximumLoginAttempts": 10,
            "PostEditTimeLimit": -1,
            "AllowedUntrustedInternalConnections": "",
        },
        "TeamSettings": {
            "SiteName": "Mattermost",
            "EnableOpenServer": False,
            "MaxUsersPerTeam": 50,
            "MaxChannelsPerTeam": 2000,
            "MaxNotificationsPerChannel": 1000,
            "RestrictDirectMessage": "any",
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
            section: {key: MASK if (section, key) in SECRET else self.get(section, key) for key in settings}
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
