"""Break and repair: what the services promise when they are stopped, killed or meddled with (--disruptive)."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from testinfra.host import Host

from tasks.site import Site
from tests.acceptance.channel import Channel
from tests.acceptance.people import Cloud, Forge
from tests.waiting import wait_until

pytestmark = pytest.mark.disruptive

ROOT = Path(__file__).parent.parent.parent
SERVICES = [
    pytest.param("passerelle-gitlab", marks=pytest.mark.checklist("gitlab-service")),
    pytest.param("passerelle-nextcloud", marks=pytest.mark.checklist("nextcloud-service")),
]


@pytest.mark.checklist("gitlab-service")
def test_event_of_a_stopped_relay_arrives(host: Host, forge: Forge, dev: Channel, mark: str) -> None:
    """systemd takes the event of a stopped relay and starts it: the message arrives, once."""
    try:
        host.check_output("systemctl stop passerelle-gitlab.service")
        forge.api("POST", "PROJECT/issues", {"title": f"Pendant l'arrêt {mark}"})
        dev.message(mark)
    finally:
        host.check_output("systemctl start passerelle-gitlab.socket passerelle-gitlab.service")
    forge.api("POST", "PROJECT/issues", {"title": f"Après l'arrêt {mark}"})
    dev.message(f"Après l'arrêt {mark}")
    assert dev.count(f"Pendant l'arrêt {mark}") == 1


@pytest.mark.checklist("nextcloud-service")
def test_document_of_a_stopped_monitor_is_announced(host: Host, cloud: Cloud, rh: Channel, mark: str) -> None:
    """A document that came while the monitor was stopped is announced when it is back, once."""
    try:
        host.check_output("systemctl stop passerelle-nextcloud.path passerelle-nextcloud.service")
        cloud.put(f"Contrats/{mark}-a.pdf", b"%PDF-1.4")
        assert rh.count(mark) == 0
        host.check_output("systemctl start passerelle-nextcloud.path passerelle-nextcloud.service")
        rh.message(f"{mark}-a.pdf")
        cloud.put(f"Contrats/{mark}-b.pdf", b"%PDF-1.4")
        rh.message(f"{mark}-b.pdf")
        assert rh.count(f"{mark}-a.pdf") == 1
    finally:
        host.check_output("systemctl start passerelle-nextcloud.path passerelle-nextcloud.service")
        for name in "ab":
            cloud.session.delete(cloud.address(f"Contrats/{mark}-{name}.pdf"), timeout=60)


@pytest.mark.parametrize("service", SERVICES)
def test_killed_service_is_back_by_itself(host: Host, service: str) -> None:
    """After SIGKILL systemd starts the service again."""
    before = host.check_output("systemctl show -P MainPID %s", service)
    try:
        host.check_output("kill -KILL %s", before)
        wait_until(
            f"{service} runs again",
            lambda: (
                host.check_output("systemctl show -P MainPID %s", service) not in ("0", before)
                and host.service(service).is_running
            ),
            every=0.3,
        )
    finally:
        host.check_output("systemctl start %s", service)


@pytest.mark.checklist("nextcloud-folders")
def test_folder_given_to_root_is_seen_as_drift(host: Host, in_nextcloud: str, site: Site) -> None:
    """The drift report names a folder whose owner was changed, and no more once it is set right."""
    nextcloud = site.nextcloud
    folder = f"{nextcloud.data_directory}/{nextcloud.admin}/files/{nextcloud.tree}/{nextcloud.folders[0]}"

    def give(owner: str) -> None:
        host.check_output(f"{in_nextcloud} chown {owner} {shlex.quote(folder)}")

    def drift() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "passerelle", "drift"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    try:
        give("root:root")
        announced = drift()
    finally:
        give("www-data:www-data")
    assert announced.returncode == 2, announced.stdout + announced.stderr
    assert f"{nextcloud.tree}/{nextcloud.folders[0]}" in announced.stdout
    # Whatever else differs on this site is not this check's affair.
    assert f"{nextcloud.tree}/{nextcloud.folders[0]}" not in drift().stdout
