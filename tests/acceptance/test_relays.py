"""Checklist: both relays installed and running, the GitLab one on its port."""

import json

import pytest
from testinfra.host import Host

from tasks.relays import bound_at
from tasks.site import Site

SERVICES = ["passerelle-gitlab", "passerelle-nextcloud"]


@pytest.mark.parametrize("service", SERVICES)
def test_service_runs_and_starts_at_boot(host: Host, service: str) -> None:
    assert host.service(service).is_running
    assert host.service(service).is_enabled


@pytest.mark.parametrize("service", SERVICES)
def test_service_has_no_privilege(host: Host, service: str) -> None:
    """A relay reads what strangers send; what it may do when it is taken over must be little."""
    pid = host.check_output("systemctl show -P MainPID %s", service)
    assert host.check_output("stat -c %%u /proc/%s", pid) != "0"
    exposure = host.check_output("systemd-analyze security --no-pager %s", service).splitlines()[-1]
    assert float(exposure.split(":")[1].split()[0]) <= 1.5, exposure


@pytest.mark.parametrize("service", SERVICES)
def test_service_logs_to_the_journal(host: Host, service: str) -> None:
    assert "started" in host.check_output("journalctl -u %s -o cat --no-pager", service)


def test_port_belongs_to_the_socket_unit(host: Host, site: Site) -> None:
    """So a restart of the relay refuses no connection."""
    listening = host.check_output("systemctl show -P Listen passerelle-gitlab.socket")
    assert str(site.relays.port) in listening
    assert host.service("passerelle-gitlab.socket").is_enabled


def test_health(host: Host, site: Site) -> None:
    """What a monitor asks."""
    answer = json.loads(host.check_output("curl -fsS http://127.0.0.1:%s/health", str(site.relays.port)))
    assert answer["status"] == "ok"


def test_event_without_the_secret_is_refused(host: Host, site: Site) -> None:
    """The port is open to the network, the channel is not."""
    url = f"http://127.0.0.1:{site.relays.port}/webhook/gitlab"
    for header in ("X-Gitlab-Event: Push Hook", "X-Gitlab-Token: devine"):
        answer = host.check_output(
            "curl -sS -o /dev/null -w '%%{http_code}' -H %s -H 'Content-Type: application/json' -d '{}' %s",
            header,
            url,
        )
        assert answer == "401"


def test_nextcloud_relay_sees_its_trees_and_nothing_beside_them(host: Host, site: Site) -> None:
    """HR documents of other folders are none of its business."""
    pid = host.check_output("systemctl show -P MainPID passerelle-nextcloud")
    seen = host.check_output("cd /proc/%s/root/run && ls -d passerelle*/*", pid).split("\n")
    assert sorted(seen) == sorted(bound_at(site, tree).removeprefix("/run/") for tree in site.trees)


def test_no_leftover_of_the_hand_made_way(host: Host, infrastructure: str) -> None:
    """No pid files, no log files, no virtual environment beside the Compose project."""
    left = host.check_output("find %s/scripts -name '*.pid' -o -name '*.log' -o -name venv", infrastructure)
    assert left == ""
