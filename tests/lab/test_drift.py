"""Everything that the deploy has made, broken by hand: announced by --dry, mended by the next run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from requests import HTTPError

from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, Forge, marker, shown
from tests.lab.conftest import deploy, dry, sampled
from tests.waiting import wait_until

INFRASTRUCTURE = "/root/taaf-infrastructure"
TREE = "/var/lib/docker/volumes/taaf-infrastructure_nextcloud_data/_data/data/admin/files/Documents_RH"


@dataclass
class World:
    """What a fault needs to be made."""

    site: Site
    chat: Chat
    forge: Forge
    machine: Callable[[str], str]

    def incoming(self, name: str) -> dict[str, Any]:
        """Mattermost's webhook of that name."""
        found = self.chat.api("GET", "/hooks/incoming?per_page=200")
        return next(hook for hook in found if hook["display_name"] == name)

    def hook(self) -> dict[str, Any]:
        """GitLab's hook to the relay."""
        return next(hook for hook in self.forge.hooks() if hook["name"] == "Passerelle")

    def alter_incoming(self, name: str, **values: Any) -> None:
        hook = self.incoming(name)
        self.chat.api("PUT", f"/hooks/incoming/{hook['id']}", {**hook, **values})

    def alter_hook(self, **values: Any) -> None:
        hook = self.hook()
        self.forge.api("PUT", f"PROJECT/hooks/{hook['id']}", {"url": hook["url"], **values})

    def switch(self, setting: str, value: bool) -> None:
        self.chat.api("PUT", "/config/patch", {"ServiceSettings": {setting: value}})


@pytest.fixture
def world(site: Site, chat: Chat, forge: Forge, machine: Callable[[str], str]) -> World:
    return World(site, chat, forge, machine)


def on_host(command: str) -> Callable[[World], object]:
    return lambda world: world.machine(command)


