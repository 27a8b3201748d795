"""Checklist: the operators' commands. (Starting and stopping everything is tried in the lab only.)"""

import pytest
from testinfra.host import Host

pytestmark = pytest.mark.checklist("commands")

COMMANDS = [
    "start-all-services.sh",
    "stop-all-services.sh",
    "status.sh",
    "test-integrations.sh",
    "parked.sh",
    "choices.sh",
    "webhooks/start_gitlab_webhook.sh",
    "monitoring/start_nextcloud_monitor.sh",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_can_be_run_and_is_sound(host: Host, infrastructure: str, command: str) -> None:
    """Each command is installed, executable and free of syntax errors."""
    path = f"{infrastructure}/scripts/{command}"
    assert host.file(path).mode & 0o111 == 0o111
    assert host.run("bash -n %s", path).rc == 0


def running(host: Host) -> int:
    """How many relays run."""
    return sum(host.service(f"passerelle-{relay}").is_running for relay in ("gitlab", "nextcloud"))


def test_status_says_the_truth(host: Host, infrastructure: str) -> None:
    """The status command says of each relay whether it runs, and by its exit code whether all is well."""
    status = host.run("%s/scripts/status.sh", infrastructure)
    assert status.stdout.count("PID:") == running(host)
    assert (status.rc == 0) == ("❌" not in status.stdout)
    if running(host) < 2:
        assert status.rc == 1


def test_integration_tests_say_the_truth(host: Host, infrastructure: str) -> None:
    """The operators' own test finds what is broken, and says so by its exit code."""
    result = host.run("%s/scripts/test-integrations.sh", infrastructure)
    assert (result.rc == 0) == ("❌" not in result.stdout)
    if running(host) < 2:
        assert result.rc == 1


@pytest.mark.parametrize("relay", ["gitlab", "nextcloud"])
def test_parked_messages_can_be_listed(host: Host, infrastructure: str, relay: str) -> None:
    """Parked messages can be listed: the command reaches the relay's own store, and leaves it the relay's."""
    listed = host.run("%s/scripts/parked.sh %s list", infrastructure, relay)
    assert listed.rc == 0
    assert listed.stdout.strip()
    assert host.run("%s/scripts/parked.sh %s show 0", infrastructure, relay).rc == 1
    owners = host.check_output("stat -c %%U /var/lib/private/passerelle-%s/*", relay).split()
    assert set(owners) == {host.check_output("stat -c %%U /var/lib/private/passerelle-%s", relay)}
