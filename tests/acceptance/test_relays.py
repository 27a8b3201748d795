"""Checklist: both relays installed and running, the GitLab one on its port."""

import json

import pytest
from testinfra.host import Host

from tasks.context import DOCUMENTS_SOCKET
from tasks.made import documents_have_buttons
from tasks.operations.compose import ALL_IN_ONE
from tasks.relay_settings import bound_at
from tasks.site import Site

SERVICES = [
    pytest.param("passerelle-gitlab", marks=pytest.mark.checklist("gitlab-service")),
    pytest.param("passerelle-nextcloud", marks=pytest.mark.checklist("nextcloud-service")),
]
RELAYS = [
    pytest.param("gitlab", marks=pytest.mark.checklist("gitlab-relay")),
    pytest.param("nextcloud", marks=pytest.mark.checklist("nextcloud-relay")),
]


@pytest.mark.parametrize("relay", RELAYS)
def test_relay_is_installed_with_all_it_needs(host: Host, relay: str) -> None:
    """The release in use is whole and starts, with its own packages alone: nothing is left to be fetched."""
    assert host.file("/opt/passerelle/current/complete").exists
    reported = host.check_output(f"/opt/passerelle/current/bin/python -I -m relays.sources.{relay} --help")
    assert "--config" in reported


@pytest.mark.parametrize("relay", RELAYS)
def test_settings_of_the_relay_are_those_of_the_site(host: Host, site: Site, relay: str) -> None:
    """The relay speaks the site's language and posts to the site's channel."""
    webhook = {"gitlab": site.mattermost.gitlab_webhook, "nextcloud": site.mattermost.nextcloud_webhook}
    settings = host.file(f"/etc/passerelle/{relay}.toml").content_string.splitlines()
    assert f'language = "{site.relays.language}"' in settings
    assert f'channel = "{webhook[relay].channel}"' in settings


@pytest.mark.parametrize("service", SERVICES)
def test_service_runs_and_starts_at_boot(host: Host, service: str) -> None:
    """The service runs now and after the next start of the host."""
    assert host.service(service).is_running
    assert host.service(service).is_enabled


@pytest.mark.parametrize("service", SERVICES)
def test_service_runs_with_its_current_files(host: Host, service: str) -> None:
    """The unit was not altered after the service started: what runs is what a restart would bring."""
    assert host.check_output("systemctl show -P NeedDaemonReload %s", service) == "no"


@pytest.mark.parametrize("service", SERVICES)
def test_service_has_no_privilege(host: Host, service: str) -> None:
    """A relay is not root and may do little: it reads what strangers send."""
    pid = host.check_output("systemctl show -P MainPID %s", service)
    assert host.check_output("stat -c %%u /proc/%s", pid) != "0"
    exposure = host.check_output("systemd-analyze security --no-pager %s", service).splitlines()[-1]
    assert float(exposure.split(":")[1].split()[0]) <= 1.5, exposure


@pytest.mark.parametrize("service", SERVICES)
def test_service_logs_to_the_journal(host: Host, service: str) -> None:
    """What a relay does is in the journal, where operators look for it."""
    assert "started" in host.check_output("journalctl -u %s -o cat --no-pager | grep -m 1 started", service)


@pytest.mark.checklist("nextcloud-relay")
def test_nobody_but_the_relays_says_who_takes_a_document(host: Host, site: Site) -> None:
    """Where documents have a button, what is pressed gets from one relay to the other by a socket of their group's."""
    socket = host.file(DOCUMENTS_SOCKET)
    assert socket.exists is documents_have_buttons(site)
    if socket.exists:
        assert socket.is_socket
        assert socket.mode == 0o660
        # The group has a name only while they run, and where the host knows those of systemd.
        pid = host.check_output("systemctl show -P MainPID passerelle-gitlab")
        assert host.check_output("stat -c %%g /proc/%s", pid) == str(socket.gid)


@pytest.mark.checklist("gitlab-service")
def test_port_belongs_to_the_socket_unit(host: Host, site: Site) -> None:
    """systemd holds the port, so a restart of the relay refuses no connection."""
    listening = host.check_output("systemctl show -P Listen passerelle-gitlab.socket")
    assert str(site.relays.port) in listening
    assert host.service("passerelle-gitlab.socket").is_running
    assert host.service("passerelle-gitlab.socket").is_enabled


@pytest.mark.checklist("gitlab-service")
def test_health(host: Host, site: Site) -> None:
    """The relay shows a monitor that it is well, and that nothing is stuck."""
    answer = json.loads(host.check_output("curl -fsS http://127.0.0.1:%s/health", str(site.relays.port)))
    assert answer["status"] == "ok"


@pytest.mark.checklist("gitlab-service")
def test_event_without_the_secret_is_refused(host: Host, site: Site) -> None:
    """An event that does not come from GitLab is refused: the port is open to the network, the channel is not."""
    url = f"http://127.0.0.1:{site.relays.port}/webhook/gitlab"
    for header in ("X-Gitlab-Event: Push Hook", "X-Gitlab-Token: devine"):
        answer = host.check_output(
            "curl -sS -o /dev/null -w '%%{http_code}' -H %s -H 'Content-Type: application/json' -d '{}' %s",
            header,
            url,
        )
        assert answer == "401"


@pytest.mark.checklist("nextcloud-service")
def test_nextcloud_relay_sees_the_tree_and_nothing_beside_it(host: Host, site: Site) -> None:
    """The monitor sees of the host's disk the HR trees alone, or nothing if it asks Nextcloud for them."""
    pid = host.check_output("systemctl show -P MainPID passerelle-nextcloud")
    seen = host.check_output(
        "cd /proc/%s/root/run && ls -d passerelle/* passerelle.*/* 2>/dev/null || true", pid
    ).split()
    bound = [bound_at(site, tree).removeprefix("/run/") for tree in site.trees]
    assert sorted(seen) == (sorted(bound) if site.nextcloud.source == "disk" else [])


@pytest.mark.checklist("nextcloud-service")
def test_monitor_starts_when_the_tree_appears(host: Host, site: Site) -> None:
    """The unit that starts the monitor as soon as there is a tree waits for it; over WebDAV none is needed."""
    unit = host.service("passerelle-nextcloud.path")
    on_disk = site.nextcloud.source == "disk"
    assert (unit.is_running, unit.exists and unit.is_enabled) == (on_disk, on_disk)


def link(host: Host, infrastructure: str, arrow: str) -> list[str]:
    """What the operators' own test says of a link between containers, such as `→ Mattermost`."""
    reported = host.run("%s/scripts/test-integrations.sh", infrastructure).stdout
    return [line for line in reported.splitlines() if arrow in line]


@pytest.mark.checklist("gitlab-service")
def test_gitlab_reaches_the_relay(host: Host, infrastructure: str, site: Site) -> None:
    """GitLab's container reaches the relay's port: no firewall stands between them."""
    if not site.gitlab.service or site.relays.url:
        pytest.skip("GitLab reaches the relay from elsewhere, or by a reverse proxy: its events show that")
    (line,) = [line for line in link(host, infrastructure, "GitLab → ") if "Mattermost" not in line]
    assert "✅" in line


@pytest.mark.checklist("mattermost-webhooks")
def test_applications_reach_mattermost(host: Host, infrastructure: str, site: Site) -> None:
    """Mattermost is reached from the other applications' containers, by its name."""
    composed = [service for service in site.services if service != ALL_IN_ONE]
    if not composed:
        pytest.skip("no other application is in a Compose project on the host")
    lines = link(host, infrastructure, "→ Mattermost")
    assert len(lines) == len(composed)
    assert all("✅" in line for line in lines)