# What is broken, how, and what the dry run must say of it.
FAULTS: dict[str, tuple[Callable[[World], object], str]] = {
    "webhooks switched off": (
        lambda w: w.switch("EnableIncomingWebhooks", False),
        "EnableIncomingWebhooks: False -> True",
    ),
    "user names not overridden": (
        lambda w: w.switch("EnablePostUsernameOverride", False),
        "EnablePostUsernameOverride: False -> True",
    ),
    "slash commands switched off": (
        lambda w: w.switch("EnableCommands", False),
        "EnableCommands: False -> True",
    ),
    "team archived": (
        lambda w: w.chat.api("DELETE", f"/teams/{w.chat.api('GET', '/teams/name/taaf')['id']}"),
        "team taaf: archived -> active",
    ),
    "channel archived, its webhook lost": (
        lambda w: w.chat.api("DELETE", f"/channels/{w.chat.channel('rh-alerts')['id']}"),
        "channel rh-alerts: archived -> active",
    ),
    "webhook deleted": (
        lambda w: w.chat.api("DELETE", f"/hooks/incoming/{w.incoming('GitLab Notifications')['id']}"),
        "+ incoming webhook 'GitLab Notifications'",
    ),
    "webhook of another channel": (
        lambda w: w.alter_incoming(
            "Nextcloud File Monitor", channel_id=w.chat.channel("dev-notifications")["id"]
        ),
        "webhook 'Nextcloud File Monitor': channel: another -> rh-alerts",
    ),
    "webhook unlocked": (
        lambda w: w.alter_incoming("GitLab Notifications", channel_locked=False),
        "webhook 'GitLab Notifications': channel_locked",
    ),
    "webhook described otherwise": (
        lambda w: w.alter_incoming("GitLab Notifications", description="?"),
        "webhook 'GitLab Notifications': description",
    ),
    "webhook doubled": (
        lambda w: w.chat.api(
            "POST",
            "/hooks/incoming",
            {
                "channel_id": w.chat.channel("rh-alerts")["id"],
                "display_name": "Nextcloud File Monitor",
            },
        ),
        "- incoming webhook 'Nextcloud File Monitor': double",
    ),
    "saved URLs readable": (
        on_host(f"chmod 644 {INFRASTRUCTURE}/scripts/.webhooks.conf"),
        ".webhooks.conf: 644",
    ),
    "saved URLs given away": (
        on_host(f"chown ops {INFRASTRUCTURE}/scripts/.webhooks.conf"),
        ".webhooks.conf: 600 ops",
    ),
    "saved URLs edited": (
        on_host(f"echo >> {INFRASTRUCTURE}/scripts/.webhooks.conf"),
        ".webhooks.conf: other content",
    ),
    "saved URLs gone": (
        on_host(f"rm {INFRASTRUCTURE}/scripts/.webhooks.conf"),
        "+ " + f"{INFRASTRUCTURE}/scripts",
    ),
    "folder removed": (on_host(f"rm -r {TREE}/Conges"), "+ folder Documents_RH/Conges"),
    "folder given to root": (
        on_host(f"chown root:root {TREE}/Contrats"),
        "folder Documents_RH/Contrats: 755|root",
    ),
    "folder closed": (on_host(f"chmod 700 {TREE}/Contrats"), "folder Documents_RH/Contrats: 700"),
    "tree removed": (on_host(f"rm -r {TREE}"), "+ folder Documents_RH of admin"),
    "tree renamed": (on_host(f"mv {TREE} {TREE}_old"), "+ folder Documents_RH of admin"),
    "allow-list emptied": (
        lambda w: w.forge.api("PUT", "application/settings", {"outbound_local_requests_allowlist_raw": ""}),
        "+ outbound allow-list entry",
    ),
    "hook deleted": (lambda w: w.forge.api("DELETE", f"PROJECT/hooks/{w.hook()['id']}"), "+ hook Passerelle"),
    "hook doubled": (
        lambda w: w.forge.api("POST", "PROJECT/hooks", {"url": w.hook()["url"], "name": "Passerelle"}),
        "- hook Passerelle of root/projet-test-taaf: double",
    ),
    "hook events unticked": (
        lambda w: w.alter_hook(issues_events=False, merge_requests_events=False),
        "issues_events: False -> True",
    ),
    "hook led elsewhere, token cleared": (
        lambda w: w.alter_hook(url="http://203.0.113.7/other"),
        "url: 'http://203.0.113.7/other'",
    ),
    "hook described otherwise": (lambda w: w.alter_hook(description="?"), "description: '?'"),
    "hook token readable": (on_host("chmod 644 /etc/passerelle/gitlab-hook-token"), "gitlab-hook-token: 644"),
    "hook token gone": (
        on_host("rm /etc/passerelle/gitlab-hook-token"),
        "gitlab-hook-token: a random secret",
    ),
    "hook token emptied": (
        on_host(": > /etc/passerelle/gitlab-hook-token"),
        "gitlab-hook-token: a random secret",
    ),
    "hook token replaced": (
        on_host("echo another-secret-of-more-than-thirty-characters > /etc/passerelle/gitlab-hook-token"),
        "hook Passerelle of",
    ),
    "signing token lost in GitLab": (
        lambda w: w.alter_hook(signing_token=""),
        "signing_token: missing -> set",
    ),
    "signing token readable": (
        on_host("chmod 644 /etc/passerelle/gitlab-signing-token"),
        "gitlab-signing-token: 644",
    ),
    "signing token gone": (
        on_host("rm /etc/passerelle/gitlab-signing-token"),
        "gitlab-signing-token: a random secret",
    ),
    "signing token emptied": (
        on_host(": > /etc/passerelle/gitlab-signing-token"),
        "gitlab-signing-token: a random secret",
    ),
    "signing token replaced": (
        on_host(
            'echo "whsec_$(head -c 32 /dev/urandom | base64)" > /etc/passerelle/gitlab-signing-token',
        ),
        "hook Passerelle of",
    ),
    "signing token of tomorrow added": (
        on_host(
            'echo "whsec_$(head -c 32 /dev/urandom | base64)" >> /etc/passerelle/gitlab-signing-token',
        ),
        "passerelle-gitlab.service: runs with an older configuration",
    ),
    "relay stopped": (
        on_host("systemctl stop passerelle-gitlab.service"),
        "passerelle-gitlab.service: inactive",
    ),
    "relay and its port stopped": (
        on_host("systemctl stop passerelle-gitlab.socket passerelle-gitlab.service"),
        "passerelle-gitlab.socket: inactive",
    ),
    "monitor stopped": (
        on_host("systemctl stop passerelle-nextcloud.path passerelle-nextcloud.service"),
        "passerelle-nextcloud.service: inactive",
    ),
    "relay not started at boot": (
        on_host("systemctl disable passerelle-nextcloud.service"),
        "passerelle-nextcloud.service: disabled -> enabled",
    ),
    "unit edited": (
        on_host("echo '# mine' >> /etc/systemd/system/passerelle-gitlab.service; systemctl daemon-reload"),
        "~ /etc/systemd/system/passerelle-gitlab.service",
    ),
    "unit gone": (
        on_host("rm /etc/systemd/system/passerelle-nextcloud.path; systemctl daemon-reload"),
        "+ /etc/systemd/system/passerelle-nextcloud.path",
    ),
    "settings of a relay edited": (
        on_host("sed -i s/fr/en/ /etc/passerelle/gitlab.toml"),
        "~ /etc/passerelle/gitlab.toml: other content",
    ),
    "release switched away": (
        on_host("ln -sfn /nowhere /opt/passerelle/current"),
        "~ passerelle: release nowhere",
    ),
    "release broken off half-way": (on_host("rm /opt/passerelle/current/complete"), "~ passerelle: release"),
    "command edited": (
        on_host(f"echo exit >> {INFRASTRUCTURE}/scripts/status.sh"),
        "scripts/status.sh: other content",
    ),
    "command not executable": (
        on_host(f"chmod 644 {INFRASTRUCTURE}/scripts/stop-all-services.sh"),
        "scripts/stop-all-services.sh: 644 root root -> 755 root root",
    ),
    "commands gone": (
        on_host(f"rm {INFRASTRUCTURE}/scripts/*.sh"),
        "scripts/start-all-services.sh (755 root root)",
    ),
}


