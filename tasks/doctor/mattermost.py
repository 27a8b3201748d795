"""Links at Mattermost: the server, the token, settings, team, channels and the saved addresses of the webhooks."""

import json
from typing import Any

from tasks.doctor import machine
from tasks.doctor.chain import Broken, Links, broken
from tasks.doctor.look import Look
from tasks.doctor.probe import digest
from tasks.mattermost import INTEGRATIONS
from tasks.operations.api import ApiError
from tasks.operations.mattermost import find_channel
from tasks.operations.mattermost_members import absentees, find_user
from tasks.operations.resource import differences
from tasks.site_mattermost import IncomingWebhook

links = Links()
machine.way_to("mattermost", links, "docker.services")


@links.add("ssh.forwarding", "mattermost.port")
def forwarding(look: Look) -> Broken | None:
    """The doctor and the deploy get through as well."""
    return machine.forwarding(look)


@links.add("mattermost.health", "mattermost.port")
def health(look: Look) -> Broken | None:
    """The server's own judgement, database and file store included; the body decides, not the status."""
    if found := machine.passed_on("mattermost", look):
        return found
    page = decode(look.host["web"]["mattermost"]["body"])
    if "status" not in page:
        return broken("mattermost.stranger", url=look.site.mattermost.url)
    for key, code in (
        ("database_status", "database"),
        ("filestore_status", "files"),
        ("status", "unhealthy"),
    ):
        if page.get(key, "OK") != "OK":
            return broken(f"mattermost.{code}", detail=page[key])
    return None


@links.add("mattermost.token", "ssh.forwarding", "mattermost.health")
def token(look: Look) -> Broken | None:
    """The deploy's token is known, and a system administrator's."""
    try:
        me = look.mattermost.call("GET", "/api/v4/users/me")
    except ApiError as error:
        if error.status == 401:
            return broken("mattermost.token", url=look.site.mattermost.url)
        raise
    return None if "system_admin" in me.get("roles", "").split() else broken("mattermost.role")


@links.add("mattermost.settings", "mattermost.token")
def settings(look: Look) -> Broken | None:
    """The six integration settings, and what beats them."""
    found = list(differences(look.mattermost.call("GET", "/api/v4/config"), INTEGRATIONS))
    if not found:
        return None
    overridden = look.mattermost.call("GET", "/api/v4/config/environment") or {}
    for section, values in INTEGRATIONS.items():
        for setting, value in values.items():
            wrong = any(line.startswith(f"~ {section}.{setting}:") for line in found)
            if wrong and overridden.get(section, {}).get(setting):
                variable = f"MM_{section}_{setting}".upper()
                return broken("mattermost.variable", variable=variable, value=str(value).lower())
    name, _, change = found[0].removeprefix("~ ").partition(": ")
    return broken("mattermost.setting", setting=name, change=change)


@links.add("mattermost.team", "mattermost.token")
def team(look: Look) -> Broken | None:
    """The team is there and not archived."""
    name = look.site.mattermost.team
    if look.team is None:
        return broken("mattermost.team-missing", team=name)
    return broken("mattermost.team-archived", team=name) if look.team["delete_at"] else None


@links.add("mattermost.channels", "mattermost.team")
def channels(look: Look) -> Broken | None:
    """Both channels are there, not archived, and private with their members if the site says so."""
    for wanted in look.webhooks.values():
        found = find_channel(look.mattermost, look.site.mattermost.team, wanted.channel)
        if found is None:
            return broken("mattermost.channel-missing", channel=wanted.channel)
        if found["delete_at"]:
            return broken("mattermost.channel-archived", channel=wanted.channel)
        if wanted.private and found["type"] == "O":
            return broken("mattermost.channel-public", channel=wanted.channel)
        if missing := _without(look, found, wanted):
            return broken("mattermost.member-missing", channel=wanted.channel, user=missing)
    return None


def _without(look: Look, channel: dict[str, Any], wanted: IncomingWebhook) -> str | None:
    """The first of the members that are wanted who is not in the channel."""
    for name in wanted.members:
        if find_user(look.mattermost, name) is None:
            return name
    absent = absentees(look.mattermost, channel, wanted.members, ())
    return str(absent[0]["username"]) if absent else None


@links.add("webhooks.saved", "ssh")
def saved(look: Look) -> Broken | None:
    """The file with the addresses is there, private, and names both."""
    path = f"{look.infrastructure}/scripts/.webhooks.conf"
    mode = look.host["access"]
    if mode is None:
        return broken("webhooks.missing", path=path)
    if mode != "600":
        return broken("webhooks.access", path=path, mode=mode)
    for name in look.webhooks:
        if name not in look.host["webhooks"]:
            return broken("webhooks.incomplete", path=path, name=name)
    return None


@links.add("webhooks.known", "webhooks.saved", "mattermost.settings", "mattermost.channels")
def known(look: Look) -> Broken | None:
    """Mattermost knows both addresses (asked with a message for a channel that cannot exist)."""
    for name in look.webhooks:
        probed = look.host["webhooks"][name]
        if probed["answer"] == 400:
            return broken("webhooks.unknown", name=name)
        if probed["answer"] == 501:
            return broken("webhooks.off", name=name)
        if probed["answer"] not in (403, 404):
            return broken(
                "webhooks.stranger", name=name, detail=probed["error"] or f"HTTP {probed['answer']}"
            )
    return None


@links.add("webhooks.target", "webhooks.known")
def target(look: Look) -> Broken | None:
    """The saved addresses are those of our webhooks, and these lead to our channels."""
    for name, wanted in look.webhooks.items():
        saved_as = look.host["webhooks"][name]["digest"]
        hooks = look.incoming(wanted)
        ours = [h for h in hooks if digest(f"{look.site.mattermost.url}/hooks/{h['id']}") == saved_as]
        if not ours:
            return broken("webhooks.other", name=name, hook=wanted.display_name)
        channel = find_channel(look.mattermost, look.site.mattermost.team, wanted.channel)
        if channel is None or ours[0]["channel_id"] != channel["id"]:
            return broken("webhooks.channel", hook=wanted.display_name, channel=wanted.channel)
    return None


def decode(body: str) -> dict[str, Any]:
    """The object that a body holds as JSON; an empty one if it holds none."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
