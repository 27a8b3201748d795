"""All that bears our mark, in the applications and on the host, and what of it a site should have."""

import os
import posixpath
from collections.abc import Callable, Iterable
from unittest.mock import patch

from group_data.all import TAAF
from tasks.commands import command_files
from tasks.operations.nextcloud import scanned
from tasks.relay_settings import bound_at
from tasks.settings import load
from tasks.site import Site
from tests.acceptance.people import Chat, Forge
from tests.lab.faults.world import INFRASTRUCTURE
from tests.lab.runs import environment

Holdings = dict[str, set[str]]

_LISTED = (
    "ls -d /etc/passerelle/* /etc/systemd/system/passerelle-* /run/passerelle /run/passerelle/* /run/passerelle.* "
    "/run/passerelle.*/* "
    "/var/lib/passerelle/* 2>/dev/null; find /root/*/scripts ! -type d 2>/dev/null; true"
)


def site_of(settings: dict[str, str]) -> Site:
    """The lab's site under further settings."""
    with patch.dict(os.environ, environment(**settings)):
        (site,) = load(TAAF).values()
    return site


def held(chat: Chat, forge: Forge, machine: Callable[[str], str]) -> Holdings:
    """What there is."""
    teams: dict[str, str] = {}
    webhooks = set()
    for hook in chat.api("GET", "/hooks/incoming?per_page=200"):
        team = teams.setdefault(hook["team_id"], chat.api("GET", f"/teams/{hook['team_id']}")["name"])
        webhooks.add(f"{team}: {hook['display_name']}")
    bots = {
        bot["user_id"]: bot["username"]
        for bot in chat.api("GET", "/bots?per_page=200")
        if bot["description"].endswith("(Passerelle)")
    }
    tokens = {
        f"{name}: {token['description'].rpartition(',')[0]}"
        for identity, name in bots.items()
        for token in chat.api("GET", f"/users/{identity}/tokens?per_page=200")
    }
    team_ids = {each["name"]: each["id"] for each in chat.api("GET", "/teams?per_page=200")}
    commands = {
        f"{name}: /{command['trigger']}"
        for name, identity in team_ids.items()
        for command in chat.api("GET", f"/commands?team_id={identity}&custom_only=true")
        if command["description"].endswith("(Passerelle)")
    }
    service = chat.api("GET", "/config")["ServiceSettings"]
    projects = [each["path_with_namespace"] for each in forge.api("GET", "projects?per_page=100")]
    return {
        "hooks": {
            f"{project} {hook['url']}"
            for project in projects
            for hook in forge.hooks(project)
            if hook["name"] == "Passerelle"
        },
        "allow-list": set(forge.api("GET", "application/settings")["outbound_local_requests_whitelist"]),
        "webhooks": webhooks,
        "bots": set(bots.values()) | tokens,
        "commands": commands,
        "connections": set(service["AllowedUntrustedInternalConnections"].split()),
        "host": set(machine(_LISTED).split()),
    }


def described(site: Site, address: str, found: Iterable[str] = ()) -> Holdings:
    """What there should be; `address` is the host as GitLab finds it where the settings do not say.

    `found` are the projects that patterns find.
    """
    relay = f"{site.relays.address or address}:{site.relays.port}"
    nextcloud = site.nextcloud
    on_disk = nextcloud.source == "disk"
    secrets = {
        "gitlab-hook-token": True,
        "gitlab-signing-token": True,
        "gitlab-read-token": site.gitlab.read_token,
        "gitlab-write-token": site.gitlab.write_token,
        "spool": site.relays.spool,
        "nextcloud-app-password": nextcloud.relay_password,
        "mattermost-bot-token": site.mattermost.posting == "bot",
        "mattermost-command-token": site.mattermost.commands,
        "site": True,
        "ca.pem": site.host.ca,
        "gitlab.toml": True,
        "nextcloud.toml": True,
    }
    bot = site.mattermost.bot.username if site.mattermost.posting == "bot" else ""
    units = ["gitlab.socket", "gitlab.service", "nextcloud.service", *(["nextcloud.path"] if on_disk else [])]
    bound = {bound_at(site, tree) for tree in site.trees} if on_disk else set()
    marks = {scanned(str(tree.owner), tree.tree) for tree in site.trees} if on_disk else set()
    infrastructure = site.host.infrastructure.replace("~/taaf-infrastructure", INFRASTRUCTURE)
    return {
        "hooks": {f"{project} http://{relay}/webhook/gitlab" for project in (*site.projects, *found)},
        "allow-list": {relay},
        "webhooks": {
            f"{site.mattermost.team}: {hook.display_name}"
            for hook in (site.mattermost.gitlab_webhook, site.mattermost.nextcloud_webhook)
        },
        # Hosts are what their addresses are called.
        "bots": {bot, f"{bot}: Passerelle, {site.host.address}"} if bot else set(),
        "commands": {f"{site.mattermost.team}: /{word}" for word in site.mattermost.commands},
        "connections": {site.relays.address or address} if site.mattermost.commands else set(),
        "host": {
            *(f"/etc/passerelle/{name}" for name, wanted in secrets.items() if wanted),
            *(f"/etc/systemd/system/passerelle-{unit}" for unit in units),
            *bound,
            *map(posixpath.dirname, bound),
            "/var/lib/passerelle/made.json",
            *marks,
            *command_files(f"{infrastructure}/scripts"),
        },
    }