def accepts(world: World) -> bool:
    """Whether GitLab takes the hook's address."""
    try:
        world.alter_hook()
    except HTTPError:
        return False
    return True


@pytest.mark.parametrize("fault", sampled(FAULTS, 2))
def test_fault_is_announced_and_mended(world: World, fault: str) -> None:
    """One look, one mend, and nothing left to do; then an event goes all the way again."""
    break_it, announced = FAULTS[fault]
    break_it(world)
    # A dry run tells the same as the run that mends; each fourth fault shows it.
    if list(FAULTS).index(fault) % 4 == 0:
        assert announced in dry().output
    mended = deploy()
    assert announced in mended.output
    assert mended.changed >= 1
    assert deploy().changed == 0
    if fault == "allow-list emptied":
        # GitLab's processes keep their settings for a while; a hook that is written is checked against them.
        wait_until("GitLab follows its allow-list", lambda: accepts(world))
    title = marker()
    world.forge.api("POST", "PROJECT/issues", {"title": title})
    wait_until(
        f"the message after: {fault}",
        lambda: [post for post in world.chat.posts("dev-notifications") if title in shown(post)],
    )


def test_folder_of_root_refuses_uploads_until_the_next_deploy(
    machine: Callable[[str], str], cloud: Cloud
) -> None:
    """What goes wrong with folders made by hand: they look fine, and the web server may not write there."""
    name = f"Contrats/{marker()}.pdf"
    machine(f"chown root:root {TREE}/Contrats")
    with pytest.raises(HTTPError, match="403"):
        cloud.put(name, b"%PDF")
    deploy()
    cloud.put(name, b"%PDF")
    cloud.delete(name)
