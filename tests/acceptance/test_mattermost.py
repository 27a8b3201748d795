"""Checklist: webhooks created for #dev-notifications and #rh-alerts, their URLs saved."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from testinfra.host import Host

from tasks.site import Site
from tasks.site_mattermost import IncomingWebhook
from tests.acceptance.people import Chat
from tests.evidence.camera import Camera

INTEGRATIONS = (
    "EnableIncomingWebhooks",
    "EnableOutgoingWebhooks",
    "EnableCommands",
    "EnableOAuthServiceProvider",
    "EnablePostUsernameOverride",
    "EnablePostIconOverride",
)


@pytest.mark.checklist("mattermost-webhooks")
@pytest.mark.parametrize("setting", INTEGRATIONS)
def test_integration_setting_is_in_force(chat: Chat, setting: str) -> None:
    """Integrations are enabled, as the server says to every client: a variable may override the configuration."""
    assert chat.api("GET", "/config/client?format=old")[setting] == "true"


def webhooks(site: Site) -> list[IncomingWebhook]:
    return [site.mattermost.gitlab_webhook, site.mattermost.nextcloud_webhook]


@pytest.fixture
def saved(host: Host, infrastructure: str) -> dict[str, str]:
    """The saved URLs, by name, in the format that operators know."""
    text = host.file(f"{infrastructure}/scripts/.webhooks.conf").content_string
    return dict(re.findall(r'^([A-Z_]+)="([^"]+)"$', text, re.MULTILINE))


def own_hooks(chat: Chat, team: str, display_name: str, saved: Mapping[str, str]) -> list[dict[str, Any]]:
    """Those of the deploy's account and the one in use; what others have made under the name is theirs."""
    identity, me = chat.api("GET", f"/teams/name/{team}")["id"], chat.api("GET", "/users/me")["id"]
    hooks = chat.api("GET", f"/hooks/incoming?team_id={identity}&per_page=200")
    in_use = {url.rpartition("/")[2] for url in saved.values()}
    return [
        hook
        for hook in hooks
        if hook["display_name"] == display_name and (hook["user_id"] == me or hook["id"] in in_use)
    ]


@pytest.mark.checklist("mattermost-webhooks")
def test_each_webhook_posts_to_its_channel_alone(
    chat: Chat, site: Site, saved: Mapping[str, str], camera: Camera
) -> None:
    """Each webhook leads to its channel: one that leads elsewhere would show HR matters to developers."""
    for wanted in webhooks(site):
        found = own_hooks(chat, site.mattermost.team, wanted.display_name, saved)
        assert len(found) == 1, f"{len(found)} webhooks are called {wanted.display_name}"
        assert found[0]["channel_id"] == chat.channel(wanted.channel)["id"]
        assert found[0]["description"] == wanted.description
        # That of GitLab has to post elsewhere where a route leads elsewhere.
        routed = {channel for route in site.gitlab.routes for channel in route.channels}
        locked = wanted is site.mattermost.nextcloud_webhook or routed <= {wanted.channel}
        assert found[0]["channel_locked"] is locked
    for name in (
        "11-mattermost-integrations-enabled",
        "12-mattermost-webhook-gitlab",
        "13-mattermost-webhook-nextcloud",
    ):
        camera.take(name)


@pytest.mark.checklist("mattermost-webhooks")
def test_channels_are_active(chat: Chat, site: Site) -> None:
    """Both channels are in use: an archived one swallows what its webhook posts."""
    for wanted in webhooks(site):
        assert chat.channel(wanted.channel)["delete_at"] == 0


@pytest.mark.checklist("mattermost-webhooks")
def test_channels_are_private_with_their_members_if_the_site_says_so(chat: Chat, site: Site) -> None:
    """A channel that is to be private hides what is posted there, and who is named for it reads it."""
    for wanted in webhooks(site):
        channel = chat.channel(wanted.channel)
        assert channel["type"] == "P" or not wanted.private, f"{wanted.channel} is public"
        for name in wanted.members:
            member = chat.api("GET", f"/users/username/{name}")["id"]
            assert chat.api("GET", f"/channels/{channel['id']}/members/{member}")["user_id"] == member


@pytest.mark.checklist("webhook-urls")
def test_saved_urls_are_those_of_the_webhooks(chat: Chat, site: Site, saved: Mapping[str, str]) -> None:
    """The saved URLs, which the relays read, are those of the live webhooks."""
    for name, wanted in zip(("GITLAB_WEBHOOK_URL", "NEXTCLOUD_WEBHOOK_URL"), webhooks(site), strict=True):
        (found,) = own_hooks(chat, site.mattermost.team, wanted.display_name, saved)
        assert saved[name] == f"{site.mattermost.url}/hooks/{found['id']}"


@pytest.mark.checklist("webhook-urls")
def test_saved_urls_are_private(host: Host, infrastructure: str) -> None:
    """Only their owner reads the saved URLs: whoever reads a webhook's URL can post in its name."""
    saved = host.file(f"{infrastructure}/scripts/.webhooks.conf")
    assert (saved.mode, saved.user) == (0o600, host.file(infrastructure).user)
